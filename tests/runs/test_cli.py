"""`distmat runs`, as a person calls it, with real background processes."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from distmat.cli import main
from distmat.jobs import processes, scheduler
from distmat.jobs.states import State
from distmat.runs.store import RunStore
from tests.runs.conftest import end_all, scheduler_of, wait_until

QUICK = Path(__file__).parent / "quick_trainer"
SET = ["--set", "train=synthetic", "--set", "val=synthetic", "--set", "evaluate_every=4"]


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("DISTMAT_HOME", str(tmp_path))
    monkeypatch.setenv("PYTHONPATH", str(QUICK))
    monkeypatch.setattr(scheduler, "IDLE", 2.0)
    yield tmp_path
    end_all(tmp_path)


@pytest.fixture
def call(capsys, home):
    def called(*arguments, code=0):
        assert main(["runs", *arguments]) == code
        captured = capsys.readouterr()
        return captured.err if code else captured.out

    return called


@pytest.fixture
def train(capsys, home):
    def trained(steps=10, *more):
        arguments = ["train", "--background", *SET, "--set", f"max_steps={steps}", *more]
        assert main(arguments) == 0
        return capsys.readouterr().out.strip()

    return trained


def test_a_background_training_prints_its_id_and_returns_at_once(home):
    command = [sys.executable, "-m", "distmat.cli", "train", "--background", *SET]
    before = time.monotonic()
    result = subprocess.run(
        [*command, "--set", "max_steps=200", "--json"],
        capture_output=True,
        text=True,
        check=True,
        cwd=Path(__file__).parents[2],
    )
    assert time.monotonic() - before < 10  # a second on a machine at rest
    run = json.loads(result.stdout)
    assert run["state"] == "QUEUED" and not result.stderr
    # Nothing of it belongs to the process that launched it.
    with RunStore(home) as store:
        run = wait_until(lambda: (now := store.get(run["id"])).step > 2 and now)
        assert os.getsid(run.process.pid) == run.process.pid


def test_runs_are_listed_shown_and_followed_to_their_end(train, call):
    assert "No runs" in call("list")
    run_id = train(20, "--set", "output=first")
    lines = call("watch", run_id, "--every", "0.05", "--json").splitlines()
    states = [json.loads(line)["state"] for line in lines]
    assert states[-1] == "FINISHED" and sorted(set(states)) == sorted(
        set(states) & {"QUEUED", "STARTING", "RUNNING", "FINISHED"}
    )
    (listed,) = json.loads(call("list", "--json"))
    promised = "id name state pid step total_steps epoch metrics started ended cause"
    assert set(promised.split()) <= set(listed)
    assert (listed["id"], listed["step"], listed["total_steps"]) == (run_id, 20, 20)
    assert run_id in call("list") and "20/20" in call("list", "--state", "finished")
    assert json.loads(call("list", "--json", "--search", "nothing-like-it")) == []
    shown = json.loads(call("show", "first", "--json"))
    assert {"diagnosis", "settings", "environment", "facts", "disk_bytes"} <= set(shown)
    assert shown["settings"]["max_steps"] == 20 and shown["elapsed_seconds"] > 0
    text = call("show", run_id[:-1])
    assert "State:" in text and "FINISHED" in text
    assert call("watch", run_id).startswith("FINISHED")


def test_a_run_is_stopped_resumed_duplicated_compared_and_deleted(train, call, home):
    run_id = train(300)
    with RunStore(home) as store:
        wait_until(lambda: store.get(run_id).step > 5)
    (stopped,) = json.loads(call("stop", run_id, "--wait", "--json"))
    assert stopped["state"] == "STOPPED" and "checkpoint-" in stopped["cause"]
    assert call("resume", run_id, "--set", f"max_steps={stopped['step'] + 5}").strip() == run_id
    resumed = json.loads(call("watch", run_id, "--json").splitlines()[-1])
    assert resumed["state"] == "FINISHED" and resumed["attempt"] == 2
    copy = call("duplicate", run_id, "--set", "learning_rate=0.01", "--name", "copy").strip()
    call("watch", copy)
    compared = json.loads(call("compare", run_id, copy, "--json"))
    assert set(compared["differing_settings"]) == {"learning_rate"}
    assert [run["id"] for run in compared["runs"]] == [run_id, copy]
    assert "learning_rate" in call("compare", run_id, copy)
    checkpoints = json.loads(call("checkpoints", run_id, "--json", "--keep", "checkpoint-4"))
    assert "kept-4" in [checkpoint["name"] for checkpoint in checkpoints]
    assert "kept-4" in call("checkpoints", run_id)
    assert "There is no checkpoint '../x'" in call(
        "checkpoints", run_id, "--delete", "../x", code=2
    )
    marked = json.loads(call("mark", run_id, "--tags", "a,b", "--note", "n", "--json"))
    assert marked["tags"] == ["a", "b"] and marked["notes"] == "n"
    assert json.loads(call("delete", run_id, copy, "--yes", "--json")) == [run_id, copy]
    assert json.loads(call("list", "--json")) == []


def test_logs_are_printed_and_followed(train, call, home):
    run_id = train(10, "--set", "seed=4")
    assert re.search(r"\[#*\.*\] +\d+%", call("watch", run_id))
    assert "working hard" in call("logs", run_id, "-f")
    assert call("logs", run_id, "-n", "1").count("\n") == 1
    (crashed,) = json.loads(call("list", "--json", "--state", "CRASHED"))
    assert "out of memory" in crashed["cause"] and "working hard" in crashed["cause"]


def test_the_queue_is_paused_reordered_and_goes_on(train, call):
    call("queue", "--pause")
    first, second = train(5, "--set", "output=one"), train(5, "--set", "output=two")
    queue = json.loads(call("queue", "--move", second, "1", "--json"))
    assert queue["paused"] and [run["id"] for run in queue["queued"]] == [second, first]
    assert "--go-on" in call("queue") and second in call("queue")
    sweep = json.loads(
        call("sweep", first, "--vary", "learning_rate=1e-3,1e-4", "--vary", "seed=0; 1", "--json")
    )
    assert len(sweep) == 4 and {run["group"] for run in sweep} == {"one sweep"}
    call("stop", *(run["id"] for run in sweep), first)
    call("queue", "--go-on")
    assert json.loads(call("watch", second, "--json").splitlines()[-1])["state"] == "FINISHED"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["show", "nothing"], "There is no run 'nothing'"),
        (["list", "--state", "ASLEEP"], "There is no state 'ASLEEP'"),
        (["queue", "--move", "x", "front"], "give 1 for the front"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(call, arguments, words):
    said = call(*arguments, code=2)
    assert words in said and said.count("\n") == 1


def test_a_list_also_finds_what_died_without_a_word(train, call, home):
    run_id = train(500)
    with RunStore(home) as store:
        run = wait_until(lambda: (now := store.get(run_id)).step > 5 and now)
    for process in (scheduler_of(home), run.process):
        os.kill(process.pid, signal.SIGKILL)
        wait_until(lambda p=process: not processes.is_running(p))
    wait_until(lambda: not scheduler.is_scheduling(home))
    (listed,) = json.loads(call("list", "--json"))
    assert listed["state"] == State.CRASHED
