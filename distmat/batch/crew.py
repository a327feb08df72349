"""The processes among which groups of chains are dealt, one for each processor.

A chain of 150 residues is too small a work for two threads, which wait for each other more than
they compute; two processes with a thread each are twice as fast. So are they for what isn't the
network: the search for templates, the backbone, the files.
"""

import queue
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import lru_cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import psutil

from distmat.batch.results import Group
from distmat.batch.stream import predict_chains
from distmat.errors import SequenceError
from distmat.jobs.hardware import usable_processors
from distmat.jobs.workers import Workers
from distmat.library.search import Exclusion
from distmat.library.store import Library
from distmat.prediction import Prediction, distogram_of
from distmat.workspace import checkpoint_path

if TYPE_CHECKING:
    from distmat.model.predictor import Predictor

LONGEST = 512
"""Residues of the chains that are predicted by several processes at once; longer ones fill the
memory and keep two threads busy."""

T = TypeVar("T")

_MEMORY = 3 * 2**29
"""Bytes that a process of the crew needs, and as much again as it should leave to others."""


@dataclass(frozen=True)
class Means:
    """By what chains are predicted, besides the checkpoint of their group.

    Parameters
    ----------
    library : Path or None
        Its file.
    exclude : Exclusion
    """

    library: Path | None
    exclude: Exclusion


def count_processes(groups: Sequence[Group]) -> int:
    """How many processes it is worth while to start for so much work; 1 for this one alone."""
    fit = sum(is_short(group) for group in groups)
    room = psutil.virtual_memory().available // _MEMORY
    return max(1, min(usable_processors(), fit, room))


def is_short(group: Group) -> bool:
    """Whether it is for a process of the crew."""
    return max(len(query.sequence) for query in group.queries) <= LONGEST


def predict_group(
    predictor: "Predictor",
    group: Group,
    library: Library | None,
    exclude: Exclusion,
    seen: Callable[[int, Prediction | SequenceError], None],
) -> None:
    """Predict a group of chains and write what comes of it.

    Parameters
    ----------
    predictor : Predictor
        The group's checkpoint.
    seen : callable
        Given the place of each chain among all, and what was found of it.
    """
    rows, folder = [], checkpoint_path(group.checkpoint)
    for number, found in predict_chains(predictor, group.queries, library, exclude):
        known: dict[str, Any] = {"folder": folder}
        if isinstance(found, Prediction):
            known["distogram"] = distogram_of(
                predictor, found.map.sequence, found.templates, found.alignment
            )
        rows.append(group.keep(number, found, **known))
        seen(group.places[number], found)
    group.close(rows)


def predict_by_crew(
    groups: Sequence[Group],
    means: Means,
    count: int,
    digest: Callable[[Prediction | SequenceError, str], T],
    progress: Callable[[int], None],
) -> Iterator[tuple[int, T]]:
    """Predict groups of chains by so many processes.

    Parameters
    ----------
    groups : sequence of Group
    means : Means
    count : int
    digest : callable
        What is to be known of a prediction and its checkpoint's name; of a module, for the
        processes call it.
    progress : callable
        Told how many of their chains are done.

    Yields
    ------
    int
        Place of a chain among all, when its group is done.
    object
        Its digest.

    Raises
    ------
    DistmatError
        If a process raises it, or the system ended one.
    """
    crew, left = Workers(lambda: count), threading.Event()
    said: queue.SimpleQueue[tuple[int, int, list[tuple[int, T]] | BaseException | None]]
    said = queue.SimpleQueue()

    def tell(number: int, share: float, text: str) -> None:
        if left.is_set():
            raise _LeftError
        said.put((number, round(share * len(groups[number])), None))

    def ask(number: int) -> None:
        try:
            task = (_predict, groups[number], means, digest)
            answer: Any = crew.run(*task, progress=partial(tell, number))
        except _LeftError:
            return
        # It is raised again where somebody waits.
        except BaseException as error:
            answer = error
        said.put((number, len(groups[number]), answer))

    done, to_come = [0] * len(groups), len(groups)
    with ThreadPoolExecutor(count, "crew") as threads:
        try:
            for number in range(len(groups)):
                threads.submit(ask, number)
            while to_come:
                number, done[number], answer = said.get()
                if isinstance(answer, BaseException):
                    raise answer
                progress(sum(done))
                if answer is not None:
                    to_come -= 1
                    yield from answer
        finally:
            left.set()
            threads.shutdown(cancel_futures=True)
            crew.close()


class _LeftError(Exception):
    """Nobody waits any more."""


def _predict(
    group: Group,
    means: Means,
    digest: Callable[[Prediction | SequenceError, str], T],
    progress: Callable[[float, str], None],
) -> list[tuple[int, T]]:
    """What a process of the crew is asked."""
    predictor, library = _predictor(group.checkpoint), _library(means.library)
    told: list[tuple[int, T]] = []

    def seen(place: int, found: Prediction | SequenceError) -> None:
        told.append((place, digest(found, group.checkpoint)))
        progress(len(told) / len(group), "Predicting")

    predict_group(predictor, group, library, means.exclude, seen)
    return told


@lru_cache(maxsize=1)
def _predictor(checkpoint: str) -> "Predictor":
    import torch

    from distmat.model.predictor import load

    # The other processors have processes of their own.
    torch.set_num_threads(1)
    return load(checkpoint)


@lru_cache(maxsize=1)
def _library(path: Path | None) -> Library | None:
    return None if path is None else Library(path)
