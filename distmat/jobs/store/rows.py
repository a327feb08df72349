"""The table of jobs, as every part of the store sees it."""

import json
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Generic, TypeVar

from distmat.errors import RunError
from distmat.jobs.job import Job
from distmat.jobs.kinds import folder_of
from distmat.jobs.processes import ProcessIdentity
from distmat.jobs.states import Cause, State
from distmat.jobs.store.database import Database, Row
from distmat.jobs.store.series import Series
from distmat.jobs.ttl_cache import TTLCache

J = TypeVar("J", bound=Job)

SELECT = (
    "SELECT runs.*, progress.step, progress.epoch, progress.total_steps, progress.metrics "
    "FROM runs JOIN progress ON progress.run = runs.key"
)


class Rows(Generic[J]):
    """What the parts of a `JobStore` share."""

    home: Path
    cache: TTLCache
    job_class: type[J]
    _db: Database
    _series: Series
    _keys: dict[str, int]

    def _key(self, job_id: str) -> int:
        if job_id not in self._keys:
            rows = self._db.rows("SELECT key FROM runs WHERE id = ?", job_id)
            if not rows:
                raise RunError(f"There is no run '{job_id[:200]}'; `distmat runs list` shows them.")
            self._keys[job_id] = rows[0]["key"]
        return self._keys[job_id]

    def _set(self, job_id: str, **changes: Any) -> None:
        with self._db.transaction():
            self._update(self._key(job_id), changes)

    def _update(self, key: int, changes: Mapping[str, Any]) -> None:
        assignments = ", ".join(f"{column} = :{column}" for column in changes)
        self._db.execute(
            f"UPDATE runs SET {assignments} WHERE key = :key",  # noqa: S608  (names are ours)
            {**changes, "key": key},
        )

    def _event(self, key: int | None, kind: str, text: str) -> None:
        self._db.execute(
            "INSERT INTO events (run, time, kind, text) VALUES (?, ?, ?, ?)",
            (key, time.time(), kind, text[:10_000]),
        )

    def _jobs(self, conditions: str, *values: Any) -> list[J]:
        return [self._job(row) for row in self._db.rows(f"{SELECT} {conditions}", *values)]

    def _settings(self, kind: str, text: str) -> dict[str, Any]:
        """A job's settings, as they are stored."""
        settings: dict[str, Any] = json.loads(text)
        return settings

    def _job(self, row: Row) -> J:
        known = row["pid"] is not None
        return self.job_class(
            kind=row["kind"],
            id=row["id"],
            name=row["name"],
            group=row["group_name"],
            tags=tuple(json.loads(row["tags"])),
            notes=row["notes"],
            settings=self._settings(row["kind"], row["settings"]),
            backend=row["backend"],
            backend_settings=json.loads(row["backend_settings"]),
            directory=row["directory"],
            origin=row["origin"],
            webhook=row["webhook"],
            immediate=bool(row["immediate"]),
            state=State(row["state"]),
            cause=row["cause"],
            cause_kind=Cause(row["cause_kind"]),
            created=row["created"],
            started=row["started"],
            ended=row["ended"],
            attempt=row["attempt"],
            attempt_started=row["attempt_started"],
            earlier_seconds=row["earlier_seconds"],
            position=row["position"],
            process=ProcessIdentity(row["pid"], row["pid_created"]) if known else None,
            host=row["host"],
            job=row["job"],
            devices=tuple(json.loads(row["devices"])),
            stop_asked=row["stop_asked"],
            kill_at=row["kill_at"],
            facts=json.loads(row["facts"]),
            environment=json.loads(row["environment"]),
            step=row["step"],
            epoch=row["epoch"],
            total_steps=row["total_steps"],
            metrics=json.loads(row["metrics"]),
            owner=row["owner"],
            folder=self.home / folder_of(row["kind"]) / row["id"],
        )
