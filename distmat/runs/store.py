"""The memory of all runs: one SQLite file of the workspace, and the only module that knows SQL.

Any number of processes may have it open. Writing is in short transactions (write-ahead log), so
that readers never wait and a killed writer leaves nothing half-done.
"""

import errno
import json
import math
import os
import re
import secrets
import sqlite3
import threading
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from distmat.errors import RunError
from distmat.runs.curve import Curve, keep_extremes
from distmat.runs.launcher import ProcessIdentity
from distmat.runs.run import ACTIVE, BACKENDS, ENDED, TRANSITIONS, Cause, Run, State
from distmat.runs.schema import MIGRATIONS
from distmat.training.config import TrainingConfig
from distmat.workspace import workspace

FILE = "runs.sqlite"

_FACTOR = 8
"""Steps of a stretch on the first level of the summaries, and stretches in one of the next."""

_LEVELS = 7

_RECENT = 30
"""Logged steps from which the present speed is taken."""

_SELECT = (
    "SELECT runs.*, progress.step, progress.epoch, progress.total_steps, progress.metrics "
    "FROM runs JOIN progress ON progress.run = runs.key"
)


@dataclass(frozen=True)
class Event:
    """Something that happened to a run: kind 'state', 'said', 'checkpoint' or 'note'."""

    time: float
    kind: str
    text: str


@dataclass(frozen=True)
class RecordedCheckpoint:
    """That a checkpoint was written; it may have been deleted since."""

    step: int
    folder: str
    time: float


