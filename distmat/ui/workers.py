"""What pages have computed: in processes of this server, so that no page waits for another's."""

from collections.abc import Callable
from functools import cache, partial
from typing import Any, TypeVar

from distmat.errors import DistmatError
from distmat.jobs.workers import Report, Workers
from distmat.limits import PREDICTIONS
from distmat.workspace import checkpoint_path, library_of, shipped_checkpoint

T = TypeVar("T")


def compute(task: Callable[..., T], *arguments: Any, progress: Report | None = None) -> T:
    """Have a worker of this server do something; see `distmat.jobs.workers.Workers.run`."""
    return _workers().run(task, *arguments, progress=progress)


def warm_up() -> None:
    """Let a worker load the network before anybody asks for a prediction."""
    _workers().warm_up()


def end_workers() -> None:
    """End those that wait for questions."""
    _workers().close()


@cache
def _workers() -> Workers:
    return Workers(lambda: PREDICTIONS.value() or 1, _preparation)


def _preparation() -> Callable[..., object]:
    """What most people ask for first."""
    from distmat.prediction_tasks import get_ready

    folder = library = ""
    try:
        checkpoint = shipped_checkpoint()
        if checkpoint is not None:
            folder, library = str(checkpoint_path(checkpoint)), str(library_of(checkpoint) or "")
    # Told to whoever asks for a prediction.
    except DistmatError:
        pass
    return partial(get_ready, folder, library)
