"""Jobs of a Slurm cluster, by submitit (the extra 'slurm').

The scheduler submits and watches; the job starts the worker on its node as a process of its own,
so that it can wait for a checkpoint when Slurm wants the node back, and asks to be started again.
"""

import contextlib
import dataclasses
import math
import os
import pickle
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterable, Sequence
from typing import Any

from distmat.errors import RunError
from distmat.jobs import processes
from distmat.jobs.backends.backend import PATIENCE, Backend, Field, Patience
from distmat.jobs.commands import process_env, torchrun_command, worker_command
from distmat.jobs.exit_reason import classify_exit
from distmat.jobs.hardware import out_of_memory_kills
from distmat.jobs.job import RECORD, Job
from distmat.jobs.journal import Journal, last_process, last_state, replay
from distmat.jobs.kinds import kind_of
from distmat.jobs.processes import ProcessIdentity
from distmat.jobs.reaper import mark_gone
from distmat.jobs.states import ACTIVE, State
from distmat.jobs.store import Store
from distmat.workspace import replace_file

SUBMITTING = "?"
"""Begins what stands for a job's number until Slurm has said it: ``?NAME``, the name under which it
is submitted, or ``?NAME/TASK`` of the tasks of an array."""

FOLDER = "slurm"
"""In a job's folder: what submitit writes, for an array in that of its first job."""

_AGAIN = (
    "An earlier scheduler died while it handed this to Slurm, whose queue has no such job, and "
    "nothing tells that it began; it is handed over again."
)

GRACE = 80.0
"""Seconds for a checkpoint when the node is wanted back; Slurm is asked for ten more."""

STOP = signal.SIGUSR1
"""Tells a job that a person wants it to stop."""

TICK = 2.0
"""Seconds between two questions to Slurm."""

