"""Many chains as one piece of work: read, predicted in batches, kept as they come, and resumed."""

PREDICTION = "prediction"
"""The kind of job that predicts many chains."""
