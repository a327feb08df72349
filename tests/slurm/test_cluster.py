"""Runs on a real Slurm: a cluster of one node that is started for these tests."""

import os
import shutil
import signal
import socket
import subprocess
from pathlib import Path

import pytest

from distmat import cli
from distmat.batch import crew
from distmat.jobs import operations as job_operations
from distmat.jobs import scheduler
from distmat.jobs.backends import slurm
from distmat.jobs.states import Cause, State
from distmat.jobs.store import JobStore
from distmat.runs import operations
from distmat.runs.store import RunStore
from distmat.training.config import TrainingConfig
from tests.runs.conftest import end_all, scheduler_of, wait_until
from tests.runs.quick_trainer import sitecustomize as quick

HERE = Path(__file__).parent
QUICK = HERE.parent / "runs" / "quick_trainer"


def missing() -> str:
    """Why there can't be a cluster here; empty if there can."""
    programs = ["munged", "slurmctld", "slurmd", "sbatch", "scancel", "squeue", "sinfo"]
    absent = [program for program in programs if shutil.which(program) is None]
    if absent:
        return f"no {', '.join(absent)} (Debian: apt-get install slurm-wlm munge)"
    if os.geteuid():
        return "starting a cluster needs root"
    try:
        import submitit  # noqa: F401
    except ImportError:
        return "no submitit (pip install submitit)"
    return ""


pytestmark = [
    pytest.mark.skipif(bool(missing()), reason=missing()),
    pytest.mark.xdist_group("slurm"),
]


@pytest.fixture(scope="module")
def cluster(tmp_path_factory):
    folder = tmp_path_factory.mktemp("cluster")
    subprocess.run([HERE / "cluster.sh", "start", folder], check=True, timeout=60)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SLURM_CONF", str(folder / "slurm.conf"))
        yield folder
    subprocess.run([HERE / "cluster.sh", "stop", folder], check=True, timeout=60)


@pytest.fixture(scope="module")
def home(cluster, tmp_path_factory):
    folder = tmp_path_factory.mktemp("workspace")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DISTMAT_HOME", str(folder))
        patch.setenv("PYTHONPATH", str(QUICK))
        yield folder
        end_all(folder)


@pytest.fixture
def store(home):
    with RunStore(home) as opened:
        yield opened


def launch(store, steps=10, behaviour=quick.FINISH, **settings):
    config = TrainingConfig(
        train="synthetic", val="synthetic", max_steps=steps, evaluate_every=4, seed=behaviour
    )
    return operations.launch(store, config, backend="slurm", backend_settings=settings)


def reaches(store, run, *states, seconds=60):
    return wait_until(lambda: (now := store.get(run.id)).state in states and now, seconds)


def is_gone(run):
    return slurm.ask_states([run.job]) is not None and (
        slurm.ask_states([run.job]).get(run.job, "COMPLETED") not in slurm.LIVING
    )


def waits_for_its_time(number):
    ask = ["squeue", "--noheader", "--format=%r", "--jobs", number]
    return subprocess.run(ask, capture_output=True, text=True).stdout.strip() == "BeginTime"


def test_a_run_is_submitted_watched_and_finished(store):
    run = launch(store, partition="main", processors=1, minutes=10)
    run = reaches(store, run, State.FINISHED)
    assert run.job.isdigit() and run.host == socket.gethostname()
    assert (run.step, run.total_steps, run.attempt) == (10, 10, 1)
    assert list(store.curves(run.id)["loss"].steps) == list(range(1, 11))
    states = [event.text for event in store.events(run.id) if event.kind == "state"]
    assert states == ["Queued", "Starting", "Running", "Finished"]
    assert run.environment["packages"] and run.log.exists()
    assert (run.folder / "evaluation.json").exists()


def test_a_person_stops_a_job_with_a_checkpoint_and_resumes_it(store):
    run = launch(store, steps=400)
    wait_until(lambda: store.get(run.id).step > 5)
    operations.stop(store, run.id)
    run = reaches(store, run, State.STOPPED)
    assert run.cause_kind == Cause.ASKED and f"checkpoint-{run.step}" in run.cause
    wait_until(lambda: is_gone(run))
    first = run.job
    operations.resume(store, run.id, {"max_steps": run.step + 10})
    run = reaches(store, run, State.FINISHED)
    assert run.attempt == 2 and run.job != first
    assert list(store.curves(run.id)["loss"].steps) == list(range(1, run.step + 1))


def test_several_processes_of_a_job_stop_together(store):
    run = launch(store, steps=100, processes=2)
    wait_until(lambda: store.get(run.id).step > 5)
    operations.stop(store, run.id)
    run = reaches(store, run, State.STOPPED)
    assert run.cause_kind == Cause.ASKED and f"checkpoint-{run.step}" in run.cause
    wait_until(lambda: is_gone(run))


