"""The process that starts what waits and notes what has died: `python -m distmat.runs.scheduler`.

There is one in each workspace while there is something to do, held by a lock; it needs no
browser and no server, and ends by itself. Whoever launches or looks starts it when needed.
"""

import math
import os
import sys
import threading
import time
from pathlib import Path

from distmat.errors import DistmatError
from distmat.jobs import processes
from distmat.jobs.exit_reason import classify_exit
from distmat.jobs.hardware import gpus, out_of_memory_kills
from distmat.jobs.lock import ProcessLock
from distmat.jobs.log import last_words
from distmat.jobs.processes import ProcessIdentity
from distmat.jobs.states import ACTIVE, Cause, State
from distmat.runs import webhook
from distmat.runs.run import Run
from distmat.runs.store import RunStore

LOCK = "scheduler.lock"
LOG = "scheduler.log"

TICK = 0.25
"""Seconds between two looks."""

IDLE = 10.0
"""Seconds without anything to do, after which it ends."""

PATIENCE = 15.0
"""Seconds in which a process that was started says that it is there, and a job that is gone how
it ended."""

CLUSTER_TICK = 2.0
"""Seconds between two questions to Slurm."""

_LIVING = frozenset(
    {
        "PENDING",
        "CONFIGURING",
        "RUNNING",
        "COMPLETING",
        "SUSPENDED",
        "REQUEUED",
        "REQUEUE_HOLD",
        "REQUEUE_FED",
        "SIGNALING",
        "STAGE_OUT",
        "STOPPED",
        "RESIZING",
        "PREEMPTED",
        "SPECIAL_EXIT",
        "RESV_DEL_HOLD",
    }
)
"""Slurm's states of jobs that may still do something."""

_POLITE = (-1, -2, -15)
"""Hang-up, interrupt, terminate: somebody wanted it to end, before it could listen."""

_launching = threading.Lock()
_launched: dict[Path, tuple[ProcessIdentity, float]] = {}
"""What this process started last for a workspace, and when."""

_COMING = 2.0
"""Seconds in which one that was started may be on its way to the lock; less than `IDLE`, after
which it may be on its way out."""

_TRIES = 3
"""Times that a webhook is called."""