LIVING = frozenset(
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


class Slurm(Backend):
    """Jobs of a cluster."""

    name = "slurm"
    summary = "a cluster's queue"
    fields = (
        Field("partition", "Partition", ""),
        Field("gpus", "GPUs", 1, 0, 64),
        Field("nodes", "Nodes", 1, 1, 64),
        Field("minutes", "Minutes", 240, 1, 100_000),
    )

    def __init__(self) -> None:
        self._missed: dict[str, float] = {}
        self._seen: dict[str, float] = {}
        self._asked = -math.inf
        self.patience = Patience()

    def count_devices(self, job: Job) -> int:
        """None of this machine."""
        return 0

    def start(self, store: Store[Any], job: Job, devices: Sequence[str]) -> bool:
        """Hand a job to the cluster; it stays queued, with the number that Slurm gave it.

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
            raise RunError(
                "There is no Slurm here (no sbatch on the PATH); set the backend to local."
            )
        if store.get(job.id).job:
            # A moment ago, as a task of the array of one before it.
            return True
        executor = submitit.AutoExecutor(
            folder=job.folder / FOLDER, cluster="slurm", slurm_max_num_timeout=_requeues(job)
        )
        executor.update_parameters(**_parameters(job))
        together = _same_array(store, job)
        mark = f"{SUBMITTING}{job.id}"
        tasks = [mark] if len(together) == 1 else [f"{mark}/{k}" for k in range(len(together))]
        _set_jobs(store, together, tasks)
        try:
            with executor.batch() if len(together) > 1 else contextlib.nullcontext():
                submitted = [executor.submit(ClusterJob(one)) for one in together]
        except submitit.core.utils.FailedJobError as error:
            if _find_number(store.get(job.id)):
                # It was taken, and only the answer was lost: found again as after our death.
                return True
            _set_jobs(store, together[1:], [""] * len(together[1:]))
            reason = " ".join(str(error).split())[-500:]
            raise RunError(f"Slurm didn't take {job.id}: {reason}") from None
        _set_jobs(store, together, [str(taken.job_id) for taken in submitted])
        for one in together:
            # A person may have stopped it when it had no number yet.
            if (now := store.get(one.id)).has_ended:
                self.kill(now)
        return True

    def watch(self, store: Store[Any], jobs: Sequence[Job]) -> None:
        """Read what they tell, and ask Slurm now and then whether they are still there."""
        submitted = [job for job in jobs if job.job]
        # Who is stopped by the cluster says so, and a moment later that it will start again.
        for job in [*submitted, *self._just_ended(store, submitted)]:
            while replay(store, job):
                pass
        if not submitted or time.monotonic() - self._asked < TICK:
            return
        self._asked = time.monotonic()
        there = ask_states(job.job for job in submitted if has_number(job))
        if there is not None:
            for job in submitted:
                self._watch(store, store.get(job.id), there)

    def _just_ended(self, store: Store[Any], submitted: Sequence[Job]) -> list[Job]:
        now, ended = time.monotonic(), []
        self._seen |= {job.id: now for job in submitted}
        for job_id in self._seen.keys() - {job.id for job in submitted}:
            if now - self._seen[job_id] > PATIENCE:
                del self._seen[job_id]
                continue
            # It may have been deleted.
            with contextlib.suppress(RunError):
                job = store.get(job_id)
                if job.job:
                    ended.append(job)
        return ended

    def _watch(self, store: Store[Any], job: Job, there: dict[str, str]) -> None:
        if job.has_ended:
            return
        if not has_number(job):
            self._take_over(store, job)
        elif there.get(job.job, "") in LIVING:
            self._missed.pop(job.id, None)
            if self.patience.is_over(job):
                self.kill(job)
        elif time.monotonic() - self._missed.setdefault(job.id, time.monotonic()) > PATIENCE:
            mark_gone(store, job)

    def _take_over(self, store: Store[Any], job: Job) -> None:
        """Go on where an earlier scheduler died: nobody else submits, and we wait for the answer.

        What Slurm has taken is known by its name, and does nothing before its work is there; so
        what was not yet taken, or taken without its work, can be handed over without being done
        twice. Whatever has begun has said so in its journal, which was read before.
        """
        number = _find_number(job)
        if number is None:
            # Slurm doesn't answer.
            return
        if number:
            self._missed.pop(job.id, None)
            _give_work(job, number)
            store.set_job(job.id, number)
        elif time.monotonic() - self._missed.setdefault(job.id, time.monotonic()) > PATIENCE:
            # It isn't on its way any more: sbatch outlives whoever called it.
            del self._missed[job.id]
            if job.active:
                mark_gone(store, dataclasses.replace(job, job=_submitted_name(job)[0]))
                return
            store.say(job.id, _AGAIN, kind="note")
            store.set_job(job.id, "")

    def is_alive(self, job: Job) -> bool | None:
        """Nobody knows from here; the scheduler asks Slurm."""
        return None

    def ask_to_stop(self, job: Job) -> None:
        """By a signal that the job passes on."""
        if number := _number(job):
            _ask("scancel", f"--signal={STOP.name.removeprefix('SIG')}", number)

    def kill(self, job: Job) -> None:
        """Take it from the cluster."""
        if number := _number(job):
            _ask("scancel", number)


class ClusterJob:
    """What runs on a node: it starts the worker and stays with it to its end.

    Parameters
    ----------
    job : Job
        As it was when it was submitted.
    """

    def __init__(self, job: Job) -> None:
        self.job = job
        self.process: ProcessIdentity | None = None

    def __call__(self) -> str:
        """The job's work; submitit calls it, again after each requeue."""
        # Of an array's tasks only the first has its folder already.
        self.job.folder.mkdir(parents=True, exist_ok=True)
        first = int(os.environ.get("SLURM_PROCID", "0")) == 0
        if last_state(self.job) == State.FINISHED:
            return "finished before"
        restarts = int(os.environ.get("SLURM_RESTART_COUNT", "0"))
        job = dataclasses.replace(
            self.job, attempt=self.job.attempt + 1 + restarts, host=socket.gethostname()
        )
        journal = Journal(job)
        if first:
            if restarts:
                # If the node was lost without a word.
                journal.requeue()
            journal.change_state(State.STARTING)
            dataclasses.replace(job, state=State.STARTING).to_file(job.folder / RECORD)
        kills = out_of_memory_kills()
        # Slurm signals all processes of a job; what these two mean, this one alone decides.
        warned = signal.signal(signal.SIGUSR2, signal.SIG_IGN)
        signal.signal(STOP, signal.SIG_IGN)
        self.process = processes.start(_command(job), job.log, _env(job))
        signal.signal(signal.SIGUSR2, warned)
        for number in (STOP, signal.SIGTERM):
            signal.signal(number, self._pass_on)
        while processes.is_running(self.process):
            time.sleep(0.2)
        code = processes.final_code(self.process)
        if first:
            now = out_of_memory_kills()
            _mark_dead(journal, job, code, None if now is None or kills is None else now - kills)
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
        Journal(self.job).requeue()
        return submitit.helpers.DelayedSubmission(ClusterJob(self.job))

    def _pass_on(self, *_: object) -> None:
        # Of several processes the first tells the others; torchrun would give them 30 seconds.
        first = last_process(self.job)
        if first is not None and processes.is_running(first):
            processes.ask_to_stop(first)
        elif self.process is not None:
            processes.ask_to_stop(self.process)


def ask_states(numbers: Iterable[str]) -> dict[str, str] | None:
    """The state of each job that Slurm still knows, such as PENDING; None if it doesn't answer."""
    wanted = sorted(set(numbers))
    if not wanted:
        return {}
    answer = _ask("squeue", "--noheader", "--array", "--format=%i %T", "--jobs", ",".join(wanted))
    if answer is None:
        return None
    return dict(line.split(maxsplit=1) for line in answer.splitlines() if line.strip())


def _same_array(store: Store[Any], job: Job) -> list[Job]:
    """The job and those that share its work and wait as it does, who are submitted as one array."""
    if int(str(job.settings.get("parts", 1))) == 1 or job.attempt:
        return [job]

    def work(one: Job) -> object:
        shared = {name: value for name, value in one.settings.items() if name != "part"}
        return one.kind, shared, one.backend, one.backend_settings, one.immediate, one.attempt

    # What is shared names the folder of the results, which no other work has.
    waiting = [one for one in store.list_queued() if not one.job and work(one) == work(job)]
    return [job, *(one for one in waiting if one.id != job.id)]


def has_number(job: Job) -> bool:
    """Whether Slurm has said under which number the job is, such as 17, or 17_2 in an array."""
    return bool(job.job) and not job.job.startswith(SUBMITTING)


def _set_jobs(store: Store[Any], jobs: Sequence[Job], numbers: Sequence[str]) -> None:
    """Note what the jobs are at the cluster, of all of them or, if we die, of none."""
    with store.together():
        for job, number in zip(jobs, numbers, strict=True):
            store.set_job(job.id, number)


def _submitted_name(job: Job) -> tuple[str, str]:
    """The name under which a job without a number is submitted, and its task or nothing."""
    name, _, task = job.job.removeprefix(SUBMITTING).partition("/")
    return name or job.id, task


def _find_number(job: Job) -> str | None:
    """The number of a job that was submitted; empty if there is none, None without an answer."""
    name, task = _submitted_name(job)
    answer = _ask("squeue", "--noheader", "--array", "--format=%i %T", "--name", name)
    if answer is None:
        return None
    # One that is ending is that of an earlier attempt, or tells its end by its journal.
    told = (line.split(maxsplit=1) for line in answer.splitlines() if line.strip())
    numbers = [n for n, state in told if n.partition("_")[2] == task and state != "COMPLETING"]
    return max(numbers, key=lambda number: int(number.partition("_")[0]), default="")


def _number(job: Job) -> str | None:
    """The number by which the cluster knows a job, whether or not it is noted yet."""
    return job.job if has_number(job) else _find_number(job)


def _give_work(job: Job, number: str) -> None:
    """Put a job's work where its job at the cluster waits for it, unless it is there."""
    from submitit.core.utils import DelayedSubmission, JobPaths

    name, _ = _submitted_name(job)
    place = JobPaths(job.folder.with_name(name) / FOLDER, number).submitted_pickle
    if place.exists():
        return
    work = DelayedSubmission(ClusterJob(job))
    work.set_timeout(int(str(_parameters(job)["timeout_min"])), _requeues(job))
    with replace_file(place) as file:
        pickle.dump(work, file)


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


def _requeues(job: Job) -> int:
    return int(str(job.backend_settings.get("requeues", 10)))


def _parameters(job: Job) -> dict[str, Any]:
    known = {**SETTINGS, "requeues": "", "processes": "", "accept_changed_data": ""}
    for name in job.backend_settings:
        if name not in known:
            raise RunError(f"Slurm has no setting '{name}'; there are {', '.join(known)}.")
    chosen = {SETTINGS[k]: v for k, v in job.backend_settings.items() if k in SETTINGS}
    return {
        "name": job.id,
        "tasks_per_node": 1,
        "timeout_min": 24 * 60,
        "slurm_signal_delay_s": int(GRACE) + 10,
        **chosen,
    }


def _command(job: Job) -> list[str]:
    nodes = int(os.environ.get("SLURM_NNODES", "1"))
    gpus = job.backend_settings.get("gpus", 0)
    processes = int(str(job.backend_settings.get("processes") or gpus or 1))
    if nodes * processes == 1:
        return worker_command(job)
    if nodes == 1:
        return torchrun_command(job, ["--standalone", f"--nproc-per-node={processes}"])
    import submitit

    return torchrun_command(
        job,
        [
            f"--nnodes={nodes}",
            f"--node-rank={os.environ['SLURM_NODEID']}",
            f"--nproc-per-node={processes}",
            f"--master-addr={submitit.JobEnvironment().hostnames[0]}",
            # The same on all nodes, and another for each job.
            f"--master-port={20_000 + int(os.environ['SLURM_JOB_ID']) % 20_000}",
        ],
    )


def _env(job: Job) -> dict[str, str]:
    return {**process_env(job), "DISTMAT_JOB": str(job.folder / RECORD)}


def _mark_dead(journal: Journal, job: Job, code: int | None, kills: int | None) -> None:
    """Tell the end of a worker that couldn't do so itself."""
    if last_state(job) not in ACTIVE:
        return
    kind, cause = classify_exit(job.log, code, kills, kind_of(job.kind).advice)
    journal.change_state(State.CRASHED, cause=cause, kind=kind)