def test_a_preempted_job_writes_a_checkpoint_is_started_again_and_goes_on(store):
    run = launch(store, steps=300)
    before = wait_until(lambda: (now := store.get(run.id)).step > 5 and now)
    subprocess.run(["scancel", "--signal=USR2", before.job], check=True)
    waiting = reaches(store, run, State.QUEUED)
    assert waiting.job == before.job, "it has left the cluster's queue"
    # Slurm lets a job wait for two minutes before it starts again. In the second in which it took
    # the job from its node the node would refuse it.
    wait_until(lambda: waits_for_its_time(before.job))
    soon = ["scontrol", "update", f"JobId={before.job}", "StartTime=now+2"]
    subprocess.run(soon, check=True)
    run = reaches(store, run, State.FINISHED)
    assert run.job == before.job and run.attempt == 2
    assert run.facts["first_step"] == waiting.step > 5
    pids = store.curves(run.id, ["pid"])["pid"]
    assert list(pids.steps) == list(range(1, 301)) and len(set(pids.values)) == 2


def test_a_run_that_waits_in_the_cluster_is_taken_out(store):
    everything = os.cpu_count()
    first = launch(store, steps=1000, processors=everything)
    wait_until(lambda: store.get(first.id).step > 2)
    second = launch(store, processors=everything)
    second = wait_until(lambda: (now := store.get(second.id)).job.isdigit() and now)
    assert second.state == State.QUEUED
    operations.stop(store, second.id)
    assert store.get(second.id).state == State.STOPPED
    wait_until(lambda: is_gone(second))
    subprocess.run(["scancel", store.get(first.id).job], check=True)
    first = reaches(store, first, State.STOPPED)
    assert first.cause_kind == Cause.SIGNAL and f"checkpoint-{first.step}" in first.cause


def test_a_worker_that_is_killed_is_found_by_its_job(store):
    run = launch(store, steps=1000)
    run = wait_until(lambda: (now := store.get(run.id)).step > 5 and now)
    os.kill(run.process.pid, signal.SIGKILL)
    run = reaches(store, run, State.CRASHED)
    assert run.cause_kind == Cause.OUT_OF_MEMORY and "SIGKILL" in run.cause


def test_what_slurm_does_not_take_fails_with_its_words(store):
    run = reaches(store, launch(store, partition="nowhere"), State.FAILED)
    assert run.cause_kind == Cause.INPUT and "invalid partition" in run.cause
    run = reaches(store, launch(store, colour="red"), State.FAILED)
    assert "Slurm has no setting 'colour'" in run.cause


def test_predictions_are_shared_by_tasks_of_one_array_each_of_which_is_a_job(
    store, tmp_path, monkeypatch, capsys
):
    everything = os.cpu_count()
    before = launch(store, steps=1000, processors=everything)
    wait_until(lambda: store.get(before.id).step > 2)
    sequences = tmp_path / "many.fasta"
    sequences.write_text(
        "\n".join(f">s{n}\n{'MKTAYIAKQRQISFVKSH'[: 10 + n % 8]}" for n in range(18))
    )
    shared = ["predict", str(sequences), "--library", "none", "--formats", "pdb"]
    by_slurm = ["--background", "--array", "2", "--backend", "slurm"]
    assert cli.main([*shared, *by_slurm, "--backend-set", "partition=main"]) == 0
    first, second = capsys.readouterr().out.split()
    with JobStore(store.home) as jobs:
        one, two = (
            wait_until(lambda name=name: slurm.has_number(job := jobs.get(name)) and job)
            for name in (first, second)
        )
        array = one.job.partition("_")[0]
        assert (one.job, two.job) == (f"{array}_0", f"{array}_1") and array.isdigit()
        assert slurm.ask_states([one.job, two.job]) == dict.fromkeys((one.job, two.job), "PENDING")
        operations.stop(jobs, second)
        wait_until(lambda: two.job not in slurm.ask_states([array]))
        assert slurm.ask_states([one.job]) == {one.job: "PENDING"}
        subprocess.run(["scancel", store.get(before.id).job], check=True)
        one = wait_until(lambda: (job := jobs.get(first)).has_ended and job, 120)
        assert one.state == State.FINISHED, one.cause
        assert jobs.get(second).state == State.STOPPED
        assert not (one.folder / "results" / "results.csv").exists()
        operations.resume(jobs, second)
        two = wait_until(lambda: (job := jobs.get(second)).has_ended and job, 120)
    assert two.state == State.FINISHED and two.job.isdigit() and two.job != array, two.cause
    # By one process, as in a job.
    monkeypatch.setattr(crew, "usable_processors", lambda: 1)
    assert cli.main([*shared, "--out", str(tmp_path / "direct")]) == 0
    merged = one.folder / "results" / "results.csv"
    assert merged.read_bytes() == (tmp_path / "direct" / "results.csv").read_bytes()