class Scheduler:
    """Starts waiting runs, one a device, and ends or buries those that need it.

    Parameters
    ----------
    store : RunStore
    """

    def __init__(self, store: RunStore) -> None:
        self.store = store
        self.gpus = [f"cuda:{gpu.index}" for gpu in gpus()]
        self.started: dict[str, ProcessIdentity] = {}
        self.kills: dict[str, int | None] = {}
        self._posting: set[str] = set()
        self._missed: dict[str, float] = {}
        self._asked = -math.inf

    def tick(self) -> bool:
        """One look at everything; returns whether anything is left to do."""
        for run in self.store.active():
            self._watch(run)
        self._watch_cluster()
        self._start_next()
        self._notify()
        return has_work(self.store) or bool(self.store.to_notify() or self._posting)

    # What runs

    def _watch(self, run: Run) -> None:
        if run.backend == "slurm":
            return
        if run.process is None:
            if time.time() - (run.attempt_started or 0) > PATIENCE:
                requeue_if_absent(self.store, run)
        elif not processes.is_running(run.process):
            self._bury(run, run.process)
        elif run.kill_at is not None and time.time() > run.kill_at:
            processes.kill(run.process)

    def _bury(self, run: Run, process: ProcessIdentity) -> None:
        started = self.started.get(run.id, process)
        before, now = self.kills.get(run.id), out_of_memory_kills()
        kills = now - before if now is not None and before is not None else None
        bury(self.store, run, processes.final_code(started), kills)
        for identity in {started, process}:
            processes.kill(identity)

    # What waits

    def _start_next(self) -> None:
        paused = self.store.paused
        taken = {
            device
            for run in self.store.active()
            if run.backend != "slurm"
            for device in run.devices
        }
        full: set[str] = set()
        for run in self.store.queued():
            if run.job or (paused and not run.immediate):
                continue
            kind, count = self._needs(run)
            free = [device for device in self._devices(kind) if device not in taken]
            if run.immediate:
                free += [device for device in self._devices(kind) if device not in free]
            blocked = kind in full and not run.immediate
            if blocked or len(free) < count or _is_leaving(run):
                # Later ones mustn't overtake it on the way to the same devices.
                full.add(kind)
                continue
            if self._start(run, free[:count]):
                taken.update(free[:count])

    def _needs(self, run: Run) -> tuple[str, int]:
        """Kind and number of its devices."""
        if run.backend == "slurm":
            return "cluster", 0
        if not self.gpus or run.settings.get("device") == "cpu":
            return "cpu", 1
        wanted = _processes(run) if run.backend == "torchrun" else 1
        return "gpu", min(wanted, len(self.gpus))

    def _devices(self, kind: str) -> list[str]:
        return {"gpu": self.gpus, "cpu": ["cpu"], "cluster": []}[kind]

    def _start(self, run: Run, devices: list[str]) -> bool:
        if run.backend == "slurm":
            return self._submit(run)
        if not self.store.change_state(
            run.id, State.STARTING, only_from=[State.QUEUED], devices=devices
        ):
            return False
        run = self.store.get(run.id)
        self.kills[run.id] = out_of_memory_kills()
        try:
            run.config  # noqa: B018  (says what is wrong with it)
            process = processes.start(command(run), run.log, surroundings(run, devices))
        except DistmatError as error:
            self.store.change_state(run.id, State.FAILED, cause=str(error), kind=Cause.INPUT)
            return False
        self.started[run.id] = process
        self.store.attach(run.id, process, os.uname().nodename, if_unknown=True)
        return True

    # What a cluster does

    def _submit(self, run: Run) -> bool:
        from distmat.runs import slurm

        try:
            run.config  # noqa: B018  (says what is wrong with it)
            slurm.submit(self.store, run)
        except DistmatError as error:
            self.store.change_state(run.id, State.STARTING, only_from=[State.QUEUED])
            self.store.change_state(run.id, State.FAILED, cause=str(error), kind=Cause.INPUT)
        return True

    def _watch_cluster(self) -> None:
        runs = [run for run in self.store.runs({State.QUEUED, *ACTIVE}) if run.job]
        if not runs:
            return
        from distmat.runs import slurm
        from distmat.runs.journal import replay

        for run in runs:
            while replay(self.store, run):
                pass
        if time.monotonic() - self._asked < CLUSTER_TICK:
            return
        self._asked = time.monotonic()
        there = slurm.jobs(run.job for run in runs if run.job != slurm.SUBMITTING)
        for run in runs:
            self._watch_job(self.store.get(run.id), there)

    def _watch_job(self, run: Run, there: dict[str, str] | None) -> None:
        from distmat.runs import slurm

        if run.has_ended or there is None:
            return
        if run.job == slurm.SUBMITTING:
            # Nobody but us submits, and we wait for the answer: that was an earlier scheduler.
            self.store.set_job(run.id, slurm.find_job(run) or "")
        elif there.get(run.job, "") in _LIVING:
            self._missed.pop(run.id, None)
            if run.kill_at is not None and time.time() > run.kill_at:
                slurm.cancel(run)
        elif time.monotonic() - self._missed.setdefault(run.id, time.monotonic()) > PATIENCE:
            bury_job(self.store, run)

    # Who wants to know

    def _notify(self) -> None:
        for run in self.store.to_notify():
            if run.id not in self._posting:
                self._posting.add(run.id)
                threading.Thread(target=self._post, args=(run,), daemon=True).start()

    def _post(self, run: Run) -> None:
        try:
            for attempt in range(_TRIES):
                if webhook.post(run):
                    break
                time.sleep(2.0**attempt)
            else:
                self.store.say(run.id, f"The webhook {run.webhook} didn't answer.", kind="note")
            self.store.set_notified(run.id)
        finally:
            self._posting.discard(run.id)


def command(run: Run) -> list[str]:
    """The program of a run's process, or of the one that starts its processes."""
    if run.backend != "torchrun":
        return worker_command(run)
    return torchrun(run, ["--standalone", f"--nproc-per-node={_processes(run)}"])


