"""The prediction that answers a request: made once, with its progress shown, then kept."""

import hashlib
import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache
from importlib import import_module

import numpy as np
import streamlit as st

from distmat.errors import DistmatError
from distmat.geometry.secondary_structure import secondary_structure
from distmat.limits import check_residues
from distmat.prediction import Prediction
from distmat.prediction_tasks import predict, predict_distogram
from distmat.protein.distogram import Distogram
from distmat.ui.markdown import show_error
from distmat.ui.predict.request import PredictionRequest
from distmat.ui.workers import compute
from distmat.workspace import (
    checkpoint_for,
    checkpoint_identity,
    checkpoint_path,
    is_automatic,
)

_LOOK = 0.3
"""Seconds between two looks at whether somebody else's prediction is there."""

_MOST_PAIRS = 4_000_000
"""Pairs of residues in the predictions that the server keeps for others, 12 bytes each: of four
chains of 1,000 residues, or of a hundred of 200. Who looks at one keeps it besides."""


@dataclass(frozen=True)
class PredictionView:
    """What the page shows.

    Parameters
    ----------
    key : str
        Differs between any two predictions.
    request : PredictionRequest
    checkpoint : str
        Name of the checkpoint that answered.
    card : dict
        What that checkpoint tells of itself.
    prediction : Prediction
    seconds : float
        The time it took.
    library : str
        Path of the library that templates were looked up in; empty: none.
    learned : frozenset of str or None
        Ids of the templates that the checkpoint was trained on, where it tells.
    automatic : bool
        Whether the checkpoint was chosen by the chain's length.
    """

    key: str
    request: PredictionRequest
    checkpoint: str
    card: dict
    prediction: Prediction
    seconds: float
    library: str = ""
    learned: frozenset[str] | None = None
    automatic: bool = False


def get_prediction(request: PredictionRequest, checkpoint: str) -> PredictionView | None:
    """Predict, or take what is kept; an error is shown, with the last prediction.

    Parameters
    ----------
    request : PredictionRequest
    checkpoint : str
        A name, or `distmat.workspace.AUTO`.
    """
    bar = st.empty()
    try:
        library = st.session_state.get("library") or ""
        named = checkpoint_for(checkpoint, len(request.sequence))
        view = make_view(
            request, named, library, lambda share, text: bar.progress(min(1.0, share), text)
        )
        view = replace(view, automatic=is_automatic(checkpoint))
    except DistmatError as error:
        show_error(error)
        last: PredictionView | None = st.session_state.get("view")
        return last
    finally:
        bar.empty()
    st.session_state["view"] = view
    return view


def view_key(request: PredictionRequest, checkpoint: str, library: str) -> str:
    """Differs between any two predictions; `library` as in `PredictionView`."""
    truth = b"" if request.truth is None else request.truth.ca.tobytes()
    rows = b"" if request.alignment is None else request.alignment.rows.tobytes()
    parts = (checkpoint_identity(checkpoint), request.title, request.sequence, library)
    return hashlib.sha256(repr(parts).encode() + truth + rows).hexdigest()[:16]


def make_view(
    request: PredictionRequest,
    checkpoint: str,
    library: str,
    report: Callable[[float, str], object] | None = None,
) -> PredictionView:
    """Predict, or take what anybody of this server has asked for before.

    Parameters
    ----------
    request : PredictionRequest
    checkpoint : str
    library : str
        As in `PredictionView`.
    report : callable, optional
        Told the share that is done and what is being done.

    Raises
    ------
    DistmatError
        If there is no such checkpoint, or it can't answer this request.
    """
    check_residues(len(request.sequence))
    key = view_key(request, checkpoint, library)
    kept = _views.of(key)
    while not kept.lock.acquire(timeout=_LOOK):
        if report is not None:
            report(0.0, "Somebody has just asked for the same: it is being predicted")
    try:
        if kept.view is None:
            kept.view = _predicted(key, request, checkpoint, library, report)
            _views.make_room()
        return kept.view
    finally:
        kept.lock.release()


class _Kept:
    """Where a view is put by who makes it, while others that ask for it wait for the lock."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.view: PredictionView | None = None

    @property
    def pairs(self) -> int:
        """Of residues; 0 before there is a view."""
        return 0 if self.view is None else len(self.view.request.sequence) ** 2


class _Views:
    """What anybody of this server has asked for, as much of it as there is room for."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kept: OrderedDict[str, _Kept] = OrderedDict()

    def of(self, key: str) -> _Kept:
        """The place of this view, filled or not."""
        with self._lock:
            kept = self._kept.setdefault(key, _Kept())
            self._kept.move_to_end(key)
            return kept

    def make_room(self) -> None:
        """Forget those that nobody has asked for longest; the last one stays, however long."""
        with self._lock:
            made = [key for key, kept in self._kept.items() if kept.view is not None]
            pairs = 0
            for number, key in enumerate(reversed(made)):
                pairs += self._kept[key].pairs
                if number and pairs > _MOST_PAIRS:
                    del self._kept[key]

    def clear(self) -> None:
        """Forget all."""
        with self._lock:
            self._kept.clear()


_views = _Views()


def _predicted(
    key: str,
    request: PredictionRequest,
    checkpoint: str,
    library: str,
    report: Callable[[float, str], object] | None,
) -> PredictionView:
    _get_ready_to_draw()
    answer = compute(
        predict,
        str(checkpoint_path(checkpoint)),
        request.sequence,
        request.title,
        request.truth,
        library,
        request.alignment,
        progress=report,
    )
    return PredictionView(
        key,
        request,
        checkpoint,
        answer.card,
        answer.prediction,
        answer.seconds,
        library,
        answer.learned,
    )


@cache
def _get_ready_to_draw() -> None:
    """While a worker predicts, load what the first drawing of this server would wait for."""
    threading.Thread(target=_load_what_draws, name="drawing", daemon=True).start()


def _load_what_draws() -> None:
    # Of Streamlit's tables.
    import_module("pandas")
    # And of the ruler beside a map: the library that knows secondary structure, and its tables.
    secondary_structure(np.outer(np.arange(20), [3.3, 0.0, 0.0]))


def distogram_maker(view: PredictionView) -> Callable[[], Distogram | None]:
    """What predicts how likely each distance is, once that is asked for."""

    def predicted() -> Distogram | None:
        known = view.prediction
        folder = str(checkpoint_path(view.checkpoint))
        told = (known.map.sequence, known.templates, known.alignment)
        return compute(predict_distogram, folder, *told)

    return predicted
