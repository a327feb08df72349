"""The maps and the backbone as one: predicted, true, where they differ, how sure the model is."""

from typing import TYPE_CHECKING

import streamlit as st

from distmat.figures.maps import image_options
from distmat.ui.explorer import prediction_scene, show_explorer
from distmat.ui.file_name import file_stem
from distmat.ui.predict.answer import Answer

if TYPE_CHECKING:
    from plotly.graph_objects import Figure


def show_maps(answer: Answer) -> None:
    """Map and structure, linked."""
    st.subheader("Map and structure", anchor="maps")
    stem = file_stem(answer.question.title)
    show_explorer(prediction_scene(answer.prediction, answer.key, stem))


def show_figure(figure: "Figure", answer: Answer, name: str, alt: str) -> None:
    """A figure that is saved under the name that fits this answer.

    Parameters
    ----------
    figure : plotly Figure
    answer : Answer
    name : str
        What the figure shows, as a part of file names.
    alt : str
        What it shows, for those who can't see it.
    """
    st.plotly_chart(
        figure,
        width="stretch",
        config=image_options(f"{file_stem(answer.question.title)}-{name}", "svg"),
        key=f"figure-{name}",
        alt=alt,
    )
