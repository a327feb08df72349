"""A predicted map beside the true one."""

import numpy as np
import streamlit as st

from distmat.figures.maps import image_options, single_map


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
) -> None:
    """Draw two maps of one chain, side by side.

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
    for column, (heading, name, distances) in zip(st.columns(2, gap="medium"), sides, strict=True):
        with column:
            st.markdown(f"**{heading}**")
            st.plotly_chart(
                single_map(sequence, distances, farthest),
                width="content",
                config=image_options(file.format(name), "png"),
                key=f"{key}-{name}",
                alt=f"The {name} distance map of {protein}",
            )
