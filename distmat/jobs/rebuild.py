"""A store that was lost, made anew from what the jobs left in their folders.

Each folder has the job's record, written when it was started and when it was renamed, and a journal
of all that its process told: settings, states, metrics and checkpoints come back. What only the
store had is gone: jobs that were never started, and samples of the machine.
"""

import contextlib
import dataclasses
import os
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from distmat.access import check_may_change
from distmat.documents import DocumentError
from distmat.errors import RunError
from distmat.jobs import journal
from distmat.jobs.job import RECORD, Job
from distmat.jobs.kinds import ENTRIES, job_folders, kind_of
from distmat.jobs.lock import ProcessLock
from distmat.jobs.reaper import LOCK
from distmat.jobs.scheduler import IDLE
from distmat.jobs.scheduler import LOCK as SCHEDULER_LOCK
from distmat.jobs.states import ACTIVE, Cause, State
from distmat.jobs.store import FILE, JobStore
from distmat.workspace import workspace

_PARTS = ("", "-wal", "-shm")
"""Files of a SQLite database."""


@dataclass(frozen=True)
class Rebuilt:
    """What `rebuild` has done.

    Parameters
    ----------
    found : tuple of str
        Ids of the jobs that are back.
    unknown : tuple of Path
        Folders that don't say what job was theirs; they stay as they are.
    old : Path or None
        Where the lost store lies now; None if there was none.
    """

    found: tuple[str, ...]
    unknown: tuple[Path, ...]
    old: Path | None


def rebuild(home: Path | None = None) -> Rebuilt:
    """Make the store of a workspace anew.

    Parameters
    ----------
    home : Path, optional
        The workspace; by default `distmat.workspace.workspace()`.

    Raises
    ------
    RunError
        If the store is sound, or a job is running.
    """
    check_may_change("make the list of jobs anew")
    home = Path(home if home is not None else workspace()).resolve()
    _check_lost(home)
    old = _set_aside(home / FILE)
    found, unknown = [], []
    with JobStore(home, lost=True) as store:
        for job, folder in sorted(
            ((_read_record(folder), folder) for folder in job_folders(home)),
            key=lambda pair: pair[0].created if pair[0] else 0.0,
        ):
            if job is None:
                unknown.append(folder)
            else:
                _restore(store, job)
                found.append(job.id)
    return Rebuilt(tuple(found), tuple(unknown), old)


def _check_lost(home: Path) -> None:
    for folder in job_folders(home):
        if ProcessLock(folder / LOCK).is_held():
            raise RunError(f"{folder.name} is running; stop it, or wait for its end, first.")
    # One that has nothing to do ends by itself; until then it would write to the old file.
    scheduler = ProcessLock(home / SCHEDULER_LOCK)
    deadline = time.monotonic() + IDLE + 5
    while scheduler.is_held():
        if time.monotonic() > deadline:
            raise RunError("The scheduler is at work; end it, or wait for its end, first.")
        time.sleep(0.1)
    try:
        with JobStore(home) as store:
            store.check()
    except RunError:
        return
    raise RunError(f"{home / FILE} is sound; nothing was done.")


def _set_aside(path: Path) -> Path | None:
    was_there = path.is_file()
    old = path.with_name(f"{path.name}.lost-{time.strftime('%Y%m%d-%H%M%S')}-{os.urandom(2).hex()}")
    for part in _PARTS:
        with contextlib.suppress(FileNotFoundError):
            os.rename(f"{path}{part}", f"{old}{part}")
    return old if was_there else None


def _read_record(folder: Path) -> Job | None:
    """The job of a folder, as its record tells, or its kind can tell without one."""
    with contextlib.suppress(OSError, DocumentError, ValueError, KeyError, TypeError):
        job = Job.from_file(folder / RECORD)
        return job if job.id == folder.name and job.kind in ENTRIES else None
    for kind in (name for name, entry in ENTRIES.items() if entry.folder == folder.parent.name):
        with contextlib.suppress(OSError, DocumentError, RunError):
            settings = kind_of(kind).settings_of(folder)
            if settings is not None:
                return _make_record(kind, folder, settings)
    return None


def _make_record(kind: str, folder: Path, settings: dict[str, Any]) -> Job:
    """A job of which only the settings are known."""
    made = folder.stat().st_mtime
    return Job(
        id=folder.name, kind=kind, name=folder.name, group="", tags=(), notes="",
        settings=settings, backend="local", backend_settings={}, directory=str(Path.cwd()),
        origin="", webhook="", immediate=False, state=State.STOPPED, cause="",
        cause_kind=Cause.NONE, created=made, started=made, ended=made, attempt=1,
        attempt_started=None, earlier_seconds=0.0, position=0.0, process=None, host="", job="",
        devices=(), stop_asked=None, kill_at=None, facts={}, environment={}, step=0, epoch=0.0,
        total_steps=None, metrics={}, folder=folder,
    )  # fmt: skip


def _restore(store: JobStore, job: Job) -> None:
    last = journal.last_entry(job, "state") or {}
    state = State(last.get("state", job.state))
    if kind_of(job.kind).is_finished(job.folder):
        state = State.FINISHED
    ended = dataclasses.replace(
        job,
        state=State.CRASHED if state in ACTIVE or state == State.QUEUED else state,
        cause=str(last.get("cause", job.cause)),
        cause_kind=Cause(last.get("kind", job.cause_kind)),
        ended=float(last.get("moment", job.ended or job.created)),
        process=None,
    )
    if ended.state == State.CRASHED and state != State.CRASHED:
        ended = dataclasses.replace(
            ended,
            cause=f"Its end is unknown; resuming {kind_of(job.kind).onward(job)}.",
            cause_kind=Cause.LOST,
        )
    store.adopt(ended, "Found again in its folder after the store of jobs was lost.")
    if not journal.replay_history(store, ended):
        kind_of(job.kind).restore(ended, store)
