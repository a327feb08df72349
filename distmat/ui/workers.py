"""What pages have computed: in processes of this server, so that no page waits for another's."""

import threading
from collections.abc import Callable
from functools import cache
from typing import Any, TypeVar

from distmat.jobs.workers import Report, Workers
from distmat.limits import PREDICTIONS

T = TypeVar("T")


def compute(task: Callable[..., T], *arguments: Any, progress: Report | None = None) -> T:
    """Have a worker of this server do something; see `distmat.jobs.workers.Workers.run`."""
    return _workers().run(task, *arguments, progress=progress)


@cache
def warm_up() -> None:
    """Let a worker load the network before anybody asks for a prediction; once a server."""
    threading.Thread(target=_workers().warm_up, name="warm-up", daemon=True).start()


def end_workers() -> None:
    """End those that wait for questions."""
    _workers().close()


@cache
def _workers() -> Workers:
    return Workers(lambda: PREDICTIONS.value() or 1, "distmat.prediction_tasks:get_ready")
