"""Rows of jobs: their states, processes, and what was asked of them."""

import json
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from distmat.access import check_may_change, check_settings
from distmat.errors import RunError
from distmat.jobs.processes import ProcessIdentity
from distmat.jobs.states import ENDED, TRANSITIONS, Cause, State
from distmat.jobs.store.rows import J, Rows
from distmat.limits import check_disk
from distmat.workspace import own_folders


class States(Rows[J]):
    """Moves jobs from state to state."""

    def change_state(
        self,
        job_id: str,
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
        key, now = self._key(job_id), moment or time.time()
        with self._db.transaction():
            row = self._db.one("SELECT * FROM runs WHERE key = ?", key)
            old = State(row["state"])
            if only_from is not None and old not in set(only_from):
                return False
            if state not in TRANSITIONS[old]:
                raise RunError(f"{job_id} is {old}; it can't become {state}.")
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
        self, job_id: str, process: ProcessIdentity, host: str, *, if_unknown: bool = False
    ) -> None:
        """Say which process the run is; `if_unknown`: only where nobody has said so yet."""
        condition = " AND pid IS NULL" if if_unknown else ""
        with self._db.transaction():
            self._db.execute(
                "UPDATE runs SET pid = ?, pid_created = ?, host = ? "  # noqa: S608
                f"WHERE key = ?{condition}",
                (process.pid, process.created, host, self._key(job_id)),
            )

    def set_job(self, job_id: str, job: str) -> None:
        """The run's number at the cluster."""
        self._set(job_id, job=job)

    def ask_to_stop(self, job_id: str, grace: float) -> None:
        """Remember that a person wants it to stop, and for how many seconds it may tidy up."""
        now = time.time()
        with self._db.transaction():
            self._db.execute(
                "UPDATE runs SET stop_asked = coalesce(stop_asked, ?), kill_at = ? WHERE key = ?",
                (now, now + grace, self._key(job_id)),
            )

    def requeue(
        self,
        job_id: str,
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
        check_may_change("resume jobs")
        key = self._key(job_id)
        check_disk(self.home)
        if settings is not None:
            # What it had it may keep, whoever gave it.
            columns = "SELECT directory, settings FROM runs WHERE key = ?"
            directory, before = self._db.one(columns, key)
            had = json.loads(before)
            new = {name: value for name, value in settings.items() if had.get(name) != value}
            check_settings(new, Path(directory), own_folders())
        with self._db.transaction():
            self.change_state(job_id, State.QUEUED)
            (position,) = self._db.one("SELECT max(position) + 1 FROM runs")
            changes: dict[str, Any] = {"position": position, "immediate": int(immediate)}
            if settings is not None:
                changes["settings"] = json.dumps(dict(settings))
            if backend_settings is not None:
                changes["backend_settings"] = json.dumps(dict(backend_settings))
            self._update(key, changes)

    def journal_read(self, job_id: str) -> int:
        """How many bytes of its journal the store knows (see `distmat.jobs.journal`)."""
        key = self._key(job_id)
        read: int = self._db.one("SELECT journal_read FROM runs WHERE key = ?", key)[0]
        return read

    def set_journal_read(self, job_id: str, size: int) -> None:
        """So many bytes of its journal are in the store now."""
        self._set(job_id, journal_read=size)

    @contextmanager
    def together(self) -> Iterator[None]:
        """All that is told inside is stored, or nothing if an exception leaves."""
        with self._db.transaction():
            yield

    def to_notify(self) -> list[J]:
        """Ended runs whose webhook wasn't called yet."""
        ended = ", ".join(f"'{state}'" for state in sorted(ENDED))
        return self._jobs(f"WHERE webhook != '' AND notified = 0 AND state IN ({ended})")

    def set_notified(self, job_id: str) -> None:
        """The webhook was called, or will never answer."""
        self._set(job_id, notified=1)
