"""A job: its settings, its state, and how far it has come."""

import dataclasses
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self

from distmat.documents import read_json
from distmat.jobs.processes import ProcessIdentity
from distmat.jobs.states import ACTIVE, ENDED, Cause, State
from distmat.workspace import replace_file

RECORD = "job.json"
"""In a job's folder: the job as it was when it was started, or renamed after its end."""


@dataclass(frozen=True)
class Job:
    """One row of the store with its newest metrics; times are seconds since 1970."""

    id: str
    kind: str
    """One of `distmat.jobs.kinds.ENTRIES`."""
    name: str
    group: str
    tags: tuple[str, ...]
    notes: str
    settings: Mapping[str, object]
    """For its kind to understand, as they were when the job was made."""
    backend: str
    backend_settings: Mapping[str, object]
    directory: str
    """Folder that relative paths of the settings start from."""
    origin: str
    """The run that this one was duplicated from, or empty."""
    webhook: str
    immediate: bool
    """Starts beside others and in a paused queue, too."""
    state: State
    cause: str
    cause_kind: Cause
    created: float
    started: float | None
    ended: float | None
    attempt: int
    """1 for a run that was started once, more after each resume."""
    attempt_started: float | None
    earlier_seconds: float
    """Time spent in earlier attempts."""
    position: float
    """Place in the queue: lower comes first."""
    process: ProcessIdentity | None
    host: str
    job: str
    """Number at the cluster, or empty."""
    devices: tuple[str, ...]
    """What it computes on: 'cpu', or 'cuda:0' and the like."""
    stop_asked: float | None
    kill_at: float | None
    """When a run that was asked to stop is out of time."""
    facts: Mapping[str, object]
    """What the trainer said before the first step."""
    environment: Mapping[str, object]
    step: int
    epoch: float
    total_steps: int | None
    metrics: Mapping[str, float]
    """The newest value of each metric."""
    folder: Path
    """Its log, config, checkpoints and final weights."""
    owner: str = ""
    """Who logged in and made it; empty where nobody logs in."""

    @property
    def active(self) -> bool:
        """Whether a process belongs to it now."""
        return self.state in ACTIVE

    @property
    def has_ended(self) -> bool:
        """Whether nothing happens to it any more, unless it is resumed."""
        return self.state in ENDED

    @property
    def log(self) -> Path:
        """All that its processes wrote."""
        return self.folder / "log.txt"

    def seconds_spent(self, now: float) -> float:
        """Seconds of all attempts together."""
        if self.attempt_started is None or self.state == State.QUEUED:
            return self.earlier_seconds
        end = self.ended if self.ended is not None else now
        return self.earlier_seconds + max(0.0, end - self.attempt_started)

    def to_file(self, path: Path) -> None:
        """Write it as JSON, for a process that must not open the store."""
        with replace_file(path, "w") as file:
            json.dump(dataclasses.asdict(self), file, default=str)

    @classmethod
    def from_file(cls, path: Path) -> Self:
        """Read what `to_file` wrote."""
        content = read_json(path)
        process = content["process"]
        return cls(
            **content
            | {
                "state": State(content["state"]),
                "cause_kind": Cause(content["cause_kind"]),
                "process": ProcessIdentity(**process) if process else None,
                "tags": tuple(content["tags"]),
                "devices": tuple(content["devices"]),
                "folder": Path(content["folder"]),
            }
        )

    def as_dict(self) -> dict[str, Any]:
        """For JSON: times in UTC, NaN as null."""
        return {
            "id": self.id,
            "kind": self.kind,
            "name": self.name,
            "state": str(self.state),
            "cause": self.cause,
            "cause_kind": str(self.cause_kind),
            "pid": self.process.pid if self.process else None,
            "step": self.step,
            "total_steps": self.total_steps,
            "epoch": self.epoch,
            "metrics": {k: v if math.isfinite(v) else None for k, v in self.metrics.items()},
            "created": _utc(self.created),
            "started": _utc(self.started),
            "ended": _utc(self.ended),
            "attempt": self.attempt,
            "group": self.group,
            "tags": list(self.tags),
            "notes": self.notes,
            "origin": self.origin,
            "owner": self.owner,
            "backend": self.backend,
            "job": self.job,
            "devices": list(self.devices),
            "folder": str(self.folder),
        }


def _utc(time: float | None) -> str | None:
    if time is None:
        return None
    return datetime.fromtimestamp(time, UTC).isoformat(timespec="milliseconds")
