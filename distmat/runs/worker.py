"""The process of one run: `python -m distmat.runs.worker RUN_ID`.

It trains, tells the store what happens, and writes its own end there. Under torchrun every
process runs this module, and the first one alone tells.
"""

import contextlib
import ctypes
import faulthandler
import json
import os
import signal
import socket
import sys
import traceback
from pathlib import Path
from types import FrameType
from typing import Any

from distmat.jobs.exit_reason import classify_error
from distmat.jobs.hardware import Sampler
from distmat.jobs.lock import ProcessLock
from distmat.jobs.processes import identify
from distmat.jobs.states import ACTIVE, Cause, State
from distmat.runs.journal import Journal
from distmat.runs.provenance import environment
from distmat.runs.run import Run
from distmat.runs.store import RunStore
from distmat.workspace import replace_file

BALLAST = 2**20
"""Bytes kept free for the last words of a run whose disk is full."""

EVALUATION_FILE = "evaluation.json"
"""Scores of the final weights, in the run's folder."""


class Stopped(BaseException):
    """SIGTERM came while no step was being made."""


class StoreObserver:
    """Tells the store what the trainer tells."""

    def __init__(self, store: "RunStore | Journal", run: Run) -> None:
        self.store, self.run = store, run

    def started(self, facts: dict) -> None:
        """The first step is next: the store forgets what the run will do again."""
        self.store.rewind(self.run.id, int(facts.get("first_step", 0)))
        self.store.begin(self.run.id, facts, facts.get("total_steps"))
        self.store.change_state(self.run.id, State.RUNNING, only_from=[State.STARTING])

    def logged(self, step: int, epoch: float, metrics: dict[str, float]) -> None:
        """Metrics of a step."""
        self.store.log(self.run.id, step, epoch, metrics)

    def checkpoint(self, step: int, folder: Path) -> None:
        """A whole checkpoint."""
        self.store.checkpoint(self.run.id, step, folder)

    def said(self, text: str) -> None:
        """A sentence."""
        self.store.say(self.run.id, text)


def main(run_id: str) -> int:
    """Train the run; returns the exit code."""
    signal.signal(signal.SIGTERM, _stop)
    signal.signal(signal.SIGINT, _stop)
    faulthandler.enable()
    _die_with_parent()
    job = os.environ.get("DISTMAT_JOB")
    if job:
        # On a cluster the store is left to the machine that has it.
        run = Run.from_file(Path(job))
        return _take_part(Journal(run), run)
    with RunStore() as store:
        return _take_part(store, store.get(run_id))


def _take_part(store: "RunStore | Journal", run: Run) -> int:
    _enter(run.directory)
    return _follow(run) if int(os.environ.get("RANK", "0")) else _lead(store, run)


def _lead(store: "RunStore | Journal", run: Run) -> int:
    """The only process, or the first of several."""
    lock = ProcessLock(run.folder / ".lock")
    # Whoever came first is the run; its state is none of our business then.
    if not lock.take(patience=2.0) or store.get(run.id).state not in ACTIVE:
        return 0
    ballast = run.folder / ".ballast"
    try:
        ballast.write_bytes(os.urandom(BALLAST))
        me = identify()
        if me is not None:
            store.attach(run.id, me, socket.gethostname())
        store.describe(run.id, environment(Path(run.directory)))
        gpu = _first_gpu(run)
        with Sampler(lambda values: store.log_hardware(run.id, values), gpu):
            result = _train(run, StoreObserver(store, run))
            _be_deaf()
    except Stopped:
        return _end_stopped(store, run)
    except BaseException as error:
        ballast.unlink(missing_ok=True)
        return _end_failed(store, run, error)
    finally:
        ballast.unlink(missing_ok=True)
    if result is None:
        return _end_stopped(store, run)
    with replace_file(run.folder / EVALUATION_FILE, "w") as file:
        json.dump(result.as_dict(per_chain=True), file, indent=2)
    store.change_state(run.id, State.FINISHED, only_from=ACTIVE, kind=Cause.DONE)
    return 0


def _follow(run: Run) -> int:
    """One of several processes, not the first: it computes and says nothing."""
    try:
        _train(run, None)
    except Stopped:
        return 0
    return 0


def _train(run: Run, observer: StoreObserver | None) -> Any:
    from distmat.training.run_folder import checkpoints
    from distmat.training.trainer import train

    def say(text: str) -> None:
        if observer is not None:
            print(text, flush=True)

    return train(
        run.config,
        resume=run.attempt > 1 and bool(checkpoints(run.folder)),
        progress=say,
        observer=observer,
        accept_changed_data=bool(run.backend_settings.get("accept_changed_data")),
    )


def _end_stopped(store: "RunStore | Journal", run: Run) -> int:
    _be_deaf()
    from distmat.training.run_folder import checkpoints

    there = checkpoints(run.folder)
    onward = f"resuming goes on from checkpoint-{max(there)}" if there else "resuming starts anew"
    asked = store.get(run.id).stop_asked is not None
    cause = f"{'Stopped' if asked else 'Stopped by a signal from outside'}; {onward}."
    kind = Cause.ASKED if asked else Cause.SIGNAL
    store.change_state(run.id, State.STOPPED, only_from=ACTIVE, cause=cause, kind=kind)
    return 0


def _end_failed(store: "RunStore | Journal", run: Run, error: BaseException) -> int:
    _be_deaf()
    kind, cause = classify_error(error, run.folder)
    if kind in (Cause.BUG, Cause.OUT_OF_MEMORY):
        traceback.print_exc()
    else:
        print(cause, file=sys.stderr, flush=True)
    if kind == Cause.DISK_FULL:
        _make_room(run)
    store.change_state(run.id, State.FAILED, only_from=ACTIVE, cause=cause, kind=kind)
    return 1


def _make_room(run: Run) -> None:
    """Delete what the full disk left half-written."""
    from distmat.training.run_folder import clean

    with contextlib.suppress(OSError):
        clean(run.folder)


def _stop(number: int, frame: FrameType | None) -> None:
    # Once is enough: a second signal mustn't disturb what the first one began.
    _be_deaf()
    raise Stopped


def _be_deaf() -> None:
    """Nobody interrupts the last words."""
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, signal.SIG_IGN)


def _enter(directory: str) -> None:
    with contextlib.suppress(OSError):
        os.chdir(directory)


def _first_gpu(run: Run) -> int | None:
    numbers = [device.partition(":")[2] for device in run.devices if device.startswith("cuda:")]
    return int(numbers[0]) if numbers else None


def _die_with_parent() -> None:
    """If torchrun is killed, its processes stop too, with a checkpoint."""
    if "TORCHELASTIC_RUN_ID" in os.environ and sys.platform == "linux":
        set_parent_death_signal = 1
        ctypes.CDLL(None).prctl(set_parent_death_signal, signal.SIGTERM)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
