"""The maps and the backbone as one: predicted, true, where they differ, how sure the model is."""

from typing import TYPE_CHECKING

import numpy as np
import streamlit as st

from distmat.figures.explorer import Scene
from distmat.figures.maps import image_options
from distmat.ui.explorer import show_explorer
from distmat.ui.file_name import file_stem
from distmat.ui.predict.answer import Answer

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

    from distmat.library.templates import Template


def show_maps(answer: Answer) -> None:
    """Map and structure, linked."""
    st.subheader("Map and structure", anchor="maps")
    show_explorer(answer_scene(answer))


def answer_scene(answer: Answer) -> Scene:
    """What the explorer shows of an answer."""
    predicted, truth = answer.prediction.map, answer.question.truth
    return Scene(
        key=answer.key,
        sequence=predicted.sequence,
        predicted=predicted.distances,
        std=predicted.std,
        truth=None if truth is None else truth.ca,
        stages=answer.prediction.backbone.stages,
        template=template_map(answer.prediction.templates),
        numbers=() if truth is None else truth.residue_numbers,
        file=file_stem(answer.question.title),
    )


def template_map(templates: "tuple[Template, ...]") -> np.ndarray | None:
    """Å; of each pair in the surest template that covers it, NaN where none does."""
    if not templates:
        return None
    table = templates[0].distances.astype(float)
    for template in templates[1:]:
        distances = template.distances
        table = np.where(np.isnan(table), distances, table)
    return table


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
