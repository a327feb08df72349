"""Writing the end of jobs that couldn't do so themselves."""

from typing import Any

from distmat.jobs.exit_reason import classify_exit
from distmat.jobs.job import Job
from distmat.jobs.kinds import kind_of
from distmat.jobs.lock import ProcessLock
from distmat.jobs.log import last_words
from distmat.jobs.states import ACTIVE, Cause, State
from distmat.jobs.store import Store

LOCK = ".lock"
"""In a job's folder, held by its process."""

_POLITE = (-1, -2, -15)
"""Hang-up, interrupt, terminate: somebody wanted it to end, before it could listen."""


def mark_dead(store: Store[Any], job: Job, code: int | None, memory_kills: int | None) -> None:
    """Write the end of a job whose process ended without doing so itself."""
    kind = kind_of(job.kind)
    if job.stop_asked is not None or code in _POLITE:
        cause = f"Stopped before it could write a checkpoint; resuming {kind.onward(job)}."
        why = Cause.SIGNAL if job.stop_asked is None else Cause.ASKED
        store.change_state(job.id, State.STOPPED, only_from=ACTIVE, cause=cause, kind=why)
        return
    why, cause = classify_exit(job.log, code, memory_kills, kind.advice)
    store.change_state(job.id, State.CRASHED, only_from=ACTIVE, cause=cause, kind=why)


def mark_gone(store: Store[Any], job: Job) -> None:
    """Write the end of a job that the cluster doesn't know any more."""
    if job.stop_asked is not None:
        cause = f"Job {job.job} was taken from the cluster."
        store.change_state(job.id, State.STOPPED, cause=cause, kind=Cause.ASKED)
        return
    if job.state == State.QUEUED:
        cause = (
            f"Job {job.job} is gone from the cluster and never told that it began: somebody took "
            "it out, or it couldn't begin; the cluster's log of it tells more."
        )
        store.change_state(job.id, State.STOPPED, cause=cause, kind=Cause.SIGNAL)
        return
    words = last_words(job.log)
    cause = (
        f"Job {job.job} is gone from the cluster, and the run didn't say why: killed, out of "
        f"memory, out of time, or its node was lost. The log ends with: {words}"
    )
    store.change_state(job.id, State.CRASHED, only_from=ACTIVE, cause=cause, kind=Cause.LOST)


def requeue_if_absent(store: Store[Any], job: Job) -> None:
    """Put a job back whose scheduler died between claiming and starting it."""
    if not is_leaving(job):
        store.change_state(job.id, State.QUEUED, only_from=[State.STARTING])


def is_leaving(job: Job) -> bool:
    """Whether the process of an earlier attempt has said its last words and isn't gone yet."""
    return ProcessLock(job.folder / LOCK).is_held()
