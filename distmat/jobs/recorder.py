"""Where a job tells what happens to it: the store, or on a cluster the journal in its folder."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Protocol

from distmat.jobs.job import Job
from distmat.jobs.processes import ProcessIdentity
from distmat.jobs.states import Cause, State
from distmat.jobs.store import Store


class Recorder(Protocol):
    """Told of everything that happens to one job."""

    def get(self) -> Job:
        """The job, as far as it is known here."""

    def change_state(
        self,
        state: State,
        *,
        only_from: Iterable[State] | None = None,
        cause: str = "",
        kind: Cause = Cause.NONE,
    ) -> bool:
        """It is in another state now; see `Store.change_state`."""

    def attach(self, process: ProcessIdentity, host: str) -> None:
        """Which process it is."""

    def describe(self, environment: Mapping[str, object]) -> None:
        """The machine and the software that it runs on."""

    def log_hardware(self, values: dict[str, float]) -> None:
        """A sample of the machine (see `distmat.jobs.hardware`)."""

    def begin(self, facts: dict[str, Any]) -> None:
        """The first step is next: ``total_steps``, and ``first_step`` if steps are repeated."""

    def log(self, step: int, epoch: float, metrics: dict[str, float]) -> None:
        """Metrics of a step."""

    def show_progress(self, done: int, total: int, phase: str, counts: dict[str, float]) -> None:
        """How far it is, where no metrics are logged."""

    def checkpoint(self, step: int, folder: Path) -> None:
        """A whole checkpoint lies in this folder."""

    def say(self, text: str) -> None:
        """A sentence."""


class StoreRecorder:
    """Tells the store.

    Parameters
    ----------
    store : Store
    job_id : str
    """

    def __init__(self, store: Store[Any], job_id: str) -> None:
        self.store, self.id = store, job_id

    def get(self) -> Job:
        """The job as it is now."""
        job: Job = self.store.get(self.id)
        return job

    def change_state(
        self,
        state: State,
        *,
        only_from: Iterable[State] | None = None,
        cause: str = "",
        kind: Cause = Cause.NONE,
    ) -> bool:
        """See `Store.change_state`."""
        return self.store.change_state(self.id, state, only_from=only_from, cause=cause, kind=kind)

    def attach(self, process: ProcessIdentity, host: str) -> None:
        """See `Recorder.attach`, as for all others."""
        self.store.attach(self.id, process, host)

    def describe(self, environment: Mapping[str, object]) -> None:
        """The machine and the software."""
        self.store.describe(self.id, environment)

    def log_hardware(self, values: dict[str, float]) -> None:
        """A sample of the machine."""
        self.store.log_hardware(self.id, values)

    def begin(self, facts: dict[str, Any]) -> None:
        """The store forgets what the job will do again."""
        self.store.rewind(self.id, int(facts.get("first_step", 0)))
        self.store.begin(self.id, facts, facts.get("total_steps"))
        self.change_state(State.RUNNING, only_from=[State.STARTING])

    def log(self, step: int, epoch: float, metrics: dict[str, float]) -> None:
        """Metrics of a step."""
        self.store.log(self.id, step, epoch, metrics)

    def show_progress(self, done: int, total: int, phase: str, counts: dict[str, float]) -> None:
        """How far it is."""
        self.store.show_progress(self.id, done, total, phase, counts)

    def checkpoint(self, step: int, folder: Path) -> None:
        """A whole checkpoint."""
        self.store.checkpoint(self.id, step, folder)

    def say(self, text: str) -> None:
        """A sentence."""
        self.store.say(self.id, text)
