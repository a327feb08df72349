"""Runs as jobs of a Slurm cluster, by submitit (the extra 'slurm').

The scheduler submits and watches; the job starts the worker on its node as a process of its own,
so that it can wait for a checkpoint when Slurm wants the node back, and asks to be started again.
"""

import contextlib
import dataclasses
import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterable
from typing import Any

from distmat.documents import parse_json
from distmat.errors import RunError
from distmat.jobs import processes
from distmat.jobs.hardware import out_of_memory_kills
from distmat.jobs.processes import ProcessIdentity
from distmat.jobs.states import ACTIVE, State
from distmat.runs.journal import FILE, Journal
from distmat.runs.run import Run
from distmat.runs.store import RunStore

SUBMITTING = "?"
"""In place of a job's number until Slurm has said it."""

GRACE = 80.0
"""Seconds for a checkpoint when the node is wanted back; Slurm is asked for ten more."""

STOP = signal.SIGUSR1
"""Tells a job that a person wants its run to stop."""

SETTINGS: dict[str, str] = {
    "partition": "slurm_partition",
    "account": "slurm_account",
    "qos": "slurm_qos",
    "constraint": "slurm_constraint",
    "nodes": "nodes",
    "gpus": "gpus_per_node",
    "processors": "cpus_per_task",
    "memory": "slurm_mem",
    "minutes": "timeout_min",
}
"""What `backend_settings` of such a run may hold, and what submitit calls it; and besides
``requeues`` (how often a job that ran out of time may start again) and ``processes`` (on each
node; by default as many as GPUs)."""


class ClusterJob:
    """What runs on a node: it starts the worker and stays with it to its end.

    Parameters
    ----------
    run : Run
        As it was when it was submitted.
    """

    def __init__(self, run: Run) -> None:
        self.run = run
        self.process: ProcessIdentity | None = None

    def __call__(self) -> str:
        """The job's work; submitit calls it, again after each requeue."""
        first = int(os.environ.get("SLURM_PROCID", "0")) == 0
        if _last_state(self.run) == State.FINISHED:
            return "finished before"
        restarts = int(os.environ.get("SLURM_RESTART_COUNT", "0"))
        run = _with_attempt(self.run, self.run.attempt + 1 + restarts)
        journal = Journal(run)
        if first:
            if restarts:
                # If the node was lost without a word.
                journal.requeue(run.id)
            journal.change_state(run.id, State.STARTING)
            dataclasses.replace(run, state=State.STARTING).to_file(run.folder / "job.json")
        kills = out_of_memory_kills()
        # Slurm signals all processes of a job; what these two mean, this one alone decides.
        warned = signal.signal(signal.SIGUSR2, signal.SIG_IGN)
        signal.signal(STOP, signal.SIG_IGN)
        self.process = processes.start(_command(run), run.log, _surroundings(run))
        signal.signal(signal.SIGUSR2, warned)
        for number in (STOP, signal.SIGTERM):
            signal.signal(number, self._pass_on)
        while processes.is_running(self.process):
            time.sleep(0.2)
        code = processes.final_code(self.process)
        if first:
            now = out_of_memory_kills()
            _bury(journal, run, code, None if now is None or kills is None else now - kills)
        return f"ended with {code}"

    def checkpoint(self) -> Any:
        """Slurm wants the node back: stop with a checkpoint, and be started again."""
        import submitit

        if self.process is not None:
            self._pass_on()
            deadline = time.monotonic() + GRACE
            while processes.is_running(self.process) and time.monotonic() < deadline:
                time.sleep(0.1)
            processes.kill(self.process)
        Journal(self.run).requeue(self.run.id)
        job = ClusterJob(self.run)
        return submitit.helpers.DelayedSubmission(job)

    def _pass_on(self, *_: object) -> None:
        # Of several processes the first tells the others; torchrun would give them 30 seconds.
        first = _worker(self.run)
        if first is not None and processes.is_running(first):
            processes.ask_to_stop(first)
        elif self.process is not None:
            processes.ask_to_stop(self.process)


def submit(store: RunStore, run: Run) -> None:
    """Hand a run to the cluster; it stays queued, with the number that Slurm gave it.

    Raises
    ------
    RunError
        If submitit or Slurm isn't there, or Slurm doesn't want it.
    """
    try:
        import submitit
    except ImportError:
        raise RunError(
            "Runs on a cluster need submitit; run pip install 'distmat[slurm]'."
        ) from None
    if shutil.which("sbatch") is None:
        raise RunError("There is no Slurm here (no sbatch on the PATH); set the backend to local.")
    store.set_job(run.id, SUBMITTING)
    executor = submitit.AutoExecutor(
        folder=run.folder / "slurm",
        cluster="slurm",
        slurm_max_num_timeout=int(str(run.backend_settings.get("requeues", 10))),
    )
    executor.update_parameters(**_parameters(run))
    try:
        job = executor.submit(ClusterJob(run))
    except submitit.core.utils.FailedJobError as error:
        reason = " ".join(str(error).split())[-500:]
        raise RunError(f"Slurm didn't take {run.id}: {reason}") from None
    store.set_job(run.id, str(job.job_id))


