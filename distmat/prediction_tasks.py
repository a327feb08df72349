"""What pages ask their workers for; checkpoints and libraries stay loaded there.

Each takes paths that whoever asks may use, and ``progress`` as `distmat.jobs.workers` asks for.
"""

import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from distmat.library.store import Library
from distmat.library.templates import Template
from distmat.prediction import Prediction, distogram_of, predict_chain
from distmat.protein.alignment import Alignment
from distmat.protein.chain import Chain
from distmat.protein.distance_map import DistanceMap
from distmat.protein.distogram import Distogram
from distmat.protein.entry_id import normal_id
from distmat.workspace import checkpoint_identity, file_identity

if TYPE_CHECKING:
    from distmat.model.predictor import Predictor

Report = Callable[[float, str], None]


@dataclass(frozen=True)
class Answer:
    """A prediction, and what is told of it.

    Parameters
    ----------
    prediction : Prediction
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


def get_ready(folder: str, library: str, progress: Report) -> None:
    """Load a checkpoint and its library, where they aren't empty, and predict a short chain."""
    if not folder:
        return
    progress(0.0, "Loading the network")
    _library_of(library)
    # A helix, for what PyTorch sets up at its first use; who asks now doesn't wait for a search.
    _predictor_of(folder).predict("A" * 20)


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
    progress(0.0, "Loading the network")
    predictor, known = _predictor_of(folder), _library_of(library)
    started = time.perf_counter()
    prediction = predict_chain(
        predictor,
        sequence,
        name,
        truth,
        progress,
        known,
        alignment=alignment,
    )
    seconds = time.perf_counter() - started
    trained = predictor.training_sequences
    names = {normal_id(template.name) for template in prediction.templates}
    learned = None if trained is None else frozenset(names & trained.normal_names)
    return Answer(prediction, predictor.card, learned, seconds)


def predict_maps(folder: str, sequences: Sequence[str], *, progress: Report) -> list[DistanceMap]:
    """Maps of several sequences, without known structures of relatives."""
    predictor = _predictor_of(folder)
    maps = []
    for number, sequence in enumerate(sequences):
        progress(number / len(sequences), f"Predicting {number + 1} of {len(sequences)}")
        maps.append(predictor.predict(sequence, _part(progress, number, len(sequences))))
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
    return _predictor(folder, checkpoint_identity(folder))


def _library_of(path: str) -> Library | None:
    return _library(path, file_identity(Path(path))) if path else None


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
