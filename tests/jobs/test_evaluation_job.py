"""A checkpoint evaluated in the background gives what the command prints."""

import json

import pytest

from distmat import cli
from distmat.dataset.synthetic import write_synthetic
from distmat.jobs import scheduler
from distmat.jobs.states import State
from distmat.jobs.store import JobStore
from tests.runs.conftest import end_all, wait_until


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("DISTMAT_HOME", str(tmp_path))
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    monkeypatch.setattr(scheduler, "IDLE", 2.0)
    yield tmp_path
    end_all(tmp_path)


def test_the_scores_are_those_that_the_command_prints(home, capsys):
    write_synthetic(home / "datasets" / "synthetic.parquet", 20)
    command = ["evaluate", "synthetic", "--max-length", "80"]
    assert cli.main([*command, "--background"]) == 0
    job_id = capsys.readouterr().out.strip()
    with JobStore(home) as store:
        job = wait_until(lambda: (now := store.get(job_id)).has_ended and now, 180)
        assert job.state == State.FINISHED, job.cause
        assert job.facts["phase"] == "Evaluating" and job.step == job.total_steps
    assert cli.main([*command, "--json", "--per-chain"]) == 0
    printed = json.loads(capsys.readouterr().out)
    written = json.loads((job.folder / "evaluation.json").read_text())
    assert written.pop("seconds") and printed.pop("seconds") and written == printed
    assert cli.main(["runs", "list", "--all", "--json"]) == 0
    assert [one["id"] for one in json.loads(capsys.readouterr().out)] == [job_id]
    assert cli.main(["runs", "show", job_id]) == 0
