"""The memory of all jobs: one SQLite file of the workspace, whatever process asks.

SQL is written in this folder alone, for tables that `schema` describes.
"""

from pathlib import Path

from distmat.jobs.job import Job
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


class Store(Jobs[J], States[J], Queue[J], Metrics[J], Events[J]):
    """All jobs of a workspace; safe to use from several threads and processes.

    Parameters
    ----------
    home : Path, optional
        The workspace; by default `distmat.workspace.workspace()`.
    share : float
        Curves, tables and diagnoses may be so many seconds old, and viewers in other threads get
        the same ones; for a server with many viewers.

    Raises
    ------
    RunError
        If the database is damaged, or of a newer version.
    """

    def __init__(self, home: Path | None = None, share: float = 0.0) -> None:
        self.cache = TTLCache(share)
        self.home = Path(home if home is not None else workspace()).resolve()
        self.path = self.home / FILE
        self._keys: dict[str, int] = {}
        self._db = Database(self.path, MIGRATIONS)
        self._series = Series(self._db)

    def close(self) -> None:
        """Give the file back."""
        self._db.close()

    def __enter__(self):
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class JobStore(Store[Job]):
    """Jobs of all kinds as what they have in common."""

    job_class = Job
