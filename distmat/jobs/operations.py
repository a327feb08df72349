"""What a person does to jobs: submit, stop, resume, delete, and order their queue.

Nothing here waits for a job: the store remembers what is wanted, and the scheduler, a
process of its own, does it.
"""

import os
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from distmat.access import check_may_change
from distmat.errors import RunError
from distmat.jobs.backends import backend, check_name, names
from distmat.jobs.job import Job
from distmat.jobs.kinds import kind_of
from distmat.jobs.reaper import mark_dead
from distmat.jobs.scheduler import ensure_scheduler, has_work, is_scheduling
from distmat.jobs.states import Cause, State
from distmat.jobs.store import Store
from distmat.workspace import size_of

GRACE = 120.0
"""Seconds that a stopping job has for its checkpoint."""


def submit(
    store: Store[Any],
    kind: str,
    settings: Mapping[str, object] | Callable[[Path], Mapping[str, object]],
    **options: Any,
) -> Job:
    """Queue a job, and see to it that somebody starts it; returns at once.

    Parameters
    ----------
    kind : str
        One of `distmat.jobs.kinds.ENTRIES`.
    settings : mapping or callable
        For JSON, what the kind makes its work of; a function is given the job's folder.
    **options
        As for `distmat.jobs.store.jobs.Jobs.add_job`.
    """
    check_name(options.get("backend", names()[0]))
    job: Job = store.add_job(kind, settings, **options)
    ensure_scheduler(store.home)
    return job


def submit_shared(
    store: Store[Any],
    kind: str,
    settings: Mapping[str, object] | Callable[[Path], Mapping[str, object]],
    parts: int,
    name: str,
    **options: Any,
) -> list[Job]:
    """Queue one job, or several that share its work.

    Parameters
    ----------
    settings : mapping or callable
        As for `submit`; what a function makes of the first job's folder is everybody's.
    parts : int
        How many jobs; each finds its own number and theirs in the settings ``part``, from 0, and
        ``parts``.
    """

    def first(folder: Path) -> dict[str, object]:
        own = settings(folder) if callable(settings) else settings
        return {**own, "part": 0, "parts": parts}

    check_name(options.get("backend", names()[0]))
    called = name if parts == 1 else f"{name} 1 of {parts}"
    # At once, so that a cluster is given all of them as one array.
    with store.all_at_once():
        jobs: list[Job] = [store.add_job(kind, first, name=called, **options)]
        for part in range(1, parts):
            mine = {**jobs[0].settings, "part": part}
            called = f"{name} {part + 1} of {parts}"
            jobs.append(store.add_job(kind, mine, name=called, **options))
    ensure_scheduler(store.home)
    return jobs


def stop(store: Store[Any], job_id: str, grace: float = GRACE) -> None:
    """Ask a job to stop with a checkpoint; one that waits leaves the queue.

    Returns at once. What hasn't ended after `grace` seconds is killed by the scheduler.

    Raises
    ------
    RunError
        If it has ended already.
    """
    check_may_change("stop jobs")
    job = store.get(job_id)
    if store.change_state(
        job_id,
        State.STOPPED,
        only_from=[State.QUEUED],
        cause="Taken out of the queue.",
        kind=Cause.ASKED,
    ):
        if job.job:
            backend(job.backend).kill(job)
        return
    job = store.get(job_id)
    if not job.active:
        raise RunError(f"{job.id} isn't running: it is {job.state}.")
    store.ask_to_stop(job_id, grace)
    backend(job.backend).ask_to_stop(job)
    ensure_scheduler(store.home)


def resume(
    store: Store[Any],
    job_id: str,
    *,
    settings: Mapping[str, object] | None = None,
    backend_settings: Mapping[str, object] | None = None,
    immediate: bool = False,
) -> Job:
    """Queue a job that has ended, to go on where it was.

    Parameters
    ----------
    settings, backend_settings : mapping, optional
        Instead of those it had.

    Raises
    ------
    RunError
        If it runs, waits or is finished.
    """
    job: Job = store.get(job_id)
    if job.state == State.FINISHED:
        raise RunError(f"{job.id} has finished all its steps; duplicate it to train more.")
    if not job.has_ended:
        raise RunError(f"{job.id} is {job.state}; only a run that has ended can be resumed.")
    store.requeue(job_id, settings=settings, backend_settings=backend_settings, immediate=immediate)
    ensure_scheduler(store.home)
    queued: Job = store.get(job_id)
    return queued


def delete(store: Store[Any], job_id: str) -> None:
    """Delete a job: its metrics, its log, its checkpoints.

    Raises
    ------
    RunError
        If it is running.
    """
    check_may_change("delete jobs")
    job = store.get(job_id)
    if job.active:
        raise RunError(f"{job.id} is running; stop it before deleting it.")
    if job.state != State.FINISHED:
        kind_of(job.kind).discard(job)
    # Out of sight at once, whatever the size of what is deleted.
    trash = job.folder.with_name(f".deleted-{job.id}")
    if job.folder.exists():
        os.replace(job.folder, trash)
    store.forget(job_id)
    shutil.rmtree(trash, ignore_errors=True)


def reorder(store: Store[Any], job_id: str, index: int) -> None:
    """Give a waiting run another place in the queue, 0 for the front."""
    store.place(job_id, index)


def pause(store: Store[Any], paused: bool) -> None:
    """Let the queue start nothing, or go on."""
    store.pause(paused)
    if not paused:
        ensure_scheduler(store.home)


def disk_used(job: Job) -> int:
    """Bytes of the job's folder; a file with several names counts once."""
    return size_of(job.folder)


def reconcile(store: Store[Any]) -> None:
    """See whether what is said to run does run; costs about a millisecond.

    Without a scheduler, jobs whose process is gone are marked as crashed here; and one is
    started if anything is left to do.
    """
    if not has_work(store) or is_scheduling(store.home):
        return
    for job in store.list_active():
        if backend(job.backend).is_alive(job) is False:
            mark_dead(store, job, None, None)
    if has_work(store):
        ensure_scheduler(store.home)
