"""Jobs: made, found, named and forgotten."""

import json
import os
import re
import secrets
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

from distmat.access import check_may_change, check_settings, visitor
from distmat.errors import RunError, one_line
from distmat.jobs.job import RECORD, Job
from distmat.jobs.kinds import folder_of
from distmat.jobs.states import ACTIVE, State
from distmat.jobs.store.rows import SELECT, J, Rows
from distmat.limits import check_disk, check_jobs
from distmat.workspace import own_folders


class Jobs(Rows[J]):
    """Jobs of all kinds."""

    def add_job(
        self,
        kind: str,
        settings: Mapping[str, object] | Callable[[Path], Mapping[str, object]],
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
    ) -> J:
        """A new job at the end of the queue; nothing is started (see `distmat.jobs.operations`).

        Parameters
        ----------
        kind : str
            One of `distmat.jobs.kinds.ENTRIES`.
        settings : mapping or callable
            For JSON, what the kind makes its work of; a function is given the job's folder.
        name : str
            For people.
        group : str
            Jobs that belong together, such as the runs of a sweep.
        backend : str
            One of `distmat.jobs.backends.names()`.
        directory : Path, optional
            Where relative paths of the settings start; by default the current folder.
        webhook : str, optional
            http or https address that is told of the end; by default ``DISTMAT_WEBHOOK``.
        immediate : bool
            Start it beside others and in a paused queue, too.
        """
        check_may_change("start jobs")
        if webhook is None:
            webhook = os.environ.get("DISTMAT_WEBHOOK", "")
        name = _line(name) or kind
        owner, now = self._check_owner(), time.time()
        place = Path(directory or Path.cwd()).resolve()
        with self._db.transaction():
            job_id = self._new_id(name, kind)
            chosen = settings(self._folder(kind, job_id)) if callable(settings) else settings
            check_settings(chosen, place, own_folders())
            (position,) = self._db.one("SELECT coalesce(max(position), 0) + 1 FROM runs")
            values = {
                "id": job_id,
                "name": name,
                "group_name": _line(group),
                "tags": json.dumps(_tags(tags)),
                "notes": notes,
                "kind": kind,
                "settings": json.dumps(dict(chosen)),
                "backend": backend,
                "backend_settings": json.dumps(dict(backend_settings or {})),
                "directory": str(place),
                "owner": owner,
                "origin": origin,
                "webhook": _check_webhook(webhook),
                "immediate": int(immediate),
                "state": State.QUEUED,
                "created": now,
                "position": position,
            }
            self._event(self._insert(values), "state", "Queued")
        return self.get(job_id)

    @contextmanager
    def all_at_once(self) -> Iterator[None]:
        """Jobs that are added inside are seen by others together, or none of them is."""
        with self._db.transaction():
            yield

    def _check_owner(self) -> str:
        """Who makes a job, if they may have one more."""
        asking = visitor()
        owner = asking.name if asking else ""
        check_jobs(sum(job.owner == owner for job in self.jobs({State.QUEUED, *ACTIVE})))
        check_disk(self.home)
        return owner

    def adopt(self, job: Job, note: str) -> None:
        """Take in a job that another store has made.

        Parameters
        ----------
        job : Job
            All but its steps and metrics is taken as it is.
        note : str
            A sentence for its history.
        """
        with self._db.transaction():
            self._event(self._insert(_columns(job)), "note", note)

    def _insert(self, row: Mapping[str, object]) -> int:
        """Write a row; returns the key that it was given."""
        self._db.execute("UPDATE queue SET last_key = last_key + 1")
        key: int = self._db.one("SELECT last_key FROM queue")[0]
        values = {"key": key, **row}
        columns, places = ", ".join(values), ", ".join(f":{column}" for column in values)
        self._db.execute(
            f"INSERT INTO runs ({columns}) VALUES ({places})",  # noqa: S608  (names are ours)
            values,
        )
        self._series.make(key, -key)
        return key

    def get(self, job_id: str) -> J:
        """The run of this id.

        Raises
        ------
        RunError
            If there is none.
        """
        rows = self._db.rows(f"{SELECT} WHERE id = ?", job_id)
        if not rows:
            raise RunError(f"There is no run '{job_id[:200]}'; `distmat runs list` shows them.")
        return self._job(rows[0])

    def find(self, text: str) -> J:
        """The run whose id, name, or beginning of the id this is.

        Raises
        ------
        RunError
            If there is none, or several.
        """
        if not text:
            raise RunError("Name a run; `distmat runs list` shows them.")
        for condition in ("id = :text", "name = :text", "substr(id, 1, length(:text)) = :text"):
            rows = self._db.rows(f"{SELECT} WHERE {condition} ORDER BY created", {"text": text})
            if len(rows) == 1:
                return self._job(rows[0])
            if rows:
                ids = ", ".join(row["id"] for row in rows[:10])
                raise RunError(f"'{text[:200]}' may be any of {ids}; give the whole id.")
        return self.get(text)

    def jobs(
        self,
        states: Iterable[State] | None = None,
        *,
        kinds: Iterable[str] | None = None,
        group: str | None = None,
        text: str = "",
    ) -> list[J]:
        """Jobs, the newest first.

        Parameters
        ----------
        states : iterable of State, optional
            Only those in one of them.
        kinds : iterable of str, optional
            Only those of one of these kinds.
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
        if kinds is not None:
            wanted = list(kinds)
            conditions.append(f"kind IN ({', '.join('?' * len(wanted))})")
            values += wanted
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
            self._job(row)
            for row in self._db.rows(
                f"{SELECT} WHERE {where} ORDER BY created DESC, key DESC", *values
            )
        ]

    def list_active(self) -> list[J]:
        """Runs that a process belongs to."""
        return self.jobs(ACTIVE)

    def rename(self, job_id: str, name: str) -> None:
        """Another name for people; the id and the folder stay.

        Raises
        ------
        RunError
            If the name is empty.
        """
        check_may_change("rename runs")
        if not _line(name):
            raise RunError("The new name is empty; give one.")
        self._set(job_id, name=_line(name))
        self._keep_record(job_id)

    def tag(self, job_id: str, tags: Iterable[str]) -> None:
        """Other tags instead of those it has."""
        check_may_change("tag runs")
        self._set(job_id, tags=json.dumps(_tags(tags)))
        self._keep_record(job_id)

    def note(self, job_id: str, notes: str) -> None:
        """Another note instead of the one it has."""
        check_may_change("write notes")
        self._set(job_id, notes=notes)
        self._keep_record(job_id)

    def forget(self, job_id: str) -> None:
        """Delete all that is stored of a run; its folder stays (see `operations.delete`).

        Raises
        ------
        RunError
            If it is active.
        """
        key = self._key(job_id)
        with self._db.transaction():
            if State(self._db.one("SELECT state FROM runs WHERE key = ?", key)[0]) in ACTIVE:
                raise RunError(f"{job_id} is running; stop it before deleting it.")
            self._db.execute("DELETE FROM runs WHERE key = ?", (key,))
        # In pieces, so that a run that is being logged needn't wait for a million rows.
        for series in (key, -key):
            self._series.forget(series)
        with self._db.transaction():
            for table in ("checkpoints", "events"):
                self._db.execute(f"DELETE FROM {table} WHERE run = ?", (key,))  # noqa: S608
        self._keys.pop(job_id, None)

    def _keep_record(self, job_id: str) -> None:
        """Let a job's folder know it by its new name, tags and note."""
        job = self.get(job_id)
        # What a process may be about to read is left alone until it has ended.
        if job.has_ended and (job.folder / RECORD).is_file():
            job.to_file(job.folder / RECORD)

    def _folder(self, kind: str, job_id: str) -> Path:
        return self.home / folder_of(kind) / job_id

    def _new_id(self, name: str, kind: str) -> str:
        stem = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:40].strip("-") or "job"
        while True:
            letters = "".join(secrets.choice("abcdefghjkmnpqrstuvwxyz23456789") for _ in range(4))
            taken = self._db.rows("SELECT 1 FROM runs WHERE id = ?", f"{stem}-{letters}")
            if not taken and not self._folder(kind, f"{stem}-{letters}").exists():
                return f"{stem}-{letters}"


