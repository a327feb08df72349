"""What is drawn in which colour, on a page and in print."""

MODEL_COLOUR, BASELINE_COLOUR, TRUTH_COLOUR = "#d95f02", "#7f7f7f", "#1b78b4"
"""Orange for what the model says, grey for the baseline, blue for the truth; everywhere."""
