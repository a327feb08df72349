"""What becomes of jobs whose scheduler died while it handed them to Slurm, by what squeue says.

With a real cluster: `tests/slurm`.
"""

import pytest

from distmat.jobs import operations
from distmat.jobs.backends import slurm
from distmat.jobs.journal import Journal
from distmat.jobs.states import Cause, State
from distmat.runs.store import RunStore
from distmat.training.config import TrainingConfig


@pytest.fixture
def store(tmp_path, monkeypatch):
    monkeypatch.setattr(operations, "ensure_scheduler", lambda home: None)
    with RunStore(tmp_path) as opened:
        yield opened


@pytest.fixture
def asked(monkeypatch):
    """What Slurm was asked; its answers are put under the program's name."""
    commands, answers = [], {"scancel": ""}

    def ask(program, *options):
        commands.append((program, *options))
        return answers.get(program)

    monkeypatch.setattr(slurm, "_ask", ask)
    return commands, answers


def half_submitted(store, task=""):
    run = store.add(TrainingConfig(), backend="slurm")
    store.set_job(run.id, f"?{run.id}{task}")
    return store.get(run.id)


def look(store, backend):
    """As the scheduler does, whose pauses are left out."""
    backend._asked = -slurm.TICK
    backend.watch(store, store.jobs({State.QUEUED, *slurm.ACTIVE}))


def test_while_slurm_does_not_answer_nothing_is_handed_over_again(store, asked, monkeypatch):
    monkeypatch.setattr(slurm, "PATIENCE", -1.0)
    run, backend = half_submitted(store, "/1"), slurm.Slurm()
    for _ in range(3):
        look(store, backend)
    assert store.get(run.id).job == run.job
    asked[1]["squeue"] = ""
    look(store, backend)
    assert store.get(run.id).job == ""
    (note,) = (event.text for event in store.events(run.id) if event.kind == "note")
    assert "died while it handed this to Slurm" in note and "handed over again" in note


def test_what_may_be_on_its_way_is_waited_for(store, asked, monkeypatch):
    given = []
    monkeypatch.setattr(slurm, "_give_work", lambda job, number: given.append(number))
    run, backend = half_submitted(store, "/1"), slurm.Slurm()
    asked[1]["squeue"] = ""
    look(store, backend)
    asked[1]["squeue"] = "17_0 RUNNING\n17_1 PENDING\n17_11 PENDING\n"
    look(store, backend)
    assert store.get(run.id).job == "17_1" and given == ["17_1"]


@pytest.mark.parametrize(
    ("task", "queue", "number"),
    [
        ("", "17 PENDING", "17"),
        ("", "17_0 PENDING", ""),
        ("", "17 COMPLETING\n18 PENDING", "18"),
        ("", "17 COMPLETING", ""),
        ("/0", "17_10 PENDING\n17_0 RUNNING", "17_0"),
        ("/0", "9_0 PENDING\n10_0 PENDING", "10_0"),
        ("/0", "17 PENDING", ""),
    ],
)
def test_it_is_known_by_its_name_and_task(store, asked, task, queue, number):
    asked[1]["squeue"] = queue
    run = half_submitted(store, task)
    assert slurm._find_number(run) == number
    assert asked[0][-1][-2:] == ("--name", run.id)


def test_one_that_began_and_is_gone_has_crashed(store, asked, monkeypatch):
    monkeypatch.setattr(slurm, "PATIENCE", -1.0)
    run, backend = half_submitted(store), slurm.Slurm()
    run.folder.mkdir(parents=True, exist_ok=True)
    Journal(run).change_state(State.STARTING)
    asked[1]["squeue"] = ""
    look(store, backend)
    look(store, backend)
    now = store.get(run.id)
    assert (now.state, now.cause_kind) == (State.CRASHED, Cause.LOST)
    assert f"Job {run.id} is gone from the cluster" in now.cause


def test_a_person_stops_one_whose_number_is_not_noted_yet(store, asked):
    run = half_submitted(store)
    asked[1]["squeue"] = "17 PENDING"
    operations.stop(store, run.id)
    assert asked[0][-1] == ("scancel", "17")
    assert store.get(run.id).state == State.STOPPED
