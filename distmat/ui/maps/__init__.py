"""The pieces of the page Maps."""