@pytest.fixture
def own(cluster, tmp_path, monkeypatch):
    """A workspace that nobody schedules for as long as the test doesn't ask for it."""
    monkeypatch.setenv("DISTMAT_HOME", str(tmp_path / "home"))
    with JobStore(tmp_path / "home") as jobs:
        yield jobs
        end_all(jobs.home)


def submit_two(sequences, capsys):
    """The tasks of an array that predicts a few chains."""
    sequences.write_text("\n".join(f">s{n}\n{'MKTAYIAKQRQISFVKSH'[: 10 + n]}" for n in range(2)))
    command = ["predict", str(sequences), "--library", "none", "--formats", "pdb", "--background"]
    assert cli.main([*command, "--array", "2", "--backend", "slurm"]) == 0
    return capsys.readouterr().out.split()


def assert_done_once(jobs, ids):
    """Each job has ended well, and was begun once."""
    for name in ids:
        job = wait_until(lambda name=name: (now := jobs.get(name)).has_ended and now, 180)
        assert job.state == State.FINISHED, job.cause
        states = [event.text for event in jobs.events(name) if event.kind == "state"]
        assert states == ["Queued", "Starting", "Running", "Finished"]
        journal = (job.folder / "journal.jsonl").read_text()
        assert journal.count('"state": "STARTING"') == 1
    table = (jobs.get(ids[0]).folder / "results" / "results.csv").read_text().splitlines()
    assert [row.partition(",")[0] for row in table[1:]] == [f"s{n}" for n in range(2)]


def test_a_scheduler_that_is_killed_when_slurm_has_taken_an_array_loses_nothing(
    own, tmp_path, monkeypatch, capsys
):
    programs = tmp_path / "programs"
    programs.mkdir()
    # The first time nobody is left to hear the answer.
    (programs / "sbatch").write_text(
        f'#!/bin/sh\nset -e\n{shutil.which("sbatch")} "$@" | tee -a {programs}/answers\n'
        f"if mkdir {programs}/once 2>/dev/null; then kill -KILL $PPID; fi\n"
    )
    (programs / "sbatch").chmod(0o755)
    monkeypatch.setenv("PATH", f"{programs}{os.pathsep}{os.environ['PATH']}")
    ids = submit_two(tmp_path / "some.fasta", capsys)
    wait_until((programs / "once").exists)
    wait_until(lambda: scheduler_of(own.home) is None)
    assert [own.get(name).job for name in ids] == [f"?{ids[0]}/0", f"?{ids[0]}/1"]
    job_operations.reconcile(own)
    assert_done_once(own, ids)
    (answer,) = (programs / "answers").read_text().splitlines()
    array = answer.split()[-1]
    assert [own.get(name).job for name in ids] == [f"{array}_0", f"{array}_1"]


class Death(BaseException):
    """Of the scheduler, at this very point."""


def die_before(monkeypatch, jobs, moment):
    import submitit

    paths, executor = submitit.core.utils.JobPaths, submitit.SlurmExecutor
    move, note, works = paths.move_temporary_file, jobs.set_job, []

    def submit(self, command):
        raise Death

    def give(self, path, name, **options):
        works.extend([path] if name == "submitted_pickle" else [])
        if len(works) == 2:
            raise Death
        move(self, path, name, **options)

    def set_job(job_id, number):
        if number.endswith("_1"):
            raise Death
        note(job_id, number)

    if moment == "Slurm has it":
        monkeypatch.setattr(executor, "_submit_command", submit)
    elif moment == "the second task has its work":
        monkeypatch.setattr(paths, "move_temporary_file", give)
    else:
        monkeypatch.setattr(jobs, "set_job", set_job)


@pytest.mark.parametrize(
    "moment", ["Slurm has it", "the second task has its work", "all numbers are noted"]
)
def test_a_scheduler_that_dies_before(own, tmp_path, monkeypatch, capsys, moment):
    with monkeypatch.context() as patch:
        patch.setattr(job_operations, "ensure_scheduler", lambda home: None)
        ids = submit_two(tmp_path / "some.fasta", capsys)
        die_before(patch, own, moment)
        with pytest.raises(Death):
            slurm.Slurm().start(own, own.get(ids[0]), ())
    # All of them are known to be on their way, or none.
    assert [own.get(name).job for name in ids] == [f"?{ids[0]}/0", f"?{ids[0]}/1"]
    if moment == "Slurm has it":
        # It hasn't, and the next scheduler finds that out; here one that waits less long for it.
        monkeypatch.setattr(slurm, "PATIENCE", 0.5)
        following = scheduler.Scheduler(own)
        wait_until(lambda: following.tick() and notes(own, ids[1]))
    job_operations.reconcile(own)
    assert_done_once(own, ids)
    assert len(notes(own, ids[1])) == (moment == "Slurm has it")


def notes(jobs, name):
    return [event.text for event in jobs.events(name) if event.kind == "note"]
