"""The process that starts what waits and notes what has died: `python -m distmat.jobs.scheduler`.

There is one in each workspace while there is something to do, held by a lock; it needs no
browser and no server, and ends by itself. Whoever launches or looks starts it when needed.
"""

import math
import sys
import threading
import time
from pathlib import Path
from typing import Any

from distmat.errors import DistmatError
from distmat.jobs import processes, webhook
from distmat.jobs.backends import check_name, new_backends
from distmat.jobs.commands import workspace_env
from distmat.jobs.hardware import gpus
from distmat.jobs.job import Job
from distmat.jobs.kinds import CPU, PROCESSOR, kind_of
from distmat.jobs.lock import ProcessLock
from distmat.jobs.processes import ProcessIdentity
from distmat.jobs.reaper import is_leaving
from distmat.jobs.states import ACTIVE, Cause, State
from distmat.jobs.store import JobStore, Store

LOCK = "scheduler.lock"
LOG = "scheduler.log"

TICK = 0.25
"""Seconds between two looks."""

IDLE = 10.0
"""Seconds without anything to do, after which it ends."""

_launching = threading.Lock()
_launched: dict[Path, tuple[ProcessIdentity, float]] = {}
"""What this process started last for a workspace, and when."""

_COMING = 2.0
"""Seconds in which one that was started may be on its way to the lock; less than `IDLE`, after
which it may be on its way out."""

_TRIES = 3
"""Times that a webhook is called."""


class Scheduler:
    """Starts waiting jobs, one a device, and ends or marks those that need it.

    Parameters
    ----------
    store : Store
    """

    def __init__(self, store: Store[Any]) -> None:
        self.store = store
        self.gpus = [f"cuda:{gpu.index}" for gpu in gpus()]
        self.backends = new_backends()
        self._posting: set[str] = set()

    def tick(self) -> bool:
        """One look at everything; returns whether anything is left to do."""
        jobs = self.store.jobs({State.QUEUED, *ACTIVE})
        for name, backend in self.backends.items():
            backend.watch(self.store, [job for job in jobs if job.backend == name])
        self._start_next()
        self._notify()
        return has_work(self.store) or bool(self.store.to_notify() or self._posting)

    # What waits

    def _start_next(self) -> None:
        paused = self.store.paused
        taken = {device for job in self.store.list_active() for device in job.devices}
        full: set[str] = set()
        for job in self.store.list_queued():
            if job.job or (paused and not job.immediate):
                continue
            try:
                kind, count = self._needs(job)
            except DistmatError as error:
                self._fail(job, error)
                continue
            free = [device for device in self._devices(kind) if device not in taken]
            if job.immediate:
                free += [device for device in self._devices(kind) if device not in free]
            blocked = kind in full and not job.immediate
            if blocked or len(free) < count or is_leaving(job):
                # Later ones mustn't overtake it on the way to the same devices.
                full.add(kind)
                continue
            if self._start(job, free[:count]):
                taken.update(free[:count])

    def _needs(self, job: Job) -> tuple[str, int]:
        """Kind and number of its devices."""
        check_name(job.backend)
        count = self.backends[job.backend].count_devices(job)
        if not count:
            return "cluster", 0
        device = kind_of(job.kind).device(job)
        if device == PROCESSOR:
            return PROCESSOR, 1
        if not self.gpus or device == CPU:
            return CPU, 1
        return "gpu", min(count, len(self.gpus))

    def _devices(self, kind: str) -> list[str]:
        # Work on data goes on beside a training that has the whole processor to itself.
        there = {"gpu": self.gpus, CPU: [CPU], PROCESSOR: [PROCESSOR], "cluster": []}
        return there[kind]

    def _start(self, job: Job, devices: list[str]) -> bool:
        try:
            kind_of(job.kind).check(job)
            return self.backends[job.backend].start(self.store, job, devices)
        except DistmatError as error:
            self._fail(job, error)
            return False

    def _fail(self, job: Job, error: DistmatError) -> None:
        self.store.change_state(job.id, State.STARTING, only_from=[State.QUEUED])
        self.store.change_state(job.id, State.FAILED, cause=str(error), kind=Cause.INPUT)

    # Who wants to know

    def _notify(self) -> None:
        for job in self.store.to_notify():
            if job.id not in self._posting:
                self._posting.add(job.id)
                threading.Thread(target=self._post, args=(job,), daemon=True).start()

    def _post(self, job: Job) -> None:
        try:
            for attempt in range(_TRIES):
                if webhook.post(job):
                    break
                time.sleep(2.0**attempt)
            else:
                self.store.say(job.id, f"The webhook {job.webhook} didn't answer.", kind="note")
            self.store.set_notified(job.id)
        finally:
            self._posting.discard(job.id)


def is_scheduling(home: Path) -> bool:
    """Whether the workspace has a scheduler now."""
    return ProcessLock(home / LOCK).is_held()


def ensure_scheduler(home: Path) -> None:
    """Start the workspace's scheduler unless it is there; returns at once.

    Of several that are started at the same time all but one end again.
    """
    with _launching:
        coming, when = _launched.get(home, (None, -math.inf))
        fresh = time.monotonic() - when < _COMING and coming and processes.is_running(coming)
        if fresh or is_scheduling(home):
            return
        arguments = [sys.executable, "-m", "distmat.jobs.scheduler", str(IDLE)]
        process = processes.start(arguments, home / LOG, workspace_env(home))
        _launched[home] = process, time.monotonic()


def main(idle: float = IDLE) -> int:
    """Do what there is to do until nothing has been left for a while."""
    with JobStore() as store:
        lock = ProcessLock(store.home / LOCK)
        # Somebody may just be looking whether it is held.
        while lock.take(patience=1.0):
            _work(Scheduler(store), idle)
            lock.release()
            # What came while we left, whose sender still saw us there.
            if not has_work(store):
                return 0
    return 0


def _work(scheduler: Scheduler, idle: float) -> None:
    since = time.monotonic()
    # A workspace that was deleted needs nobody.
    while time.monotonic() - since < idle and scheduler.store.path.exists():
        if scheduler.tick():
            since = time.monotonic()
        time.sleep(TICK)


def has_work(store: Store[Any]) -> bool:
    """Whether anything runs, or will without a person doing something."""
    waiting = [job for job in store.list_queued() if job.immediate or job.job or not store.paused]
    return bool(waiting or store.list_active())


if __name__ == "__main__":
    sys.exit(main(*map(float, sys.argv[1:2])))
