"""A checkpoint evaluated in the background gives what the command prints."""

import json
import os
import signal

import pytest

from distmat import cli
from distmat.dataset.synthetic import write_synthetic
from distmat.errors import DatasetError
from distmat.jobs import operations, scheduler
from distmat.jobs.operations import resume
from distmat.jobs.recorder import StoreRecorder
from distmat.jobs.states import State
from distmat.jobs.store import JobStore
from distmat.training import evaluation_job
from distmat.training.evaluation_job import describe_evaluation, find_evaluation, submit_evaluations
from tests.runs.conftest import end_all, wait_until


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("DISTMAT_HOME", str(tmp_path))
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    monkeypatch.setattr(scheduler, "IDLE", 2.0)
    yield tmp_path
    end_all(tmp_path)


def test_the_scores_are_those_that_the_command_prints_also_after_a_kill(home, capsys):
    write_synthetic(home / "datasets" / "synthetic.parquet", 40)
    command = ["evaluate", "synthetic", "--max-length", "80", "--split", "all", "--library", "none"]
    assert cli.main([*command, "--background"]) == 0
    job_id = capsys.readouterr().out.strip()
    with JobStore(home) as store:
        # Killed once the first part is kept, it goes on with the chains that are left.
        parts = store.get(job_id).folder / "parts"
        wait_until(lambda: (parts / "000000.json").is_file() or store.get(job_id).has_ended, 180)
        if process := store.get(job_id).process:
            os.kill(process.pid, signal.SIGKILL)
            job = wait_until(lambda: (now := store.get(job_id)).has_ended and now, 60)
            if job.state != State.FINISHED:
                resume(store, job_id)
        job = wait_until(lambda: (now := store.get(job_id)).has_ended and now, 180)
        assert job.state == State.FINISHED, job.cause
        assert job.facts["phase"] == "Evaluating" and job.step == job.total_steps
        # What is asked again is found and not computed again.
        again = find_evaluation(store, job.settings)
        assert again is not None and again.id == job_id
    assert_printed(command, job, capsys)
    assert not parts.exists()
    assert cli.main(["runs", "list", "--all", "--json"]) == 0
    assert [one["id"] for one in json.loads(capsys.readouterr().out)] == [job_id]


def test_jobs_that_share_the_chains_give_the_scores_that_the_command_prints(
    home, capsys, monkeypatch
):
    monkeypatch.setattr(operations, "ensure_scheduler", lambda home: None)
    write_synthetic(home / "datasets" / "synthetic.parquet", 30)
    command = ["evaluate", "synthetic", "--max-length", "80", "--split", "all", "--library", "none"]
    assert cli.main([*command, "--background", "--array", "2"]) == 0
    with JobStore(home) as store:
        one, two = (store.get(job_id) for job_id in capsys.readouterr().out.split())
        one.folder.mkdir(parents=True)
        # The last to end writes the scores, into the first one's folder.
        for job in (two, one):
            assert not (one.folder / "evaluation.json").exists()
            assert evaluation_job.evaluate_job(job, StoreRecorder(store, job.id))
    assert_printed(command, one, capsys)


def assert_printed(command, job, capsys):
    """A command prints what a job has written."""
    assert cli.main([*command, "--json", "--per-chain"]) == 0
    printed = json.loads(capsys.readouterr().out)
    written = json.loads((job.folder / "evaluation.json").read_text())
    assert written.pop("seconds") and printed.pop("seconds") and written == printed


def test_a_key_differs_with_whatever_the_scores_depend_on(home, monkeypatch):
    write_synthetic(home / "datasets" / "synthetic.parquet", 10)
    path = home / "datasets" / "synthetic.parquet"
    settings = {"dataset": "synthetic", "checkpoint": "mini", "split": None, "max_length": 80}
    keys = {describe_evaluation(settings)["key"]}
    for change in ({"max_length": 90}, {"split": "val"}, {"rep_only": True}, {"library": "mini"}):
        keys.add(describe_evaluation(settings | change)["key"])
    assert len(keys) == 5
    assert describe_evaluation(settings | {"library": "none"})["key"] in keys
    os.utime(path, ns=(1, 1))
    keys.add(describe_evaluation(settings)["key"])
    monkeypatch.setattr(evaluation_job, "_VERSION", 99)
    keys.add(describe_evaluation(settings)["key"])
    assert len(keys) == 7


def test_a_split_without_a_chain_is_said_before_anything_is_queued(home):
    write_synthetic(home / "datasets" / "synthetic.parquet", 10)
    settings = {"dataset": "synthetic", "checkpoint": "mini", "split": None, "max_length": 80}
    with JobStore(home) as store:
        for wrong in ({"split": "nowhere"}, {"max_length": 2}):
            with pytest.raises(DatasetError, match="no chain"):
                submit_evaluations(store, settings | wrong)
        assert store.jobs() == []
