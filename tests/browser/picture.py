"""What is on a screenshot, for those who can't see it."""

import io

import numpy as np
from PIL import Image

ORANGE, BLUE = (217, 95, 2), (27, 120, 180)
"""Of the predicted and of the true trace."""


def pixels(png):
    return np.asarray(Image.open(io.BytesIO(png)).convert("RGB")).astype(float)


def colours(png):
    """How many different colours there are."""
    return len(np.unique(pixels(png).reshape(-1, 3), axis=0))


def share_like(png, colour):
    """The share of pixels of this hue, in light or shade."""
    rgb = pixels(png).reshape(-1, 3)
    size = np.linalg.norm(rgb, axis=1)
    cosine = rgb @ np.array(colour, float) / np.maximum(size * np.linalg.norm(colour), 1e-9)
    return float(((cosine > 0.97) & (size > 60)).mean())
