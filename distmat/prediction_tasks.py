"""What pages ask their workers for; checkpoints and libraries stay loaded there.

Each takes paths that whoever asks may use, and ``progress`` as `distmat.jobs.workers` asks for.
"""

import contextlib
import os
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import lru_cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from distmat.errors import DistmatError
from distmat.library.relatives import RelativesSearch
from distmat.library.search import profile_database
from distmat.library.store import Library
from distmat.library.templates import Template
from distmat.library.training_sequences import TrainingSequences, read_training_sequences
from distmat.prediction import Prediction, distogram_of, predict_chain
from distmat.protein.alignment import Alignment
from distmat.protein.chain import Chain
from distmat.protein.distance_map import DistanceMap
from distmat.protein.distogram import Distogram
from distmat.protein.entry_id import normal_id
from distmat.protein.sequence import check_letters
from distmat.workspace import (
    checkpoint_identity,
    checkpoint_path,
    file_identity,
    library_of,
    shipped_checkpoint,
)

if TYPE_CHECKING:
    from distmat.model.predictor import Predictor

Report = Callable[[float, str], None]


@dataclass(frozen=True)
class Answer:
    """A prediction, and what is told of it.

    Parameters
    ----------
    prediction : Prediction
        The tables of its map have single precision, as in every file that is made of them.
    card : dict
        What the checkpoint tells of itself; see `distmat.model.predictor.Predictor`.
    learned : frozenset of str or None
        Ids of the templates that the checkpoint was trained on; None where it doesn't tell.
    seconds : float
        The time it took.
    """

    prediction: Prediction
    card: dict[str, Any]
    learned: frozenset[str] | None
    seconds: float


def get_ready() -> None:
    """Load what most people ask for first, the shipped checkpoint and its library."""
    # What is wrong with them is told to whoever asks for a prediction.
    with contextlib.suppress(DistmatError), ThreadPoolExecutor(1) as beside:
        checkpoint = shipped_checkpoint()
        if checkpoint is None:
            return
        beside.submit(_make_searchable, str(library_of(checkpoint) or ""))
        # A helix, for what PyTorch sets up at its first use.
        _predictor_of(str(checkpoint_path(checkpoint))).predict("A" * 20)


def _make_searchable(path: str) -> None:
    library = _library_of(path)
    if library is not None:
        profile_database(library)


def predict(
    folder: str,
    sequence: str,
    name: str,
    truth: Chain | None = None,
    library: str = "",
    alignment: Alignment | None = None,
    *,
    progress: Report,
) -> Answer:
    """Predict by the checkpoint in a folder; as `distmat.prediction.predict_chain`.

    Parameters
    ----------
    folder, sequence, name : str
    truth : Chain, optional
    library : str
        Path of the library for templates; empty: none.
    alignment : Alignment, optional
    progress : callable

    Raises
    ------
    DistmatError
        As of `predict_chain` and of loading.
    """
    sequence = check_letters(sequence)
    progress(0.0, "Loading the network")
    # Other processes look for relatives meanwhile.
    relatives = RelativesSearch(
        sequence,
        lambda: _training_sequences_of(folder),
        lambda: _library_of(library),
        "" if truth is None else truth.name,
        alignment=alignment,
    )
    predictor = _predictor_of(folder)
    started = time.perf_counter()
    prediction = predict_chain(
        predictor, sequence, name, truth, progress, alignment=alignment, relatives=relatives
    )
    seconds = time.perf_counter() - started
    trained = predictor.training_sequences
    names = {normal_id(template.name) for template in prediction.templates}
    learned = None if trained is None else frozenset(names & trained.normal_names)
    return Answer(_light(prediction), predictor.card, learned, seconds)


def _light(prediction: Prediction) -> Prediction:
    told = prediction.map
    tables = (told.distances, told.std, told.contacts)
    light = DistanceMap(told.sequence, *(table.astype(np.float32) for table in tables))
    return replace(prediction, map=light)


def predict_maps(
    folder: str, sequences: Sequence[str], readout: str | None = None, *, progress: Report
) -> list[DistanceMap]:
    """Maps of several sequences, without known structures of relatives; see `Predictor.predict`."""
    predictor = _predictor_of(folder)
    predict = predictor.predict if readout is None else partial(predictor.predict, readout=readout)
    maps = []
    for number, sequence in enumerate(sequences):
        progress(number / len(sequences), f"Predicting {number + 1} of {len(sequences)}")
        report = _part(progress, number, len(sequences))
        maps.append(predict(sequence, report))
    return maps


def _part(progress: Report, number: int, count: int) -> Callable[[float, str], None]:
    def report(share: float, text: str) -> None:
        progress((number + share) / count, text)

    return report


def predict_distogram(
    folder: str,
    sequence: str,
    templates: tuple[Template, ...],
    alignment: Alignment | None = None,
    *,
    progress: Report,
) -> Distogram | None:
    """How likely each distance is; None of a head that gives distances alone."""
    progress(0.0, "Predicting the distogram")
    return distogram_of(_predictor_of(folder), sequence, templates, alignment)()


def _predictor_of(folder: str) -> "Predictor":
    # Who comes while it is being loaded waits for it.
    with _LOADING_A_PREDICTOR:
        return _predictor(folder, checkpoint_identity(folder))


def _library_of(path: str) -> Library | None:
    if not path:
        return None
    with _LOADING_A_LIBRARY:
        return _library(path, file_identity(Path(path)))


def _training_sequences_of(folder: str) -> TrainingSequences | None:
    return _training_sequences(folder, checkpoint_identity(folder))


_LOADING_A_PREDICTOR, _LOADING_A_LIBRARY = threading.Lock(), threading.Lock()


@lru_cache(maxsize=2)
def _predictor(folder: str, identity: str) -> "Predictor":
    """The checkpoint in this folder as it was then."""
    import torch

    from distmat.model.predictor import load

    # A long chain leaves a core to the pages.
    torch.set_num_threads(max(1, min(torch.get_num_threads(), (os.cpu_count() or 1) - 1)))
    return load(folder)


@lru_cache(maxsize=2)
def _library(path: str, identity: str) -> Library:
    """The library in this file as it was then."""
    return Library(Path(path))


@lru_cache(maxsize=2)
def _training_sequences(folder: str, identity: str) -> TrainingSequences | None:
    """What the checkpoint in this folder was trained on, by the file as it was then."""
    return read_training_sequences(Path(folder))