def jobs(numbers: Iterable[str]) -> dict[str, str] | None:
    """The state of each job that Slurm still knows, such as PENDING; None if it doesn't answer."""
    wanted = sorted(set(numbers))
    if not wanted:
        return {}
    answer = _ask("squeue", "--noheader", "--format=%i %T", "--jobs", ",".join(wanted))
    if answer is None:
        return None
    return dict(line.split(maxsplit=1) for line in answer.splitlines() if line.strip())


def find_job(run: Run) -> str | None:
    """The number of a run's job, if it was submitted by someone who died right after."""
    answer = _ask("squeue", "--noheader", "--format=%i", "--name", run.id)
    return answer.split()[0] if answer and answer.split() else None


def ask_to_stop(run: Run) -> None:
    """Let a job's run write a checkpoint and end."""
    if run.job and run.job != SUBMITTING:
        _ask("scancel", f"--signal={STOP.name.removeprefix('SIG')}", run.job)


def cancel(run: Run) -> None:
    """Take a job from the cluster, whatever it is doing."""
    if run.job and run.job != SUBMITTING:
        _ask("scancel", run.job)


def _ask(*command: str) -> str | None:
    try:
        answer = subprocess.run(  # noqa: S603  (Slurm's own programs, numbers as arguments)
            command, capture_output=True, text=True, timeout=30, check=False
        )
    except (OSError, subprocess.SubprocessError):
        return None
    if answer.returncode and "Invalid job id" in answer.stderr:
        return ""
    return None if answer.returncode else answer.stdout


def _parameters(run: Run) -> dict[str, Any]:
    known = {**SETTINGS, "requeues": "", "processes": "", "accept_changed_data": ""}
    for name in run.backend_settings:
        if name not in known:
            raise RunError(f"Slurm has no setting '{name}'; there are {', '.join(known)}.")
    chosen = {SETTINGS[k]: v for k, v in run.backend_settings.items() if k in SETTINGS}
    return {
        "name": run.id,
        "tasks_per_node": 1,
        "timeout_min": 24 * 60,
        "slurm_signal_delay_s": int(GRACE) + 10,
        **chosen,
    }


def _command(run: Run) -> list[str]:
    from distmat.runs.scheduler import torchrun, worker_command

    nodes = int(os.environ.get("SLURM_NNODES", "1"))
    gpus = run.backend_settings.get("gpus", 0)
    processes = int(str(run.backend_settings.get("processes") or gpus or 1))
    if nodes * processes == 1:
        return worker_command(run)
    if nodes == 1:
        return torchrun(run, ["--standalone", f"--nproc-per-node={processes}"])
    import submitit

    return torchrun(
        run,
        [
            f"--nnodes={nodes}",
            f"--node-rank={os.environ['SLURM_NODEID']}",
            f"--nproc-per-node={processes}",
            f"--master-addr={submitit.JobEnvironment().hostnames[0]}",
            # The same on all nodes, and another for each job.
            f"--master-port={20_000 + int(os.environ['SLURM_JOB_ID']) % 20_000}",
        ],
    )


def _surroundings(run: Run) -> dict[str, str]:
    from distmat.runs.scheduler import surroundings

    return {**surroundings(run, []), "DISTMAT_JOB": str(run.folder / "job.json")}


def _bury(journal: Journal, run: Run, code: int | None, kills: int | None) -> None:
    """Tell the end of a worker that couldn't do so itself."""
    from distmat.jobs.exit_reason import classify_exit

    if _last_state(run) not in ACTIVE:
        return
    kind, cause = classify_exit(run.log, code, kills)
    journal.change_state(run.id, State.CRASHED, cause=cause, kind=kind)


def _last_state(run: Run) -> State | None:
    """The newest state in the run's journal."""
    last = None
    try:
        with (run.folder / FILE).open(encoding="utf-8") as file:
            for line in file:
                if line.startswith('{"what": "state"'):
                    last = State(parse_json(line)["state"])
                elif line.startswith('{"what": "requeue"'):
                    last = State.QUEUED
    except FileNotFoundError:
        pass
    return last


def _worker(run: Run) -> ProcessIdentity | None:
    """The process that said last that it is the run."""
    found = None
    with contextlib.suppress(FileNotFoundError), (run.folder / FILE).open() as file:
        for line in file:
            if line.startswith('{"what": "attach"'):
                entry = parse_json(line)
                found = ProcessIdentity(entry["pid"], entry["created"])
    return found


def _with_attempt(run: Run, attempt: int) -> Run:
    return dataclasses.replace(run, attempt=attempt, host=socket.gethostname())
