"""The process of one job: `python -m distmat.jobs.worker JOB_ID`.

It does the job's work, tells a recorder what happens, and writes its own end there. Under torchrun
every process runs this module, and the first one alone tells.
"""

import contextlib
import ctypes
import faulthandler
import os
import signal
import socket
import sys
import traceback
from pathlib import Path
from types import FrameType

from distmat.jobs.exit_reason import classify_error
from distmat.jobs.hardware import Sampler
from distmat.jobs.job import RECORD, Job
from distmat.jobs.journal import Journal, JournaledRecorder
from distmat.jobs.kinds import kind_of
from distmat.jobs.lock import ProcessLock
from distmat.jobs.processes import identify
from distmat.jobs.provenance import environment
from distmat.jobs.reaper import LOCK
from distmat.jobs.recorder import Recorder
from distmat.jobs.states import ACTIVE, Cause, State
from distmat.jobs.store import JobStore

BALLAST = 2**20
"""Bytes kept free for the last words of a job whose disk is full."""


class Stopped(BaseException):
    """SIGTERM came, and the work didn't see to it itself."""


def main(job_id: str) -> int:
    """Do the job; returns the exit code."""
    signal.signal(signal.SIGTERM, _stop)
    signal.signal(signal.SIGINT, _stop)
    faulthandler.enable()
    _die_with_parent()
    if _on_cluster():
        # There the store is left to the machine that has it.
        job = Job.from_file(Path(os.environ["DISTMAT_JOB"]))
        return _take_part(job, Journal(job))
    with JobStore() as store:
        job = store.get(job_id)
        return _take_part(job, JournaledRecorder(store, job))


def _on_cluster() -> bool:
    return bool(os.environ.get("DISTMAT_JOB"))


def _take_part(job: Job, recorder: Recorder) -> int:
    with contextlib.suppress(OSError):
        os.chdir(job.directory)
    other_rank = int(os.environ.get("RANK", "0")) > 0
    return _run_other_rank(job) if other_rank else _run_rank0(job, recorder)


def _run_rank0(job: Job, recorder: Recorder) -> int:
    """The only process, or the first of several."""
    lock = ProcessLock(job.folder / LOCK)
    # Whoever came first is the job; its state is none of our business then.
    if not lock.take(patience=2.0) or recorder.get().state not in ACTIVE:
        return 0
    ballast = job.folder / ".ballast"
    try:
        ballast.write_bytes(os.urandom(BALLAST))
        if not _on_cluster():
            # The cluster's own was written where the job was handed over.
            recorder.get().to_file(job.folder / RECORD)
        me = identify()
        if me is not None:
            recorder.attach(me, socket.gethostname())
        recorder.describe(environment(Path(job.directory)))
        with Sampler(recorder.log_hardware, _first_gpu(job)):
            done = kind_of(job.kind).work(job, recorder)
            _ignore_signals()
    except Stopped:
        done = False
    # Nothing is hidden: the job's log gets the traceback, and the job ends as failed.
    except BaseException as error:
        ballast.unlink(missing_ok=True)
        return _end_as_failed(job, recorder, error)
    finally:
        ballast.unlink(missing_ok=True)
    if not done:
        return _end_as_stopped(job, recorder)
    recorder.change_state(State.FINISHED, only_from=ACTIVE, kind=Cause.DONE)
    return 0


def _run_other_rank(job: Job) -> int:
    """One of several processes, not the first: it computes and says nothing."""
    with contextlib.suppress(Stopped):
        kind_of(job.kind).work(job, None)
    return 0


def _end_as_stopped(job: Job, recorder: Recorder) -> int:
    _ignore_signals()
    asked = recorder.get().stop_asked is not None
    onward = kind_of(job.kind).onward(job)
    cause = f"{'Stopped' if asked else 'Stopped by a signal from outside'}; resuming {onward}."
    kind = Cause.ASKED if asked else Cause.SIGNAL
    recorder.change_state(State.STOPPED, only_from=ACTIVE, cause=cause, kind=kind)
    return 0


def _end_as_failed(job: Job, recorder: Recorder, error: BaseException) -> int:
    _ignore_signals()
    kind, cause = classify_error(error, job.folder, kind_of(job.kind).advice)
    if kind in (Cause.BUG, Cause.OUT_OF_MEMORY):
        traceback.print_exc()
    else:
        print(cause, file=sys.stderr, flush=True)
    recorder.change_state(State.FAILED, only_from=ACTIVE, cause=cause, kind=kind)
    return 1


def _stop(number: int, frame: FrameType | None) -> None:
    # Once is enough: a second signal mustn't disturb what the first one began.
    _ignore_signals()
    raise Stopped


def _ignore_signals() -> None:
    """Nobody interrupts the last words."""
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, signal.SIG_IGN)


def _first_gpu(job: Job) -> int | None:
    numbers = [device.partition(":")[2] for device in job.devices if device.startswith("cuda:")]
    return int(numbers[0]) if numbers else None


def _die_with_parent() -> None:
    """If torchrun is killed, its processes stop too, with a checkpoint."""
    if "TORCHELASTIC_RUN_ID" in os.environ and sys.platform == "linux":
        set_parent_death_signal = 1
        ctypes.CDLL(None).prctl(set_parent_death_signal, signal.SIGTERM)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
