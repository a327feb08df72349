"""The pieces of the page Evaluate."""
