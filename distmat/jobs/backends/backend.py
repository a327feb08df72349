"""What a backend is."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol

from distmat.jobs.job import Job
from distmat.jobs.store import Store

PATIENCE = 15.0
"""Seconds in which a process that was started says that it is there, and a job that is gone how
it ended."""


@dataclass(frozen=True)
class Field:
    """A setting of a backend that a form asks for: a text, or a whole number within limits."""

    name: str
    label: str
    default: str | int
    low: int = 0
    high: int = 0


class Patience:
    """How long a job that was asked to stop has left, whatever is done to the machine's clock."""

    def __init__(self) -> None:
        self._ends: dict[tuple[str, float], float] = {}

    def is_over(self, job: Job) -> bool:
        """Whether its time is up; it begins when this is first asked."""
        if job.kill_at is None:
            return False
        whole = job.kill_at - (job.stop_asked or job.kill_at)
        left = min(job.kill_at - time.time(), whole)
        end = self._ends.setdefault((job.id, job.kill_at), time.monotonic() + left)
        return time.monotonic() > end


class Backend(Protocol):
    """Starts, watches and ends jobs."""

    name: ClassVar[str]
    summary: ClassVar[str]
    """For a person who chooses."""
    fields: ClassVar[tuple[Field, ...]] = ()
    """Of `Job.backend_settings`, for a form."""

    def count_devices(self, job: Job) -> int:
        """How many devices of this machine the job takes; 0 for none."""

    def start(self, store: Store[Any], job: Job, devices: Sequence[str]) -> bool:
        """Start a waiting job on these devices; whether it is on its way.

        Raises
        ------
        DistmatError
            If it can't be started as it is.
        """

    def watch(self, store: Store[Any], jobs: Sequence[Job]) -> None:
        """Note what became of these jobs, waiting or active, and end those that are out of time."""

    def is_alive(self, job: Job) -> bool | None:
        """Whether its process runs; None if that can't be told from here."""

    def ask_to_stop(self, job: Job) -> None:
        """Let it write a checkpoint and end; returns at once."""

    def kill(self, job: Job) -> None:
        """End it, or take it out of a cluster's queue, whatever it is doing."""
