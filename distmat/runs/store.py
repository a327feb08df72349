"""The memory of all runs: one SQLite file of the workspace, whatever process asks.

SQL is written here and in `series` alone, for tables that `schema` describes.
"""

import json
import os
import re
import secrets
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from distmat.errors import RunError
from distmat.jobs.database import Database, Row
from distmat.jobs.processes import ProcessIdentity
from distmat.jobs.states import ACTIVE, ENDED, TRANSITIONS, Cause, State
from distmat.jobs.ttl_cache import TTLCache
from distmat.runs.curve import Curve
from distmat.runs.run import BACKENDS, Run
from distmat.runs.schema import MIGRATIONS
from distmat.runs.series import Series
from distmat.settings import current_names
from distmat.training.config import TrainingConfig
from distmat.workspace import workspace

if TYPE_CHECKING:
    import numpy as np

FILE = "runs.sqlite"

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
        with self._db.writing():
            run_id = self._new_id(name)
            settings = {**config.as_dict(), "output": str(self.folder(run_id))}
            (position,) = self._db.one("SELECT coalesce(max(position), 0) + 1 FROM runs")
            self._db.execute("UPDATE queue SET last_key = last_key + 1")
            (key,) = self._db.one("SELECT last_key FROM queue")
            values = {
                "key": key,
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
            columns, places = ", ".join(values), ", ".join(f":{column}" for column in values)
            self._db.execute(f"INSERT INTO runs ({columns}) VALUES ({places})", values)  # noqa: S608
            self._series.make(key, -key)
            self._event(key, "state", "Queued")
        return self.get(run_id)

    def get(self, run_id: str) -> Run:
        """The run of this id.

        Raises
        ------
        RunError
            If there is none.
        """
        rows = self._db.rows(f"{_SELECT} WHERE id = ?", run_id)
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
            rows = self._db.rows(f"{_SELECT} WHERE {condition} ORDER BY created", {"text": text})
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
            for row in self._db.rows(
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
        with self._db.writing():
            if State(self._db.one("SELECT state FROM runs WHERE key = ?", key)[0]) in ACTIVE:
                raise RunError(f"{run_id} is running; stop it before deleting it.")
            self._db.execute("DELETE FROM runs WHERE key = ?", (key,))
        # In pieces, so that a run that is being logged needn't wait for a million rows.
        for series in (key, -key):
            self._series.forget(series)
        with self._db.writing():
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
        with self._db.writing():
            row = self._db.one("SELECT * FROM runs WHERE key = ?", key)
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
        with self._db.writing():
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
        with self._db.writing():
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
        with self._db.writing():
            self.change_state(run_id, State.QUEUED)
            (position,) = self._db.one("SELECT max(position) + 1 FROM runs")
            changes: dict[str, Any] = {"position": position, "immediate": int(immediate)}
            if settings is not None:
                changes["settings"] = json.dumps(dict(settings))
            if backend_settings is not None:
                changes["backend_settings"] = json.dumps(dict(backend_settings))
            self._update(key, changes)

    def journal_read(self, run_id: str) -> int:
        """How many bytes of its journal the store knows (see `distmat.runs.journal`)."""
        return self._db.one("SELECT journal_read FROM runs WHERE key = ?", self._key(run_id))[0]

    def set_journal_read(self, run_id: str, size: int) -> None:
        """So many bytes of its journal are in the store now."""
        self._set(run_id, journal_read=size)

    @contextmanager
    def together(self) -> Iterator[None]:
        """All that is told inside is stored, or nothing if an exception leaves."""
        with self._db.writing():
            yield

    def to_notify(self) -> list[Run]:
        """Ended runs whose webhook wasn't called yet."""
        ended = ", ".join(f"'{state}'" for state in sorted(ENDED))
        return [
            self._run(row)
            for row in self._db.rows(
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
            for row in self._db.rows(f"{_SELECT} WHERE state = 'QUEUED' ORDER BY position, key")
        ]

    def place(self, run_id: str, index: int) -> None:
        """Give a waiting run another place in the queue, 0 for the front.

        Raises
        ------
        RunError
            If it doesn't wait.
        """
        with self._db.writing():
            rows = self._db.rows(
                "SELECT id, key FROM runs WHERE state = 'QUEUED' ORDER BY position, key"
            )
            order = [row["key"] for row in rows if row["id"] != run_id]
            if len(order) == len(rows):
                raise RunError(f"{run_id} isn't in the queue.")
            order.insert(max(0, min(index, len(order))), self._key(run_id))
            self._db.execute_many("UPDATE runs SET position = ? WHERE key = ?", enumerate(order, 1))

    @property
    def paused(self) -> bool:
        """Whether the queue starts nothing for now."""
        return bool(self._db.one("SELECT paused FROM queue")[0])

    def pause(self, paused: bool) -> None:
        """Let the queue start nothing, or go on; what runs goes on in any case."""
        with self._db.writing():
            self._db.execute("UPDATE queue SET paused = ?", (int(paused),))

    # What a run tells

    def begin(self, run_id: str, facts: Mapping[str, object], total_steps: int | None) -> None:
        """What the trainer said before the first step."""
        key = self._key(run_id)
        with self._db.writing():
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
        with self._db.writing():
            self._db.execute_many(
                "INSERT INTO steps VALUES (?, ?, ?, ?) "
                "ON CONFLICT DO UPDATE SET epoch = excluded.epoch",
                ((key, step, epoch, moment) for step, epoch, moment, _ in rows),
            )
            self._series.write(key, [(step, metrics) for step, _, _, metrics in rows])
            self._db.execute(
                "UPDATE progress SET step = max(step, ?), epoch = max(epoch, ?) WHERE run = ?",
                (rows[-1][0], rows[-1][1], key),
            )

    def log_hardware(
        self, run_id: str, values: Mapping[str, float], moment: float | None = None
    ) -> None:
        """A sample of the machine (see `distmat.jobs.hardware`)."""
        key, (created,) = (
            self._key(run_id),
            self._db.one("SELECT created FROM runs WHERE id = ?", run_id),
        )
        with self._db.writing():
            self._series.write(-key, [(int((moment or time.time()) - created), values)])

    def rewind(self, run_id: str, step: int) -> None:
        """Forget all metrics after a step: the run goes on from its checkpoint there."""
        key = self._key(run_id)
        with self._db.writing():
            self._series.rewind(key, step)
            self._db.execute("DELETE FROM checkpoints WHERE run = ? AND step > ?", (key, step))

    def checkpoint(self, run_id: str, step: int, folder: Path) -> None:
        """A whole checkpoint was written."""
        key = self._key(run_id)
        with self._db.writing():
            self._db.execute(
                "INSERT OR REPLACE INTO checkpoints VALUES (?, ?, ?, ?)",
                (key, step, Path(folder).name, time.time()),
            )
            self._db.execute("UPDATE progress SET step = max(step, ?) WHERE run = ?", (step, key))

    def say(self, run_id: str, text: str, kind: str = "said") -> None:
        """Something happened."""
        with self._db.writing():
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
        asked = None if names is None else tuple(names)
        key = ("curves", run_id, asked, points, first, last)
        return self.cache.get_or_compute(
            key, lambda: self._curves(run_id, asked, points, first, last)
        )

    def _curves(
        self,
        run_id: str,
        names: tuple[str, ...] | None,
        points: int,
        first: int | None,
        last: int | None,
    ) -> dict[str, Curve]:
        key = self._key(run_id)
        thinned = self._series.thinned(key, names, points, first, last)
        every_step = {step for steps, _ in thinned.values() for step in steps.tolist()}
        facts = self._series.step_facts(key, every_step)
        return {
            name: Curve(steps, values, *_at(facts, steps))
            for name, (steps, values) in thinned.items()
        }

    def hardware(self, run_id: str, *, points: int = 1000) -> dict[str, Curve]:
        """Samples of the machine; `steps` are seconds since the run was made, epochs are NaN."""
        return self.cache.get_or_compute(
            ("hardware", run_id, points), lambda: self._hardware(run_id, points)
        )

    def _hardware(self, run_id: str, points: int) -> dict[str, Curve]:
        import numpy as np

        created = self.get(run_id).created
        thinned = self._series.thinned(-self._key(run_id), None, points)
        return {
            name: Curve(seconds, values, np.full(len(seconds), np.nan), created + seconds)
            for name, (seconds, values) in thinned.items()
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
        key = ("table", run_id, tuple(names), rows)
        return self.cache.get_or_compute(key, lambda: self._table(run_id, names, rows))

    def _table(
        self, run_id: str, names: Sequence[str], rows: int
    ) -> list[dict[str, float | int | None]]:
        key = self._key(run_id)
        thinned = self._series.thinned(key, names[:1], rows)
        if not thinned:
            return []
        steps = [int(step) for step in thinned[names[0]][0]]
        epochs, times = _at(self._series.step_facts(key, steps), steps)
        columns = {name: self._series.values_at(key, name, steps) for name in names}
        return [
            {
                "step": step,
                "epoch": float(epoch),
                "time": float(time),
                **{name: columns[name].get(step) for name in names},
            }
            for step, epoch, time in zip(steps, epochs, times, strict=True)
        ]

    def first_nan(self, run_id: str, name: str) -> int | None:
        """The first step at which the metric wasn't a number."""
        return self._series.first_nan(self._key(run_id), name)

    def seconds_per_step(self, run_id: str) -> float | None:
        """From the newest logged steps of this attempt; None before there are two."""
        key = self._key(run_id)
        rows = self._db.rows(
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
            for row in self._db.rows(
                "SELECT step, folder, time FROM checkpoints WHERE run = ? ORDER BY step, time",
                self._key(run_id),
            )
        ]

    def events(self, run_id: str, newest: int = 200) -> list[Event]:
        """What happened, in order; at most the newest so many."""
        rows = self._db.rows(
            "SELECT time, kind, text FROM events WHERE run = ? ORDER BY event DESC LIMIT ?",
            self._key(run_id),
            newest,
        )
        return [Event(row["time"], row["kind"], row["text"]) for row in reversed(rows)]

    # Inside

    def _key(self, run_id: str) -> int:
        if run_id not in self._keys:
            rows = self._db.rows("SELECT key FROM runs WHERE id = ?", run_id)
            if not rows:
                raise RunError(f"There is no run '{run_id[:200]}'; `distmat runs list` shows them.")
            self._keys[run_id] = rows[0]["key"]
        return self._keys[run_id]

    def _set(self, run_id: str, **changes: Any) -> None:
        with self._db.writing():
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
            taken = self._db.rows("SELECT 1 FROM runs WHERE id = ?", f"{stem}-{letters}")
            if not taken and not self.folder(f"{stem}-{letters}").exists():
                return f"{stem}-{letters}"

    def _run(self, row: Row) -> Run:
        known = row["pid"] is not None
        return Run(
            id=row["id"],
            name=row["name"],
            group=row["group_name"],
            tags=tuple(json.loads(row["tags"])),
            notes=row["notes"],
            settings=current_names(TrainingConfig, json.loads(row["settings"])),
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


def _tags(tags: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(tag.strip()[:100] for tag in tags if tag.strip()))


def _at(facts: "np.ndarray", steps: "Sequence[int] | np.ndarray") -> "Iterator[np.ndarray]":
    """Epochs and times of some of the steps in a table of step, epoch and time."""
    import numpy as np

    if not len(facts):
        yield from np.full((2, len(steps)), np.nan)
        return
    index = np.searchsorted(facts[:, 0], steps).clip(max=len(facts) - 1)
    # A step may have been replaced between two looks.
    there = facts[index, 0] == steps
    for column in (1, 2):
        yield np.where(there, facts[index, column], np.nan)


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