def worker_command(run: Run) -> list[str]:
    """The program of a run in one process."""
    return [sys.executable, "-m", "distmat.runs.worker", run.id]


def torchrun(run: Run, options: list[str]) -> list[str]:
    """The program that starts several processes of a run."""
    return [sys.executable, "-m", "torch.distributed.run", *options, *worker_command(run)[1:]]


def surroundings(run: Run, devices: list[str]) -> dict[str, str]:
    """Variables of a run's process."""
    numbers = [device.partition(":")[2] for device in devices if device.startswith("cuda:")]
    return {
        **_variables(run.folder.parents[1]),
        # A bar that redraws itself is no log.
        "TQDM_DISABLE": "1",
        "TOKENIZERS_PARALLELISM": "false",
        **({"CUDA_VISIBLE_DEVICES": ",".join(numbers)} if numbers else {}),
    }


def bury(store: RunStore, run: Run, code: int | None, memory_kills: int | None) -> None:
    """Write the end of a run whose process ended without doing so itself."""
    from distmat.training.run_folder import checkpoints

    if run.stop_asked is not None or code in _POLITE:
        there = checkpoints(run.folder)
        onward = f"goes on from checkpoint-{max(there)}" if there else "starts anew"
        cause = f"Stopped before it could write a checkpoint; resuming {onward}."
        kind = Cause.SIGNAL if run.stop_asked is None else Cause.ASKED
        store.change_state(run.id, State.STOPPED, only_from=ACTIVE, cause=cause, kind=kind)
        return
    kind, cause = classify_exit(run.log, code, memory_kills)
    store.change_state(run.id, State.CRASHED, only_from=ACTIVE, cause=cause, kind=kind)


def bury_job(store: RunStore, run: Run) -> None:
    """Write the end of a run whose job Slurm doesn't know any more."""
    if run.state == State.QUEUED or run.stop_asked is not None:
        cause = f"Job {run.job} was taken from the cluster."
        kind = Cause.SIGNAL if run.stop_asked is None else Cause.ASKED
        store.change_state(run.id, State.STOPPED, cause=cause, kind=kind)
        return
    words = last_words(run.log)
    cause = (
        f"Job {run.job} is gone from the cluster, and the run didn't say why: killed, out of "
        f"memory, out of time, or its node was lost. The log ends with: {words}"
    )
    store.change_state(run.id, State.CRASHED, only_from=ACTIVE, cause=cause, kind=Cause.LOST)


def requeue_if_absent(store: RunStore, run: Run) -> None:
    """Put a run back whose scheduler died between claiming and starting it."""
    if not _is_leaving(run):
        store.change_state(run.id, State.QUEUED, only_from=[State.STARTING])


def _is_leaving(run: Run) -> bool:
    """Whether the process of an earlier attempt has said its last words and isn't gone yet."""
    return ProcessLock(run.folder / ".lock").is_held()


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
        arguments = [sys.executable, "-m", "distmat.runs.scheduler", str(IDLE)]
        process = processes.start(arguments, home / LOG, _variables(home))
        _launched[home] = process, time.monotonic()


def main(idle: float = IDLE) -> int:
    """Do what there is to do until nothing has been left for a while."""
    with RunStore() as store:
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


def has_work(store: RunStore) -> bool:
    """Whether anything runs, or will without a person doing something."""
    waiting = [run for run in store.queued() if run.immediate or run.job or not store.paused]
    return bool(waiting or store.active())


def _processes(run: Run) -> int:
    wanted = run.backend_settings.get("processes", 2)
    return max(1, int(wanted)) if isinstance(wanted, (int, float, str)) else 2


def _variables(home: Path) -> dict[str, str]:
    package = str(Path(__file__).parents[2])
    path = os.environ.get("PYTHONPATH")
    return {
        "DISTMAT_HOME": str(home),
        # Also where the package isn't installed, whatever the folder.
        "PYTHONPATH": f"{package}{os.pathsep}{path}" if path else package,
        "PYTHONUNBUFFERED": "1",
    }


if __name__ == "__main__":
    sys.exit(main(*map(float, sys.argv[1:2])))
