"""Runs on a real Slurm: a cluster of one node that is started for these tests."""

import os
import shutil
import signal
import socket
import subprocess
from pathlib import Path

import pytest

from distmat import cli
from distmat.jobs.backends import slurm
from distmat.jobs.states import Cause, State
from distmat.jobs.store import JobStore
from distmat.runs import operations
from distmat.runs.store import RunStore
from distmat.training.config import TrainingConfig
from tests.runs.conftest import end_all, wait_until
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
    store, tmp_path, capsys
):
    everything = os.cpu_count()
    before = launch(store, steps=1000, processors=everything)
    wait_until(lambda: store.get(before.id).step > 2)
    sequences = tmp_path / "many.fasta"
    sequences.write_text(
        "\n".join(f">s{n}\n{'MKTAYIAKQRQISFVKSH'[: 10 + n % 8]}" for n in range(66))
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
    assert cli.main([*shared, "--out", str(tmp_path / "direct")]) == 0
    merged = one.folder / "results" / "results.csv"
    assert merged.read_bytes() == (tmp_path / "direct" / "results.csv").read_bytes()
