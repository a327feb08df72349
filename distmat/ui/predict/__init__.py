"""The pieces of the page Predict."""
