"""Jobs as one process of this machine."""

import os
import time
from collections.abc import Sequence
from typing import Any, ClassVar

from distmat.jobs import processes
from distmat.jobs.backends.backend import PATIENCE, Backend, Field, Patience
from distmat.jobs.commands import process_env, worker_command
from distmat.jobs.hardware import out_of_memory_kills
from distmat.jobs.job import Job
from distmat.jobs.processes import ProcessIdentity
from distmat.jobs.reaper import mark_dead, requeue_if_absent
from distmat.jobs.states import State
from distmat.jobs.store import Store


class Local(Backend):
    """One process here."""

    name = "local"
    summary = "one process on this machine"
    fields: ClassVar[tuple[Field, ...]] = ()

    def __init__(self) -> None:
        self.started: dict[str, ProcessIdentity] = {}
        self.kills: dict[str, int | None] = {}
        self.patience = Patience()

    def count_devices(self, job: Job) -> int:
        """One."""
        return 1

    def command(self, job: Job) -> list[str]:
        """The program of the job's process, or of the one that starts its processes."""
        return worker_command(job)

    def start(self, store: Store[Any], job: Job, devices: Sequence[str]) -> bool:
        """See `Backend.start`; the store says STARTING before there is a process."""
        if not store.change_state(
            job.id, State.STARTING, only_from=[State.QUEUED], devices=devices
        ):
            return False
        self.kills[job.id] = out_of_memory_kills()
        process = processes.start(self.command(job), job.log, process_env(job, devices))
        self.started[job.id] = process
        store.attach(job.id, process, os.uname().nodename, if_unknown=True)
        return True

    def watch(self, store: Store[Any], jobs: Sequence[Job]) -> None:
        """See `Backend.watch`."""
        for job in jobs:
            if not job.active:
                continue
            if job.process is None:
                if abs(time.time() - (job.attempt_started or 0)) > PATIENCE:
                    requeue_if_absent(store, job)
            elif not processes.is_running(job.process):
                self._mark_dead(store, job, job.process)
            elif self.patience.is_over(job):
                processes.kill(job.process)

    def is_alive(self, job: Job) -> bool | None:
        """Whether its process runs; None before it is known."""
        return None if job.process is None else processes.is_running(job.process)

    def ask_to_stop(self, job: Job) -> None:
        """SIGTERM, to its group."""
        if job.process is not None:
            processes.ask_to_stop(job.process)

    def kill(self, job: Job) -> None:
        """SIGKILL, to all that it started."""
        if job.process is not None:
            processes.kill(job.process)

    def _mark_dead(self, store: Store[Any], job: Job, process: ProcessIdentity) -> None:
        started = self.started.get(job.id, process)
        before, now = self.kills.get(job.id), out_of_memory_kills()
        kills = now - before if now is not None and before is not None else None
        mark_dead(store, job, processes.final_code(started), kills)
        for identity in {started, process}:
            processes.kill(identity)
