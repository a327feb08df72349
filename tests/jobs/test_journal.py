"""A run that tells by a file ends up in the store as one that tells it directly."""

import json

import pytest

from distmat.jobs.backends.slurm import Slurm
from distmat.jobs.journal import Journal, replay
from distmat.jobs.processes import ProcessIdentity
from distmat.jobs.states import Cause, State
from distmat.runs.run import Run
from distmat.runs.store import RunStore
from distmat.training.config import TrainingConfig


@pytest.fixture
def store(tmp_path):
    with RunStore(tmp_path) as opened:
        yield opened


@pytest.fixture
def run(store):
    made = store.add(TrainingConfig(), backend="slurm")
    made.folder.mkdir(parents=True)
    return made


def tell(journal, run, steps):
    journal.change_state(State.STARTING)
    journal.attach(ProcessIdentity(7, 1.5), "node-3")
    journal.describe({"python": "3.11"})
    journal.begin({"device": "cpu", "total_steps": 20})
    for step in range(1, steps + 1):
        journal.log(step, step / 10, {"loss": 1 / step, "bad": float("nan")})
    journal.log_hardware({"cpu": 50.0})
    journal.checkpoint(steps, run.folder / f"checkpoint-{steps}")
    journal.say("Scoring")


def test_what_was_told_is_in_the_store(store, run):
    tell(Journal(run), run, 20)
    assert replay(store, run) and not replay(store, run)
    Journal(run).change_state(State.FINISHED, kind=Cause.DONE)
    assert replay(store, run)
    now = store.get(run.id)
    assert (now.state, now.step, now.total_steps, now.host) == (State.FINISHED, 20, 20, "node-3")
    assert now.process == ProcessIdentity(7, 1.5) and now.facts["device"] == "cpu"
    assert len(store.curves(run.id)["loss"]) == 20 and store.first_nan(run.id, "bad") == 1
    assert store.hardware(run.id)["cpu"].last == 50
    assert [c.folder for c in store.checkpoints(run.id)] == ["checkpoint-20"]
    assert "Scoring" in [event.text for event in store.events(run.id)]


def test_an_unfinished_line_waits_for_its_end(store, run):
    journal = Journal(run)
    tell(journal, run, 3)
    content = journal.path.read_bytes()
    journal.path.write_bytes(content[:-10])
    replay(store, run)
    assert "Scoring" not in [event.text for event in store.events(run.id)]
    journal.path.write_bytes(content)
    assert replay(store, run)
    assert "Scoring" in [event.text for event in store.events(run.id)]


def test_lines_that_make_no_sense_are_left_out_and_said(store, run):
    journal = Journal(run)
    tell(journal, run, 3)
    with journal.path.open("a") as file:
        for entry in ({"what": "delete"}, {"what": "log", "step": "x"}, [], {"what": "state"}):
            file.write(json.dumps(entry) + "\n")
        file.write("no JSON\n")
    journal.say("after")
    replay(store, run)
    texts = [event.text for event in store.events(run.id)]
    assert texts[-1] == "after" and sum("was left out" in text for text in texts) == 5
    assert store.get(run.id).state == State.RUNNING


def test_reading_that_is_cut_short_is_done_again_as_a_whole(store, run, monkeypatch):
    tell(Journal(run), run, 20)

    def killed(run_id, size):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(store, "set_journal_read", killed)
        with pytest.raises(KeyboardInterrupt):
            replay(store, run)
    assert store.get(run.id).state == State.QUEUED and not store.curves(run.id)
    replay(store, run)
    assert store.get(run.id).state == State.RUNNING and len(store.curves(run.id)["loss"]) == 20


def test_a_stop_that_a_person_asked_for_is_called_so(store, run):
    journal = Journal(run)
    tell(journal, run, 3)
    replay(store, run)
    store.ask_to_stop(run.id, 10)
    cause = "Stopped by a signal from outside; resuming goes on from checkpoint-3."
    journal.change_state(State.STOPPED, cause=cause, kind=Cause.SIGNAL)
    replay(store, run)
    now = store.get(run.id)
    assert now.cause_kind == Cause.ASKED
    assert now.cause == "Stopped; resuming goes on from checkpoint-3."


def test_a_run_that_is_started_again_keeps_its_job(store, run):
    store.set_job(run.id, "17")
    journal = Journal(run)
    tell(journal, run, 5)
    journal.change_state(State.STOPPED, kind=Cause.SIGNAL)
    journal.requeue()
    journal.requeue()
    replay(store, run)
    now = store.get(run.id)
    assert (now.state, now.job) == (State.QUEUED, "17")
    tell(journal, run, 5)
    replay(store, run)
    assert store.get(run.id).attempt == 2


def test_a_run_is_written_to_a_file_and_read_again(store, run, tmp_path):
    run.to_file(tmp_path / "job.json")
    assert Run.from_file(tmp_path / "job.json") == run
    store.attach(run.id, ProcessIdentity(7, 1.5), "here")
    store.tag(run.id, ["a"])
    run = store.get(run.id)
    run.to_file(tmp_path / "job.json")
    assert Run.from_file(tmp_path / "job.json") == run


def test_a_job_that_says_later_that_it_starts_again_is_heard(store, run):
    store.set_job(run.id, "17")
    journal, cluster = Journal(run), Slurm()
    cluster._asked = float("inf")
    tell(journal, run, 5)
    cluster.watch(store, [store.get(run.id)])
    journal.change_state(State.STOPPED, kind=Cause.SIGNAL)
    cluster.watch(store, [store.get(run.id)])
    assert store.get(run.id).state == State.STOPPED
    journal.requeue()
    # It is neither waiting nor active now.
    cluster.watch(store, [])
    assert store.get(run.id).state == State.QUEUED
