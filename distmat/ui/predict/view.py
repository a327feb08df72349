"""The prediction that answers a request: made once, with its progress shown, then kept."""

import hashlib
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING

import numpy as np
import streamlit as st

from distmat.errors import DistmatError
from distmat.limits import PREDICTIONS, check_residues
from distmat.ui.markdown import show_error
from distmat.ui.predict.request import PredictionRequest
from distmat.ui.predict.turns import Turns
from distmat.workspace import checkpoint_path

if TYPE_CHECKING:
    from distmat.library.store import Library
    from distmat.model.predictor import Predictor
    from distmat.model.readout import Distogram
    from distmat.prediction import Prediction
    from distmat.protein.distance_map import DistanceMap

_KEPT = 6
"""Predictions that a session keeps; each takes up to 100 MB for a chain of 1,000 residues."""


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
    baseline : ndarray, shape=(N, N), dtype=float
        What knowing only the separation would predict, Å.
    seconds : float
        The time it took.
    library : str
        Path of the library that templates were looked up in; empty: none.
    learned : frozenset of str or None
        Ids of the chains that the checkpoint was trained on, where it tells.
    """

    key: str
    request: PredictionRequest
    checkpoint: str
    card: dict
    prediction: "Prediction"
    baseline: np.ndarray
    seconds: float
    library: str = ""
    learned: frozenset[str] | None = None


def get_prediction(request: PredictionRequest, checkpoint: str) -> PredictionView | None:
    """Predict, or take what is kept; an error is shown, with the last prediction."""
    kept: dict[str, PredictionView] = st.session_state.setdefault("predictions", {})
    bar = st.empty()
    try:
        library = st.session_state.get("library") or ""
        key = view_key(request, checkpoint, library)
        if key not in kept:
            bar.progress(0.0, "Loading the network")
            kept[key] = make_view(
                request, checkpoint, library, lambda share, text: bar.progress(share, text)
            )
        # The last one used comes last, so that the oldest is let go first.
        kept[key] = kept.pop(key)
        while len(kept) > _KEPT:
            del kept[next(iter(kept))]
        return kept[key]
    except DistmatError as error:
        show_error(error)
        return next(reversed(kept.values()), None)
    finally:
        bar.empty()


def warm_up() -> None:
    """Begin to load what predicting needs, behind a page that is already there."""
    _warming()


@st.cache_resource(show_spinner=False)
def _warming() -> Thread:
    thread = Thread(target=_import_network, name="warm-up", daemon=True)
    thread.start()
    return thread


def _import_network() -> None:
    # If this fails, predicting will fail for the same reason, and says so.
    with suppress(Exception):
        import distmat.model.predictor
        import distmat.prediction  # noqa: F401


def view_key(request: PredictionRequest, checkpoint: str, library: str) -> str:
    """Differs between any two predictions; `library` as in `PredictionView`."""
    folder = checkpoint_path(checkpoint)
    truth = b"" if request.truth is None else request.truth.ca.tobytes()
    rows = b"" if request.alignment is None else request.alignment.rows.tobytes()
    parts = (str(folder), _age(folder), request.title, request.sequence, library)
    return hashlib.sha256(repr(parts).encode() + truth + rows).hexdigest()[:16]


def make_view(
    request: PredictionRequest,
    checkpoint: str,
    library: str,
    report: Callable[[float, str], object] | None = None,
) -> PredictionView:
    """Predict; `report` is told the share that is done and what is being done.

    Raises
    ------
    DistmatError
        If there is no such checkpoint, or it can't answer this request.
    """
    check_residues(len(request.sequence))
    _warming().join()
    from distmat.prediction import predict_chain
    from distmat.scoring.baseline import reference_baseline

    def show(share: float, text: str) -> None:
        if report is not None:
            report(min(1.0, share), text)

    folder = checkpoint_path(checkpoint)
    predictor = _predictor(str(folder), _age(folder))

    def wait(before: int) -> None:
        show(0.0, f"Waiting: {before} of the predictions before yours must end first")

    with _turns().turn(PREDICTIONS.value() or 1, wait):
        started = time.perf_counter()
        prediction = predict_chain(
            predictor,
            request.sequence,
            request.title,
            request.truth,
            show,
            _library(library, Path(library).stat().st_mtime_ns) if library else None,
            alignment=request.alignment,
        )
        seconds = time.perf_counter() - started
    return PredictionView(
        view_key(request, checkpoint, library),
        request,
        checkpoint,
        predictor.card,
        prediction,
        reference_baseline().predict(len(prediction.map)),
        seconds,
        library,
        None if predictor.training_sequences is None else predictor.training_sequences.normal_names,
    )


def distogram_maker(view: PredictionView) -> "Callable[[], Distogram | None]":
    """What predicts how likely each distance is, once that is asked for."""

    def predict() -> "Distogram | None":
        from distmat.prediction import distogram_of

        folder = checkpoint_path(view.checkpoint)
        return distogram_of(_predictor(str(folder), _age(folder)), view.prediction)()

    return predict


def predict_alone(view: PredictionView, sequences: tuple[str, ...]) -> "list[DistanceMap]":
    """Maps of these sequences by the view's checkpoint, without known structures of relatives."""
    folder = checkpoint_path(view.checkpoint)
    predictor = _predictor(str(folder), _age(folder))
    return [predictor.predict(sequence) for sequence in sequences]


@st.cache_resource(show_spinner=False)
def _turns() -> Turns:
    """Of all people of this server."""
    return Turns()


def _age(folder: Path) -> int:
    """When a file of this checkpoint was last written; another training makes another view."""
    return max((file.stat().st_mtime_ns for file in folder.iterdir()), default=0)


@st.cache_resource(max_entries=2, show_spinner=False)
def _library(path: str, changed: int) -> "Library":
    """The library in this file as it was at this time."""
    from distmat.library.store import Library

    return Library(Path(path))


@st.cache_resource(max_entries=2, show_spinner=False)
def _predictor(folder: str, changed: int) -> "Predictor":
    """The checkpoint in this folder as it was at this time."""
    from distmat.model.predictor import load

    return load(folder)