def _columns(job: Job) -> dict[str, object]:
    """A job's row, but for its key."""
    process = job.process
    texts = {
        name: json.dumps(getattr(job, name), default=str)
        for name in ("tags", "settings", "backend_settings", "devices", "facts", "environment")
    }
    plain = {
        name: getattr(job, name)
        for name in (
            "id", "name", "notes", "kind", "backend", "directory", "origin", "webhook", "state",
            "cause", "cause_kind", "created", "started", "ended", "attempt", "attempt_started",
            "earlier_seconds", "owner", "position", "host", "job", "stop_asked", "kill_at",
        )
    }  # fmt: skip
    return {
        **plain,
        **texts,
        "group_name": job.group,
        "immediate": int(job.immediate),
        "pid": process and process.pid,
        "pid_created": process and process.created,
        # It was told of the end when that came, or its time is long past.
        "notified": 1,
    }


def _tags(tags: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(_line(tag, 100) for tag in tags if _line(tag)))


def _line(text: str, most: int = 200) -> str:
    """A name as it is shown: one line, not too long."""
    return one_line(text).strip()[:most].strip()


def _check_webhook(address: str) -> str:
    if not address:
        return ""
    parts = urlsplit(address)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise RunError(
            f"The webhook '{address[:200]}' is no http or https address; "
            "write one such as https://example.org/hook."
        )
    return address
