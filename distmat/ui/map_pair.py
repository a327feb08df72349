"""A predicted map beside the true one."""

from hashlib import sha256
from typing import TYPE_CHECKING

import numpy as np
import streamlit as st

from distmat.figures.maps import image_options, single_map

if TYPE_CHECKING:
    from plotly.graph_objects import Figure
    from streamlit.delta_generator import DeltaGenerator


def show_map_pair(
    sequence: str,
    predicted: np.ndarray,
    true: np.ndarray,
    farthest: float,
    *,
    title: str,
    key: str,
    file: str,
    protein: str,
) -> "DeltaGenerator":
    """Draw two maps of one chain, side by side; returns the room beside them, for words.

    Parameters
    ----------
    sequence : str
    predicted, true : ndarray, shape=(N, N), dtype=float
        Å.
    farthest : float
        Å; one scale for both, or they couldn't be compared.
    title : str
        Of the predicted one.
    key : str
        Of the place on the page.
    file : str
        What a saved picture is called, where ``{}`` stands for which of the two it is.
    protein : str
        What the chain is called, for those who can't see the maps.
    """
    sides = ((title, "predicted", predicted), ("True", "true", true))
    *places, words = rooms(key)
    for place, (heading, name, distances) in zip(places, sides, strict=True):
        with place:
            st.markdown(f"**{heading}**")
            st.plotly_chart(
                _map(sequence, farthest, sha256(distances.tobytes()).digest(), distances),
                config=image_options(file.format(name), "png"),
                key=f"{key}-{name}",
                alt=f"The {name} distance map of {protein}",
            )
    return words


def rooms(key: str) -> "list[DeltaGenerator]":
    """For two maps and what is said of them; the words are below where three don't fit."""
    with st.container(key=f"map-pair-{key}"):
        return st.columns(3, gap="medium")


@st.cache_resource(max_entries=16, show_spinner=False)
def _map(sequence: str, farthest: float, mark: bytes, _distances: np.ndarray) -> "Figure":
    return single_map(sequence, _distances, farthest)
