"""The memory of all jobs: one SQLite file of the workspace, whatever process asks.

SQL is written in this folder alone, for tables that `schema` describes.
"""

from pathlib import Path
from typing import Self

from distmat.errors import Remedy, RunError
from distmat.jobs.job import RECORD, Job
from distmat.jobs.kinds import job_folders
from distmat.jobs.store.database import Database
from distmat.jobs.store.events import Event, Events, RecordedCheckpoint
from distmat.jobs.store.jobs import Jobs
from distmat.jobs.store.metrics import Metrics
from distmat.jobs.store.queue import Queue
from distmat.jobs.store.rows import J
from distmat.jobs.store.schema import MIGRATIONS
from distmat.jobs.store.series import Series
from distmat.jobs.store.states import States
from distmat.jobs.ttl_cache import TTLCache
from distmat.workspace import workspace

__all__ = ["FILE", "Event", "JobStore", "RecordedCheckpoint", "Store"]

FILE = "runs.sqlite"


def _check_there(path: Path) -> None:
    """Refuse to begin anew, as if nothing had been there, beside the folders of jobs."""
    empty = path.is_file() and path.stat().st_size == 0
    if path.exists() and not empty:
        return
    # Trainings of which no store was told leave no record: without a file they mean nothing.
    if any(empty or (folder / RECORD).is_file() for folder in job_folders(path.parent)):
        raise RunError(
            f"{path} is {'empty' if empty else 'gone'}, but folders of jobs lie beside it.",
            Remedy.REBUILD,
        )


class Store(Jobs[J], States[J], Queue[J], Metrics[J], Events[J]):
    """All jobs of a workspace; safe to use from several threads and processes.

    Parameters
    ----------
    home : Path, optional
        The workspace; by default `distmat.workspace.workspace()`.
    share : float
        Curves, tables and diagnoses may be so many seconds old, and viewers in other threads get
        the same ones; for a server with many viewers.
    lost : bool
        Begin with none, though folders of jobs are there (see `distmat.jobs.rebuild`).

    Raises
    ------
    RunError
        If the database is damaged or lost, or of a newer version.
    """

    def __init__(self, home: Path | None = None, share: float = 0.0, *, lost: bool = False) -> None:
        self.cache = TTLCache(share)
        self.home = Path(home if home is not None else workspace()).resolve()
        self.path = self.home / FILE
        self._keys: dict[str, int] = {}
        if not lost:
            _check_there(self.path)
        self._db = Database(self.path, MIGRATIONS)
        self._series = Series(self._db)

    def check(self) -> None:
        """Look at every page of the file.

        Raises
        ------
        RunError
            If any is damaged.
        """
        self._db.check()

    def close(self) -> None:
        """Give the file back."""
        self._db.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class JobStore(Store[Job]):
    """Jobs of all kinds as what they have in common."""

    job_class = Job
