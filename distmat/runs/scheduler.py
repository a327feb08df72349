"""The process that starts what waits and notes what has died: `python -m distmat.runs.scheduler`.

There is one in each workspace while there is something to do, held by a lock; it needs no
browser and no server, and ends by itself. Whoever launches or looks starts it when needed.
"""

import os
import sys
import threading
import time
from pathlib import Path

from distmat.errors import DistmatError
from distmat.runs import launcher, webhook
from distmat.runs.ending import explain_death
from distmat.runs.hardware import gpus, out_of_memory_kills
from distmat.runs.launcher import ProcessIdentity
from distmat.runs.lock import ProcessLock
from distmat.runs.run import ACTIVE, Cause, Run, State
from distmat.runs.store import RunStore

LOCK = "scheduler.lock"
LOG = "scheduler.log"

TICK = 0.25
"""Seconds between two looks."""

IDLE = 10.0
"""Seconds without anything to do, after which it ends."""

PATIENCE = 15.0
"""Seconds in which a process that was started says that it is there."""

_POLITE = (-1, -2, -15)
"""Hang-up, interrupt, terminate: somebody wanted it to end, before it could listen."""

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

    def tick(self) -> bool:
        """One look at everything; returns whether anything is left to do."""
        for run in self.store.active():
            self._watch(run)
        self._start_next()
        self._notify()
        waiting = [run for run in self.store.queued() if run.immediate or not self.store.paused]
        return bool(waiting or self.store.active() or self.store.to_notify() or self._posting)

    # What runs

    def _watch(self, run: Run) -> None:
        if run.process is None:
            if time.time() - (run.attempt_started or 0) > PATIENCE:
                requeue_if_absent(self.store, run)
        elif not launcher.is_running(run.process):
            self._bury(run, run.process)
        elif run.kill_at is not None and time.time() > run.kill_at:
            launcher.kill(run.process)

    def _bury(self, run: Run, process: ProcessIdentity) -> None:
        started = self.started.get(run.id, process)
        before, now = self.kills.get(run.id), out_of_memory_kills()
        kills = now - before if now is not None and before is not None else None
        bury(self.store, run, _exit_code(started), kills)
        for identity in {started, process}:
            launcher.kill(identity)

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
            if paused and not run.immediate:
                continue
            kind, count = self._needs(run)
            free = [device for device in self._devices(kind) if device not in taken]
            if run.immediate:
                free += [device for device in self._devices(kind) if device not in free]
            if kind in full or len(free) < count or _is_leaving(run):
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
        if not self.store.change_state(
            run.id, State.STARTING, only_from=[State.QUEUED], devices=devices
        ):
            return False
        run = self.store.get(run.id)
        self.kills[run.id] = out_of_memory_kills()
        try:
            run.config  # noqa: B018  (says what is wrong with it)
            process = launcher.start(command(run), run.log, surroundings(run, devices))
        except DistmatError as error:
            self.store.change_state(run.id, State.FAILED, cause=str(error), kind=Cause.INPUT)
            return False
        self.started[run.id] = process
        self.store.attach(run.id, process, os.uname().nodename, if_unknown=True)
        return True

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
    """The program of a run's process."""
    module = ["-m", "distmat.runs.worker", run.id]
    if run.backend != "torchrun":
        return [sys.executable, *module]
    return [
        sys.executable,
        "-m",
        "torch.distributed.run",
        "--standalone",
        f"--nproc-per-node={_processes(run)}",
        *module,
    ]


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
    kind, cause = explain_death(run, code, memory_kills)
    store.change_state(run.id, State.CRASHED, only_from=ACTIVE, cause=cause, kind=kind)


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
    if not is_scheduling(home):
        arguments = [sys.executable, "-m", "distmat.runs.scheduler", str(IDLE)]
        launcher.start(arguments, home / LOG, _variables(home))


def main(idle: float = IDLE) -> int:
    """Do what there is to do until nothing has been left for a while."""
    with RunStore() as store:
        lock = ProcessLock(store.home / LOCK)
        # Somebody may just be looking whether it is held.
        while lock.take(patience=1.0):
            _work(Scheduler(store), idle)
            lock.release()
            # What came while we left, whose sender still saw us there.
            if not _has_work(store):
                return 0
    return 0


def _work(scheduler: Scheduler, idle: float) -> None:
    since = time.monotonic()
    while time.monotonic() - since < idle:
        if scheduler.tick():
            since = time.monotonic()
        time.sleep(TICK)


def _has_work(store: RunStore) -> bool:
    queued = store.queued()
    return bool(store.active() or any(run.immediate or not store.paused for run in queued))


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


def _exit_code(process: ProcessIdentity) -> int | None:
    # The thread that waits for the child may be a moment behind.
    for _ in range(50):
        code = launcher.exit_code(process)
        if code is not None or not launcher.is_child(process):
            return code
        time.sleep(0.02)
    return None


if __name__ == "__main__":
    sys.exit(main(*map(float, sys.argv[1:2])))
