"""One built-in protein as the shipped model predicts it, beside the truth: made once a server."""

from concurrent.futures import Future, wait
from threading import Thread
from typing import TYPE_CHECKING

import numpy as np
import streamlit as st

from distmat.errors import DistmatError
from distmat.figures.maps import SINGLE_HEIGHT
from distmat.library.training_sequences import describe_overlap
from distmat.protein.examples import Example, examples
from distmat.ui.map_pair import rooms, show_map_pair
from distmat.ui.markdown import escape, show_error
from distmat.ui.predict.request import PredictionRequest
from distmat.ui.predict.view import PredictionView, make_view, view_key
from distmat.ui.score_tables import overall_rows
from distmat.workspace import library_of, shipped_checkpoint

if TYPE_CHECKING:
    from streamlit.delta_generator import DeltaGenerator

EXAMPLE = "lt-iib-b"
"""Its key: neither the best nor the worst of them, and predicted without a template."""

_SCORES = ("mae", "pearson", "lddt", "long_precision")
"""Those that one needs to read the others."""

_STEP = 0.3
"""Seconds of waiting after which a person may leave the page."""


def show_showcase() -> None:
    """Predicted and true map with the verdict; waits for them, so it comes last on a page."""
    checkpoint = shipped_checkpoint()
    if checkpoint is None:
        return
    example = next(example for example in examples() if example.key == EXAMPLE)
    try:
        made = begin(example, checkpoint)
    except DistmatError as error:
        show_error(error)
        return
    # In a place of its own: what is emptied and filled at once is never emptied in the browser.
    waiting = st.empty()
    if not made.done():
        _wait(made, waiting)
    _show(example, made)


def _wait(made: "Future[PredictionView]", waiting: "DeltaGenerator") -> None:
    with waiting.container():
        said = st.empty()
        for room_of_map in rooms("waiting")[:2]:
            room_of_map.skeleton(height=SINGLE_HEIGHT)
    while not made.done():
        # Said again and again: whoever clicks elsewhere leaves the page here.
        said.caption(":material/hourglass_top: The model is loading, and predicts a protein.")
        wait([made], timeout=_STEP)
    waiting.empty()


def begin(example: Example, checkpoint: str) -> "Future[PredictionView]":
    """The prediction of this example, which the first call begins."""
    chain = example.read()
    request = PredictionRequest(example.title, chain.sequence, chain, example)
    library = str(library_of(checkpoint) or "")
    return _start(view_key(request, checkpoint, library), request, checkpoint, library)


@st.cache_resource(max_entries=2, show_spinner=False)
def _start(
    key: str, _request: PredictionRequest, _checkpoint: str, _library: str
) -> "Future[PredictionView]":
    """The prediction of this key, in a thread of its own: a page doesn't wait for it."""
    made: Future[PredictionView] = Future()

    def make() -> None:
        try:
            made.set_result(make_view(_request, _checkpoint, _library))
        # Told by the page that asks for the result.
        except BaseException as error:
            made.set_exception(error)
            # Who comes next begins anew.
            _start.clear()

    Thread(target=make, name="showcase", daemon=True).start()
    return made


def _show(example: Example, made: "Future[PredictionView]") -> None:
    try:
        view = made.result()
    except DistmatError as error:
        show_error(error)
        return
    truth, comparison = view.request.truth, view.prediction.comparison
    assert truth is not None and comparison is not None  # noqa: S101 - examples have structures
    true, predicted = truth.distances, view.prediction.map.distances
    words = show_map_pair(
        truth.sequence,
        predicted,
        true,
        float(max(np.nanmax(true), predicted.max())),
        title="Predicted",
        key="showcase",
        file=f"{example.key}-{{}}",
        protein=example.title,
    )
    learned = describe_overlap(view.prediction.training_overlap, view.checkpoint)
    with words:
        st.markdown(f"**{escape(example.title)}**, {len(truth):,} residues")
        st.markdown(escape(comparison.verdict.sentence()))
        rows = overall_rows(comparison.model, comparison.baseline, only=_SCORES)
        st.table(rows, hide_index=True, border="horizontal")
        st.caption(escape(learned))
        st.page_link(
            "predict.py",
            label="Look at it in 3D",
            icon=":material/arrow_forward:",
            query_params={"example": example.key},
        )