class RunStore:
    """All runs of a workspace; safe to use from several threads and processes.

    Parameters
    ----------
    home : Path, optional
        The workspace; by default `distmat.workspace.workspace()`.

    Raises
    ------
    RunError
        If the database is damaged, or of a newer version.
    """

    def __init__(self, home: Path | None = None) -> None:
        self.home = Path(home if home is not None else workspace()).resolve()
        self.path = self.home / FILE
        self._lock = threading.RLock()
        self._keys: dict[str, int] = {}
        self._names: dict[str, int] = {}
        self.home.mkdir(parents=True, exist_ok=True)
        with self._explained():
            self._db = sqlite3.connect(
                self.path, timeout=30, isolation_level=None, check_same_thread=False
            )
            self._db.row_factory = sqlite3.Row
            self._migrate()

    def close(self) -> None:
        """Give the file back."""
        with self._lock:
            self._db.close()

    def __enter__(self) -> "RunStore":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # Runs

    def add(
        self,
        config: TrainingConfig,
        *,
        name: str = "",
        group: str = "",
        tags: Iterable[str] = (),
        notes: str = "",
        backend: str = "local",
        backend_settings: Mapping[str, object] | None = None,
        directory: Path | None = None,
        origin: str = "",
        webhook: str | None = None,
        immediate: bool = False,
    ) -> Run:
        """A new run at the end of the queue; nothing is started (see `distmat.runs.queue`).

        Parameters
        ----------
        config : TrainingConfig
            Its `output` becomes the run's own folder.
        name : str
            For people; by default the last part of the config's `output`.
        group : str
            Runs that belong together, such as those of a sweep.
        backend : {'local', 'torchrun', 'slurm'}
        directory : Path, optional
            Where relative paths of the config start; by default the current folder.
        webhook : str, optional
            http or https address that is told of the end; by default ``DISTMAT_WEBHOOK``.
        immediate : bool
            Start it beside other runs and in a paused queue, too.
        """
        if backend not in BACKENDS:
            raise RunError(f"There is no backend '{backend}'; there are {', '.join(BACKENDS)}.")
        if webhook is None:
            webhook = os.environ.get("DISTMAT_WEBHOOK", "")
        name = (name.strip() or Path(config.output).name or "run")[:200]
        now = time.time()
        with self._transaction():
            run_id = self._new_id(name)
            settings = {**config.as_dict(), "output": str(self.folder(run_id))}
            (position,) = self._one("SELECT coalesce(max(position), 0) + 1 FROM runs")
            values = {
                "id": run_id,
                "name": name,
                "group_name": group.strip()[:200],
                "tags": json.dumps(_tags(tags)),
                "notes": notes,
                "settings": json.dumps(settings),
                "backend": backend,
                "backend_settings": json.dumps(dict(backend_settings or {})),
                "directory": str(Path(directory or Path.cwd()).resolve()),
                "origin": origin,
                "webhook": _checked_webhook(webhook),
                "immediate": int(immediate),
                "state": State.QUEUED,
                "created": now,
                "position": position,
            }
            key = self._db.execute(
                f"INSERT INTO runs ({', '.join(values)}) "  # noqa: S608  (names are ours)
                f"VALUES ({', '.join(':' + column for column in values)})",
                values,
            ).lastrowid
            self._db.execute("INSERT INTO progress (run) VALUES (?), (?)", (key, -key))  # type: ignore[operator]
            self._event(key, "state", "Queued")
        return self.get(run_id)

    def get(self, run_id: str) -> Run:
        """The run of this id.

        Raises
        ------
        RunError
            If there is none.
        """
        rows = self._rows(f"{_SELECT} WHERE id = ?", run_id)
        if not rows:
            raise RunError(f"There is no run '{run_id[:200]}'; `distmat runs list` shows them.")
        return self._run(rows[0])

    def find(self, text: str) -> Run:
        """The run whose id, name, or beginning of the id this is.

        Raises
        ------
        RunError
            If there is none, or several.
        """
        if not text:
            raise RunError("Name a run; `distmat runs list` shows them.")
        for condition in ("id = :text", "name = :text", "substr(id, 1, length(:text)) = :text"):
            rows = self._rows(f"{_SELECT} WHERE {condition} ORDER BY created", {"text": text})
            if len(rows) == 1:
                return self._run(rows[0])
            if rows:
                ids = ", ".join(row["id"] for row in rows[:10])
                raise RunError(f"'{text[:200]}' may be any of {ids}; give the whole id.")
        return self.get(text)

    def runs(
        self,
        states: Iterable[State] | None = None,
        *,
        group: str | None = None,
        text: str = "",
    ) -> list[Run]:
        """Runs, the newest first.

        Parameters
        ----------
        states : iterable of State, optional
            Only those in one of them.
        group : str, optional
            Only those of the group.
        text : str
            Only those that have each of its words in id, name, group, tags or notes.
        """
        conditions: list[str] = ["1"]
        values: list[str] = []
        if states is not None:
            chosen = list(states)
            conditions.append(f"state IN ({', '.join('?' * len(chosen))})")
            values += chosen
        if group is not None:
            conditions.append("group_name = ?")
            values.append(group)
        for word in text.lower().split():
            conditions.append(
                "instr(lower(id || ' ' || name || ' ' || group_name || ' ' || tags || ' ' "
                "|| notes), ?)"
            )
            values.append(word)
        where = " AND ".join(conditions)
        return [
            self._run(row)
            for row in self._rows(
                f"{_SELECT} WHERE {where} ORDER BY created DESC, key DESC", *values
            )
        ]

    def active(self) -> list[Run]:
        """Runs that a process belongs to."""
        return self.runs(ACTIVE)

    def rename(self, run_id: str, name: str) -> None:
        """Another name for people; the id and the folder stay.

        Raises
        ------
        RunError
            If the name is empty.
        """
        if not name.strip():
            raise RunError("The new name is empty; give one.")
        self._set(run_id, name=name.strip()[:200])

    def tag(self, run_id: str, tags: Iterable[str]) -> None:
        """Other tags instead of those it has."""
        self._set(run_id, tags=json.dumps(_tags(tags)))

    def note(self, run_id: str, notes: str) -> None:
        """Another note instead of the one it has."""
        self._set(run_id, notes=notes)

    def forget(self, run_id: str) -> None:
        """Delete all that is stored of a run; its folder stays (see `distmat.runs.queue.delete`).

        Raises
        ------
        RunError
            If it is active.
        """
        key = self._key(run_id)
        with self._transaction():
            if State(self._one("SELECT state FROM runs WHERE key = ?", key)[0]) in ACTIVE:
                raise RunError(f"{run_id} is running; stop it before deleting it.")
            self._db.execute("DELETE FROM runs WHERE key = ?", (key,))
        # In pieces, so that a run that is being logged needn't wait for a million rows.
        for series in (key, -key):
            self._forget_series(series)
        with self._transaction():
            for table in ("checkpoints", "events"):
                self._db.execute(f"DELETE FROM {table} WHERE run = ?", (key,))  # noqa: S608
        self._keys.pop(run_id, None)

    def folder(self, run_id: str) -> Path:
        """Where the run's files lie."""
        return self.home / "runs" / run_id

    # States

    def change_state(
        self,
        run_id: str,
        state: State,
        *,
        only_from: Iterable[State] | None = None,
        cause: str = "",
        kind: Cause = Cause.NONE,
        devices: Sequence[str] = (),
        moment: float | None = None,
        keep_job: bool = False,
    ) -> bool:
        """Move a run to another state.

        Parameters
        ----------
        only_from : iterable of State, optional
            Do nothing if it is in none of them; for those who race with others.
        cause : str
            A sentence about what ended it.
        devices : sequence of str
            What it will compute on; for STARTING.
        moment : float, optional
            When it happened, if not now.
        keep_job : bool
            Whether a run that goes back to the queue is still in that of the cluster.

        Returns
        -------
        bool
            Whether it was this call that moved it.

        Raises
        ------
        RunError
            If the state can't follow the present one.
        """
        key, now = self._key(run_id), moment or time.time()
        with self._transaction():
            row = self._one("SELECT * FROM runs WHERE key = ?", key)
            old = State(row["state"])
            if only_from is not None and old not in set(only_from):
                return False
            if state not in TRANSITIONS[old]:
                raise RunError(f"{run_id} is {old}; it can't become {state}.")
            changes: dict[str, Any] = {"state": state, "cause": cause, "cause_kind": kind}
            if state == State.STARTING:
                changes |= {
                    "started": row["started"] or now,
                    "attempt": row["attempt"] + 1,
                    "attempt_started": now,
                    "devices": json.dumps(list(devices)),
                    "stop_asked": None,
                    "kill_at": None,
                }
            elif state == State.QUEUED:
                if row["attempt_started"] is not None:
                    spent = (row["ended"] or now) - row["attempt_started"]
                    changes["earlier_seconds"] = row["earlier_seconds"] + max(0.0, spent)
                changes |= {
                    "ended": None,
                    "attempt_started": None,
                    "stop_asked": None,
                    "kill_at": None,
                }
                changes |= {"pid": None, "pid_created": None, "host": "", "notified": 0}
                if not keep_job:
                    changes["job"] = ""
            elif state in ENDED:
                changes["ended"] = now
            self._update(key, changes)
            self._event(key, "state", f"{state.capitalize()}{': ' + cause if cause else ''}")
        return True

    def attach(
        self, run_id: str, process: ProcessIdentity, host: str, *, if_unknown: bool = False
    ) -> None:
        """Say which process the run is; `if_unknown`: only where nobody has said so yet."""
        condition = " AND pid IS NULL" if if_unknown else ""
        with self._transaction():
            self._db.execute(
                "UPDATE runs SET pid = ?, pid_created = ?, host = ? "  # noqa: S608
                f"WHERE key = ?{condition}",
                (process.pid, process.created, host, self._key(run_id)),
            )

    def set_job(self, run_id: str, job: str) -> None:
        """The run's number at the cluster."""
        self._set(run_id, job=job)

    def ask_to_stop(self, run_id: str, grace: float) -> None:
        """Remember that a person wants it to stop, and for how many seconds it may tidy up."""
        now = time.time()
        with self._transaction():
            self._db.execute(
                "UPDATE runs SET stop_asked = coalesce(stop_asked, ?), kill_at = ? WHERE key = ?",
                (now, now + grace, self._key(run_id)),
            )

    def requeue(
        self,
        run_id: str,
        *,
        settings: Mapping[str, object] | None = None,
        backend_settings: Mapping[str, object] | None = None,
        immediate: bool = False,
    ) -> None:
        """Put a run that has ended at the end of the queue, to go on from its checkpoint.

        Raises
        ------
        RunError
            If it is in no state that the queue can follow.
        """
        key = self._key(run_id)
        with self._transaction():
            self.change_state(run_id, State.QUEUED)
            (position,) = self._one("SELECT max(position) + 1 FROM runs")
            changes: dict[str, Any] = {"position": position, "immediate": int(immediate)}
            if settings is not None:
                changes["settings"] = json.dumps(dict(settings))
            if backend_settings is not None:
                changes["backend_settings"] = json.dumps(dict(backend_settings))
            self._update(key, changes)

    def journal_read(self, run_id: str) -> int:
        """How many bytes of its journal the store knows (see `distmat.runs.journal`)."""
        return self._one("SELECT journal_read FROM runs WHERE key = ?", self._key(run_id))[0]

    def set_journal_read(self, run_id: str, size: int) -> None:
        """So many bytes of its journal are in the store now."""
        self._set(run_id, journal_read=size)

    @contextmanager
    def together(self) -> Iterator[None]:
        """All that is told inside is stored, or nothing if an exception leaves."""
        with self._transaction():
            yield

    def to_notify(self) -> list[Run]:
        """Ended runs whose webhook wasn't called yet."""
        ended = ", ".join(f"'{state}'" for state in sorted(ENDED))
        return [
            self._run(row)
            for row in self._rows(
                f"{_SELECT} WHERE webhook != '' AND notified = 0 AND state IN ({ended})"
            )
        ]

    def set_notified(self, run_id: str) -> None:
        """The webhook was called, or will never answer."""
        self._set(run_id, notified=1)

    # Queue

    def queued(self) -> list[Run]:
        """Waiting runs, the next one first."""
        return [
            self._run(row)
            for row in self._rows(f"{_SELECT} WHERE state = 'QUEUED' ORDER BY position, key")
        ]

    def place(self, run_id: str, index: int) -> None:
        """Give a waiting run another place in the queue, 0 for the front.

        Raises
        ------
        RunError
            If it doesn't wait.
        """
        with self._transaction():
            rows = self._rows(
                "SELECT id, key FROM runs WHERE state = 'QUEUED' ORDER BY position, key"
            )
            order = [row["key"] for row in rows if row["id"] != run_id]
            if len(order) == len(rows):
                raise RunError(f"{run_id} isn't in the queue.")
            order.insert(max(0, min(index, len(order))), self._key(run_id))
            self._db.executemany("UPDATE runs SET position = ? WHERE key = ?", enumerate(order, 1))

    @property
    def paused(self) -> bool:
        """Whether the queue starts nothing for now."""
        return bool(self._one("SELECT paused FROM queue")[0])

    def pause(self, paused: bool) -> None:
        """Let the queue start nothing, or go on; what runs goes on in any case."""
        with self._transaction():
            self._db.execute("UPDATE queue SET paused = ?", (int(paused),))

    # What a run tells

    def begin(self, run_id: str, facts: Mapping[str, object], total_steps: int | None) -> None:
        """What the trainer said before the first step."""
        key = self._key(run_id)
        with self._transaction():
            self._update(key, {"facts": json.dumps(dict(facts), default=str)})
            self._db.execute(
                "UPDATE progress SET total_steps = ? WHERE run = ?", (total_steps, key)
            )

    def describe(self, run_id: str, environment: Mapping[str, object]) -> None:
        """The machine and the software it runs on."""
        self._set(run_id, environment=json.dumps(dict(environment), default=str))

    def log(
        self,
        run_id: str,
        step: int,
        epoch: float,
        metrics: Mapping[str, float],
        moment: float | None = None,
    ) -> None:
        """Metrics of a step; those it has already are replaced."""
        self.log_many(run_id, [(step, epoch, moment or time.time(), metrics)])

    def log_many(
        self, run_id: str, rows: Sequence[tuple[int, float, float, Mapping[str, float]]]
    ) -> None:
        """Metrics of several steps in one go: step, epoch, time and values of each, rising."""
        if not rows:
            return
        key = self._key(run_id)
        with self._transaction():
            self._db.executemany(
                "INSERT INTO steps VALUES (?, ?, ?, ?) "
                "ON CONFLICT DO UPDATE SET epoch = excluded.epoch",
                ((key, step, epoch, moment) for step, epoch, moment, _ in rows),
            )
            self._write(key, [(step, metrics) for step, _, _, metrics in rows])
            self._db.execute(
                "UPDATE progress SET step = max(step, ?), epoch = max(epoch, ?) WHERE run = ?",
                (rows[-1][0], rows[-1][1], key),
            )

    def log_hardware(
        self, run_id: str, values: Mapping[str, float], moment: float | None = None
    ) -> None:
        """A sample of the machine (see `distmat.runs.hardware`)."""
        key, (created,) = (
            self._key(run_id),
            self._one("SELECT created FROM runs WHERE id = ?", run_id),
        )
        with self._transaction():
            self._write(-key, [(int((moment or time.time()) - created), values)])

    def rewind(self, run_id: str, step: int) -> None:
        """Forget all metrics after a step: the run goes on from its checkpoint there."""
        key = self._key(run_id)
        with self._transaction():
            for name in self._series_names(key):
                self._db.execute(
                    "DELETE FROM metrics WHERE run = ? AND name = ? AND step > ?", (key, name, step)
                )
                for level in range(1, _LEVELS + 1):
                    self._db.execute(
                        "DELETE FROM summaries WHERE run = ? AND name = ? AND level = ? "
                        "AND stretch >= ?",
                        (key, name, level, (step + 1) // _FACTOR**level),
                    )
            self._db.execute("DELETE FROM steps WHERE run = ? AND step > ?", (key, step))
            self._db.execute("DELETE FROM checkpoints WHERE run = ? AND step > ?", (key, step))
            row = self._db.execute(
                "SELECT step, epoch FROM steps WHERE run = ? ORDER BY step DESC LIMIT 1", (key,)
            ).fetchone()
            latest = self._newest_values(key)
            self._db.execute(
                "UPDATE progress SET step = ?, epoch = ?, metrics = ?, "
                "summarised = min(summarised, ?) WHERE run = ?",
                (
                    row["step"] if row else 0,
                    row["epoch"] if row else 0,
                    json.dumps(latest),
                    (step + 1) // _FACTOR * _FACTOR,
                    key,
                ),
            )

    def checkpoint(self, run_id: str, step: int, folder: Path) -> None:
        """A whole checkpoint was written."""
        key = self._key(run_id)
        with self._transaction():
            self._db.execute(
                "INSERT OR REPLACE INTO checkpoints VALUES (?, ?, ?, ?)",
                (key, step, Path(folder).name, time.time()),
            )
            self._db.execute("UPDATE progress SET step = max(step, ?) WHERE run = ?", (step, key))

    def say(self, run_id: str, text: str, kind: str = "said") -> None:
        """Something happened."""
        with self._transaction():
            self._event(self._key(run_id), kind, text)

    # What the pages ask

    def curves(
        self,
        run_id: str,
        names: Iterable[str] | None = None,
        *,
        points: int = 2000,
        first: int | None = None,
        last: int | None = None,
    ) -> dict[str, Curve]:
        """Metrics over the steps, thinned: never slower for longer runs.

        Both ends are kept, and of every stretch of equal length the lowest and the highest
        point, as they were logged.

        Parameters
        ----------
        names : iterable of str, optional
            By default all that were logged.
        points : int
            Most points of a curve, at least 8.
        first, last : int, optional
            Only these steps, both included.

        Returns
        -------
        dict of str to Curve
            Without metrics that have no point.
        """
        key = self._key(run_id)
        thinned = self._thinned(key, names, points, first, last)
        known = self._step_facts(
            key, sorted({int(s) for steps, _ in thinned.values() for s in steps})
        )
        return {
            name: Curve(steps, values, *_columns([known[int(step)] for step in steps]))
            for name, (steps, values) in thinned.items()
        }

    def hardware(self, run_id: str, *, points: int = 1000) -> dict[str, Curve]:
        """Samples of the machine; `steps` are seconds since the run was made, epochs are NaN."""
        import numpy as np

        created = self.get(run_id).created
        return {
            name: Curve(seconds, values, np.full(len(seconds), np.nan), created + seconds)
            for name, (seconds, values) in self._thinned(
                -self._key(run_id), None, points, None, None
            ).items()
        }

    def table(
        self, run_id: str, names: Sequence[str], *, rows: int = 200
    ) -> list[dict[str, float | int | None]]:
        """The logged steps with these metrics, thinned by the first of them.

        Returns
        -------
        list of dict
            ``step``, ``epoch``, ``time`` and each name; None where it wasn't logged.
        """
        key = self._key(run_id)
        thinned = self._thinned(key, names[:1], rows, None, None)
        if not thinned:
            return []
        steps = [int(step) for step in thinned[names[0]][0]]
        facts = self._step_facts(key, steps)
        columns: dict[str, dict[int, float]] = {}
        for name in names:
            found = self._rows(
                "SELECT step, value FROM metrics WHERE run = ? AND name = ? "
                "AND step IN (SELECT value FROM json_each(?))",
                key,
                self._name(name),
                json.dumps(steps),
            )
            columns[name] = {row["step"]: _nan(row["value"]) for row in found}
        return [
            {
                "step": step,
                "epoch": facts[step][0],
                "time": facts[step][1],
                **{name: columns[name].get(step) for name in names},
            }
            for step in steps
        ]

    def first_nan(self, run_id: str, name: str) -> int | None:
        """The first step at which the metric wasn't a number."""
        found = self._rows(
            "SELECT step FROM metrics WHERE run = ? AND name = ? AND value IS NULL "
            "ORDER BY step LIMIT 1",
            self._key(run_id),
            self._name(name),
        )
        return found[0]["step"] if found else None

    def seconds_per_step(self, run_id: str) -> float | None:
        """From the newest logged steps of this attempt; None before there are two."""
        key = self._key(run_id)
        rows = self._rows(
            "SELECT steps.step, steps.time FROM steps JOIN runs ON runs.key = steps.run "
            "WHERE steps.run = ? AND steps.time >= coalesce(runs.attempt_started, 0) "
            "ORDER BY steps.step DESC LIMIT ?",
            key,
            _RECENT,
        )
        if len(rows) < 2 or rows[0]["step"] == rows[-1]["step"]:
            return None
        return (rows[0]["time"] - rows[-1]["time"]) / (rows[0]["step"] - rows[-1]["step"])

    def remaining(self, run: Run) -> float | None:
        """Seconds that a running run still needs at its present speed."""
        pace = self.seconds_per_step(run.id) if run.state == State.RUNNING else None
        if pace is None or run.total_steps is None:
            return None
        return pace * max(0, run.total_steps - run.step)

    def checkpoints(self, run_id: str) -> list[RecordedCheckpoint]:
        """All that were written, in order of their steps."""
        return [
            RecordedCheckpoint(row["step"], row["folder"], row["time"])
            for row in self._rows(
                "SELECT step, folder, time FROM checkpoints WHERE run = ? ORDER BY step, time",
                self._key(run_id),
            )
        ]

    def events(self, run_id: str, newest: int = 200) -> list[Event]:
        """What happened, in order; at most the newest so many."""
        rows = self._rows(
            "SELECT time, kind, text FROM events WHERE run = ? ORDER BY event DESC LIMIT ?",
            self._key(run_id),
            newest,
        )
        return [Event(row["time"], row["kind"], row["text"]) for row in reversed(rows)]

    # Thinning

    def _thinned(
        self,
        key: int,
        names: Iterable[str] | None,
        points: int,
        first: int | None,
        last: int | None,
    ) -> dict:
        import numpy as np

        with self._lock:
            # One look at the database for all curves, whatever is logged meanwhile.
            self._db.execute("BEGIN")
            try:
                wanted = sorted(self._newest(key)) if names is None else list(names)
                closed = self._one("SELECT summarised FROM progress WHERE run = ?", key)[0]
                raw = {
                    name: self._points(key, self._name(name), points, closed, first, last)
                    for name in wanted
                }
            finally:
                self._db.execute("COMMIT")
        thinned = {}
        for name, (rows, width) in raw.items():
            if rows:
                steps, values = np.array(rows, dtype=float).T
                steps, values = keep_extremes(steps.astype(np.int64), values, width)
                thinned[name] = (steps, values)
        return thinned

    def _points(
        self, key: int, name: int, points: int, closed: int, first: int | None, last: int | None
    ) -> tuple[list[tuple[int, float | None]], int]:
        """Points that hold all ends and extremes, and the width of the stretches to keep."""
        low, high = self._ends(key, name, first, last)
        if low is None or high is None:
            return [], 1
        # Two points a stretch; the ends, and the stretches they cut, come on top.
        width = -(-(high - low + 1) // max(1, points // 2 - 3))
        level = min(_LEVELS, int(math.log(width, _FACTOR) + 1e-9))
        width = -(-width // _FACTOR**level) * _FACTOR**level
        rows = self._cover(key, name, low, high + 1, level, closed)
        ends = self._db.execute(
            "SELECT step, value FROM metrics WHERE run = ? AND name = ? AND step IN (?, ?)",
            (key, name, low, high),
        ).fetchall()
        return sorted({row[0]: (row[0], row[1]) for row in (*rows, *ends)}.values()), width

    def _ends(
        self, key: int, name: int, first: int | None, last: int | None
    ) -> tuple[int | None, int | None]:
        row = self._db.execute(
            "SELECT (SELECT min(step) FROM metrics WHERE run = :run AND name = :name "
            "AND step >= :first), (SELECT max(step) FROM metrics WHERE run = :run "
            "AND name = :name AND step <= :last)",
            {
                "run": key,
                "name": name,
                "first": -1 if first is None else first,
                "last": 2**62 if last is None else last,
            },
        ).fetchone()
        if row[0] is None or row[1] is None or row[0] > row[1]:
            return None, None
        return row[0], row[1]

    def _cover(
        self, key: int, name: int, low: int, high: int, level: int, closed: int
    ) -> list[tuple[int, float | None]]:
        """Points of the steps from `low` up to `high`, by summaries as far as those reach."""
        if low >= high:
            return []
        if level == 0:
            return [
                (row[0], row[1])
                for row in self._db.execute(
                    "SELECT step, value FROM metrics WHERE run = ? AND name = ? AND step >= ? "
                    "AND step < ?",
                    (key, name, low, high),
                )
            ]
        width = _FACTOR**level
        start, end = -(-low // width), min(high, closed) // width
        if start >= end:
            return self._cover(key, name, low, high, level - 1, closed)
        middle = self._db.execute(
            "SELECT low_step, low, high_step, high FROM summaries WHERE run = ? AND name = ? "
            "AND level = ? AND stretch >= ? AND stretch < ?",
            (key, name, level, start, end),
        ).fetchall()
        return [
            *self._cover(key, name, low, start * width, level - 1, closed),
            *((row[0], row[1]) for row in middle),
            *((row[2], row[3]) for row in middle),
            *self._cover(key, name, end * width, high, level - 1, closed),
        ]

    def _step_facts(self, key: int, steps: list[int]) -> dict[int, tuple[float, float]]:
        rows = self._rows(
            "SELECT step, epoch, time FROM steps WHERE run = ? "
            "AND step IN (SELECT value FROM json_each(?))",
            key,
            json.dumps(steps),
        )
        facts = {row["step"]: (row["epoch"], row["time"]) for row in rows}
        # A step that was replaced between two looks.
        return {step: facts.get(step, (math.nan, math.nan)) for step in steps}

    # Writing metrics

    def _write(self, key: int, rows: Sequence[tuple[int, Mapping[str, float]]]) -> None:
        latest = self._newest(key)
        for _, metrics in rows:
            latest.update({name: float(value) for name, value in metrics.items()})
        self._new_names(latest)
        self._db.executemany(
            "INSERT OR REPLACE INTO metrics VALUES (?, ?, ?, ?)",
            (
                (key, self._name(name), step, None if math.isnan(value) else float(value))
                for step, metrics in rows
                for name, value in metrics.items()
            ),
        )
        lowest, highest = rows[0][0], rows[-1][0]
        closed = self._one("SELECT summarised FROM progress WHERE run = ?", key)[0]
        until = max(closed, highest // _FACTOR * _FACTOR)
        since = min(closed, lowest)
        if since // _FACTOR * _FACTOR < until:
            self._summarise(key, [self._name(name) for name in latest], since, until)
        self._db.execute(
            "UPDATE progress SET metrics = ?, summarised = ? WHERE run = ?",
            (json.dumps(latest), until, key),
        )

    def _summarise(self, key: int, names: Sequence[int], since: int, until: int) -> None:
        """Lowest and highest points of all stretches that end at or before `until`."""
        for level in range(1, _LEVELS + 1):
            width = _FACTOR**level
            start, end = since // width, until // width
            if start >= end:
                return
            for name in names:
                values = {
                    "run": key,
                    "name": name,
                    "level": level,
                    "factor": _FACTOR,
                    "start": start * _FACTOR,
                    "end": end * _FACTOR,
                }
                self._db.execute(_FIRST_LEVEL if level == 1 else _NEXT_LEVEL, values)

    def _series_names(self, key: int) -> list[int]:
        return [self._name(name) for name in self._newest(key)]

    def _newest(self, key: int) -> dict[str, float]:
        return json.loads(self._one("SELECT metrics FROM progress WHERE run = ?", key)[0])

    def _newest_values(self, key: int) -> dict[str, float]:
        values = {}
        for text in self._newest(key):
            row = self._db.execute(
                "SELECT value FROM metrics WHERE run = ? AND name = ? ORDER BY step DESC LIMIT 1",
                (key, self._name(text)),
            ).fetchone()
            if row is not None:
                values[text] = _nan(row["value"])
        return values

    def _forget_series(self, key: int) -> None:
        for name in self._series_names(key):
            for table in ("metrics", "summaries"):
                self._delete_in_pieces(table, "run = ? AND name = ?", (key, name))
        self._delete_in_pieces("steps", "run = ?", (key,))
        with self._transaction():
            self._db.execute("DELETE FROM progress WHERE run = ?", (key,))

    def _delete_in_pieces(
        self, table: str, condition: str, values: tuple, size: int = 20_000
    ) -> None:
        columns = "level, stretch" if table == "summaries" else "step"
        while True:
            with self._transaction():
                deleted = self._db.execute(
                    f"DELETE FROM {table} WHERE {condition} AND ({columns}) IN "  # noqa: S608
                    f"(SELECT {columns} FROM {table} WHERE {condition} ORDER BY {columns} LIMIT ?)",
                    (*values, *values, size),
                ).rowcount
            if deleted < size:
                return

    # The database

    def _migrate(self) -> None:
        (version,) = self._db.execute("PRAGMA user_version").fetchone()
        if version > len(MIGRATIONS):
            raise RunError(
                f"{self.path} was written by a newer distmat (version {version} of the store); "
                "update this one."
            )
        self._db.execute("PRAGMA journal_mode = WAL")
        # A killed process loses nothing, and the log needn't wait for the disk.
        self._db.execute("PRAGMA synchronous = NORMAL")
        if version == len(MIGRATIONS):
            return
        with self._transaction():
            # Another process may have been faster.
            (version,) = self._db.execute("PRAGMA user_version").fetchone()
            for script in MIGRATIONS[version:]:
                for statement in _statements(script):
                    self._db.execute(statement)
            self._db.execute(f"PRAGMA user_version = {len(MIGRATIONS)}")

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        """All or nothing; joined if one is open already."""
        with self._lock, self._explained():
            if self._db.in_transaction:
                yield
                return
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield
                self._db.execute("COMMIT")
            except BaseException:
                # SQLite has done so itself where the disk is full.
                if self._db.in_transaction:
                    self._db.execute("ROLLBACK")
                raise

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.OperationalError as error:
            code = getattr(error, "sqlite_errorcode", 0) & 0xFF
            if code == sqlite3.SQLITE_FULL:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(self.path)) from None
            if code == sqlite3.SQLITE_BUSY:
                raise RunError(f"{self.path} is kept busy by another process; try again.") from None
            if code in (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN):
                raise RunError(f"{self.path} can't be written; check its permissions.") from None
            raise
        except sqlite3.DatabaseError as error:
            code = getattr(error, "sqlite_errorcode", 0) & 0xFF
            if code in (sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT):
                raise RunError(
                    f"{self.path} is damaged or no database; move it away, and a new one is made."
                ) from None
            raise

    def _rows(self, sql: str, *values: Any) -> list[sqlite3.Row]:
        bound = values[0] if len(values) == 1 and isinstance(values[0], dict) else values
        with self._lock, self._explained():
            return self._db.execute(sql, bound).fetchall()

    def _one(self, sql: str, *values: Any) -> sqlite3.Row:
        return self._rows(sql, *values)[0]

    def _key(self, run_id: str) -> int:
        if run_id not in self._keys:
            rows = self._rows("SELECT key FROM runs WHERE id = ?", run_id)
            if not rows:
                raise RunError(f"There is no run '{run_id[:200]}'; `distmat runs list` shows them.")
            self._keys[run_id] = rows[0]["key"]
        return self._keys[run_id]

    def _name(self, text: str) -> int:
        """The number of a metric's name; -1 if nobody has logged one so far."""
        if text not in self._names:
            rows = self._rows("SELECT name FROM names WHERE text = ?", text)
            if not rows:
                return -1
            self._names[text] = rows[0]["name"]
        return self._names[text]

    def _new_names(self, texts: Iterable[str]) -> None:
        self._db.executemany(
            "INSERT OR IGNORE INTO names (text) VALUES (?)",
            [(text,) for text in texts if self._name(text) < 0],
        )

    def _set(self, run_id: str, **changes: Any) -> None:
        with self._transaction():
            self._update(self._key(run_id), changes)

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

    def _new_id(self, name: str) -> str:
        stem = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:40].strip("-") or "run"
        while True:
            letters = "".join(secrets.choice("abcdefghjkmnpqrstuvwxyz23456789") for _ in range(4))
            taken = self._rows("SELECT 1 FROM runs WHERE id = ?", f"{stem}-{letters}")
            if not taken and not self.folder(f"{stem}-{letters}").exists():
                return f"{stem}-{letters}"

    def _run(self, row: sqlite3.Row) -> Run:
        known = row["pid"] is not None
        return Run(
            id=row["id"],
            name=row["name"],
            group=row["group_name"],
            tags=tuple(json.loads(row["tags"])),
            notes=row["notes"],
            settings=json.loads(row["settings"]),
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
            folder=self.folder(row["id"]),
        )


# SQLite: a bare column beside min() or max() comes from the row that has it.
_FIRST_LEVEL = """
    INSERT OR REPLACE INTO summaries
    SELECT :run, :name, :level, l.stretch, l.step, l.value, h.step, h.value
    FROM (SELECT step / :factor AS stretch, step, min(value) AS value FROM metrics
          WHERE run = :run AND name = :name AND step >= :start AND step < :end
          GROUP BY 1) AS l
    JOIN (SELECT step / :factor AS stretch, step, max(value) AS value FROM metrics
          WHERE run = :run AND name = :name AND step >= :start AND step < :end
          GROUP BY 1) AS h USING (stretch)
"""

_NEXT_LEVEL = """
    INSERT OR REPLACE INTO summaries
    SELECT :run, :name, :level, l.stretch, l.step, l.value, h.step, h.value
    FROM (SELECT stretch / :factor AS stretch, low_step AS step, min(low) AS value FROM summaries
          WHERE run = :run AND name = :name AND level = :level - 1
          AND stretch >= :start AND stretch < :end GROUP BY 1) AS l
    JOIN (SELECT stretch / :factor AS stretch, high_step AS step, max(high) AS value FROM summaries
          WHERE run = :run AND name = :name AND level = :level - 1
          AND stretch >= :start AND stretch < :end GROUP BY 1) AS h USING (stretch)
"""


def _statements(script: str) -> list[str]:
    # No text in our scripts holds a semicolon.
    lines = [line for line in script.splitlines() if not line.strip().startswith("--")]
    return [text for text in "\n".join(lines).split(";") if text.strip()]


def _tags(tags: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(tag.strip()[:100] for tag in tags if tag.strip()))


def _nan(value: float | None) -> float:
    return math.nan if value is None else value


def _columns(pairs: Sequence[tuple[float, float]]) -> tuple:
    import numpy as np

    return tuple(np.array(pairs, dtype=float).reshape(-1, 2).T)


def _checked_webhook(address: str) -> str:
    if not address:
        return ""
    parts = urlsplit(address)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise RunError(
            f"The webhook '{address[:200]}' is no http or https address; "
            "write one such as https://example.org/hook."
        )
    return address
