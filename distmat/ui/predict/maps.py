"""The maps: predicted, true, where they differ, and how sure the model is."""

from typing import TYPE_CHECKING

import streamlit as st

from distmat.figures import maps
from distmat.ui.file_name import file_stem
from distmat.ui.predict.answer import Answer

if TYPE_CHECKING:
    from plotly.graph_objects import Figure


def show_maps(answer: Answer) -> None:
    """Maps in the view that a person chooses, each to be saved as a picture."""
    st.subheader("Distance maps", anchor="maps")
    known = answer.prediction.comparison is not None
    views = _VIEWS if known else _VIEWS_WITHOUT_TRUTH
    with st.container(horizontal=True, horizontal_alignment="distribute"):
        view = st.segmented_control(
            "View", views, default=views[0], required=True, key=f"view-{known}"
        )
        st.segmented_control(
            "Save pictures as",
            ("PNG", "SVG"),
            default="PNG",
            required=True,
            key="picture-format",
            help="The camera over a figure saves it.",
        )
    view = view or views[0]
    with st.container(key="three-maps" if view == "Side by side" else "one-map"):
        show_figure(_figure(answer, view), answer, "map", _ALT[view])
    st.caption(_WORDS[view])


def show_figure(figure: "Figure", answer: Answer, name: str, alt: str) -> None:
    """A figure that is saved in the format and under the name that fit this answer.

    Parameters
    ----------
    figure : plotly Figure
    answer : Answer
    name : str
        What the figure shows, as a part of file names.
    alt : str
        What it shows, for those who can't see it.
    """
    kind = str(st.session_state.get("picture-format") or "PNG").lower()
    st.plotly_chart(
        figure,
        width="stretch",
        config=maps.image_options(f"{file_stem(answer.question.title)}-{name}", kind),
        key=f"figure-{name}",
        alt=alt,
    )


_ALT = {
    "Side by side": "Predicted map, true map and the signed difference of the two",
    "Above and below": "Distance map, predicted above and true below the diagonal",
    "Uncertainty": "Map of the standard deviation that the model expects for each pair",
    "Predicted": "Predicted distance map",
}

_VIEWS = ("Side by side", "Above and below", "Uncertainty")
_VIEWS_WITHOUT_TRUTH = ("Predicted", "Uncertainty")
_WORDS = {
    "Side by side": "Both maps share one colour scale. In the third, blue pairs are predicted too "
    "near, red ones too far; grey was not observed. Zoom into one, and the others follow.",
    "Above and below": "Predicted above the diagonal, true below it, on one colour scale: "
    "a perfect prediction would be symmetric. Grey was not observed.",
    "Uncertainty": "The standard deviation that the model itself expects for each pair.",
    "Predicted": "Near pairs are dark. Point at a pair for its residues, distance and deviation.",
}


def _figure(answer: Answer, view: str) -> "Figure":
    predicted, comparison = answer.prediction.map, answer.prediction.comparison
    if view == "Uncertainty":
        return maps.deviation_map(predicted.sequence, predicted.std)
    if comparison is None:
        return maps.predicted_map(predicted.sequence, predicted.distances, predicted.std)
    true = comparison.truth.distances
    if view == "Above and below":
        return maps.above_and_below(predicted.sequence, predicted.distances, true)
    return maps.side_by_side(predicted.sequence, predicted.distances, predicted.std, true)
