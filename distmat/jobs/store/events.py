"""What happened to a job, and the checkpoints that it wrote."""

import time
from dataclasses import dataclass
from pathlib import Path

from distmat.jobs.store.rows import J, Rows


@dataclass(frozen=True)
class Event:
    """Something that happened to a job: kind 'state', 'said', 'checkpoint' or 'note'."""

    time: float
    kind: str
    text: str


@dataclass(frozen=True)
class RecordedCheckpoint:
    """That a checkpoint was written; it may have been deleted since."""

    step: int
    folder: str
    time: float


class Events(Rows[J]):
    """Sentences and checkpoints, in their order."""

    def say(self, job_id: str, text: str, kind: str = "said") -> None:
        """Something happened."""
        with self._db.transaction():
            self._event(self._key(job_id), kind, text)

    def events(self, job_id: str, newest: int = 200) -> list[Event]:
        """What happened, in order; at most the newest so many."""
        rows = self._db.rows(
            "SELECT time, kind, text FROM events WHERE run = ? ORDER BY event DESC LIMIT ?",
            self._key(job_id),
            newest,
        )
        return [Event(row["time"], row["kind"], row["text"]) for row in reversed(rows)]

    def checkpoint(self, job_id: str, step: int, folder: Path) -> None:
        """A whole checkpoint was written."""
        key = self._key(job_id)
        with self._db.transaction():
            self._db.execute(
                "INSERT OR REPLACE INTO checkpoints VALUES (?, ?, ?, ?)",
                (key, step, Path(folder).name, time.time()),
            )
            self._db.execute("UPDATE progress SET step = max(step, ?) WHERE run = ?", (step, key))

    def checkpoints(self, job_id: str) -> list[RecordedCheckpoint]:
        """All that were written, in order of their steps."""
        return [
            RecordedCheckpoint(row["step"], row["folder"], row["time"])
            for row in self._db.rows(
                "SELECT step, folder, time FROM checkpoints WHERE run = ? ORDER BY step, time",
                self._key(job_id),
            )
        ]
