"""Many chains as one piece of work: read, predicted in batches, kept as they come, and resumed."""
