"""Datasets built by real background jobs."""

import os
import signal

import pytest

from distmat.dataset import jobs as dataset_jobs
from distmat.dataset.build import BuildSettings, build
from distmat.dataset.jobs import submit_build, submit_homologues
from distmat.dataset.splitting import Shares
from distmat.dataset.store import read_dataset
from distmat.errors import DatasetError
from distmat.jobs import operations, scheduler
from distmat.jobs.states import Cause, State
from distmat.jobs.store import JobStore
from distmat.protein.examples import examples
from distmat.protein.structure.write import write_pdb
from distmat.runs.store import RunStore
from distmat.training.config import TrainingConfig
from tests.runs.conftest import end_all, wait_until

SETTINGS = BuildSettings(shares=Shares(0.5, 0.25, 0.25))


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("DISTMAT_HOME", str(tmp_path))
    monkeypatch.setattr(scheduler, "IDLE", 2.0)
    yield tmp_path
    end_all(tmp_path)


@pytest.fixture
def structures(tmp_path_factory):
    folder = tmp_path_factory.mktemp("structures")
    for example in examples():
        chain = example.read()
        (folder / f"{example.key}.pdb").write_text(write_pdb(chain.sequence, chain.ca))
    return folder


def reaches(store, job, *states):
    return wait_until(lambda: (now := store.get(job.id)).state in states and now, 120)


def test_a_build_that_was_killed_goes_on_and_ends_with_the_same_bytes(
    home, structures, tmp_path_factory, monkeypatch
):
    with JobStore(home) as store, RunStore(home) as runs:
        # A training that has the processor to itself doesn't keep it waiting.
        waiting = runs.add(TrainingConfig())
        runs.change_state(waiting.id, State.STARTING, devices=["cpu"])
        job = submit_build(store, [str(structures)], "mine", SETTINGS, workers=1)
        with pytest.raises(DatasetError, match="being built already"):
            submit_build(store, [str(structures)], "mine", SETTINGS)
        with pytest.raises(DatasetError, match="can't be a dataset's"):
            submit_build(store, [str(structures)], "../mine", SETTINGS)
        job = wait_until(lambda: (now := store.get(job.id)).process and now)
        os.kill(job.process.pid, signal.SIGKILL)
        job = reaches(store, job, State.CRASHED, State.FINISHED)
        if job.state == State.CRASHED:
            operations.resume(store, job.id)
        job = reaches(store, job, State.FINISHED)
        assert job.devices == ("processor",) and job.cause_kind == Cause.DONE
        assert job.facts["phase"] == "Writing" and job.metrics["kept"] == len(examples())
        assert job.folder == home / "jobs" / job.id and store.hardware(job.id)["memory"].last
        assert [run.id for run in runs.runs()] == [waiting.id]
        runs.change_state(waiting.id, State.STOPPED)
        built = (home / "datasets" / "mine.parquet").read_bytes()
    monkeypatch.setenv("DISTMAT_HOME", str(tmp_path_factory.mktemp("other")))
    assert build([str(structures)], "mine", SETTINGS, workers=1).read_bytes() == built


def test_homologues_are_searched_for_in_the_background(home, structures, tmp_path):
    build([str(structures)], "mine", SETTINGS, workers=1)
    chain = read_dataset(home / "datasets" / "mine.parquet").of_split("train").chains[0]
    sequences = tmp_path / "natural.fasta"
    sequences.write_text(f">a\n{chain.sequence}\n")
    with JobStore(home) as store:
        job = submit_homologues(store, "mine", sequences, "more", workers=1)
        job = reaches(store, job, State.FINISHED, State.FAILED)
        assert job.state == State.FINISHED, job.cause
    assert (home / "datasets" / "more.parquet").is_file()


def test_what_cannot_be_built_fails_with_its_sentence(home, tmp_path):
    with JobStore(home) as store:
        job = submit_build(store, [str(tmp_path / "nowhere")], "mine", SETTINGS)
        job = reaches(store, job, State.FAILED)
        assert job.cause_kind == Cause.INPUT and "nowhere" in job.cause
        work = home / "datasets" / ".mine.build"
        work.mkdir(parents=True)
        operations.delete(store, job.id)
        assert not store.jobs(kinds=dataset_jobs.KINDS)
        assert not job.folder.exists() and not work.exists()
