"""The maps and the backbone as one: predicted, true, where they differ, how sure the model is."""

from collections.abc import Callable
from typing import TYPE_CHECKING

import streamlit as st

from distmat.figures.maps import image_options
from distmat.ui.explorer import prediction_scene, show_explorer
from distmat.ui.file_name import file_stem
from distmat.ui.predict.view import PredictionView

if TYPE_CHECKING:
    from plotly.graph_objects import Figure


def show_maps(view: PredictionView) -> None:
    """Map and structure, linked."""
    st.subheader("Map and structure", anchor="maps")
    stem = file_stem(view.request.title)
    show_explorer(prediction_scene(view.prediction, view.key, stem))


def show_figure(make: Callable[[], "Figure"], view: PredictionView, name: str, alt: str) -> None:
    """A figure that is saved under the name that fits this prediction.

    Parameters
    ----------
    make : callable
        Draws it; once for all who see this prediction.
    view : PredictionView
    name : str
        What the figure shows, as a part of file names.
    alt : str
        What it shows, for those who can't see it.
    """
    st.plotly_chart(
        _figure(view.key, name, make),
        width="stretch",
        config=image_options(f"{file_stem(view.request.title)}-{name}", "svg"),
        key=f"figure-{name}",
        alt=alt,
    )


@st.cache_resource(max_entries=64, show_spinner=False)
def _figure(key: str, name: str, _make: Callable[[], "Figure"]) -> "Figure":
    return _make()
