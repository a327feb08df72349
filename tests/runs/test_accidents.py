"""What happens to machines and folders: nothing is lost, and nothing goes wrong without a word."""

import dataclasses
import os
import shutil
import signal
import subprocess
import sys
import time
from itertools import pairwise
from types import SimpleNamespace

import pytest

from distmat import cli
from distmat.jobs import processes, scheduler
from distmat.jobs.backends.backend import Patience
from distmat.jobs.states import ENDED, State
from distmat.runs import operations
from distmat.runs.store import RunStore
from tests.runs.conftest import end_all, wait_until
from tests.runs.quick_trainer import sitecustomize as quick
from tests.runs.test_queue import QUICK, launch, reaches  # noqa: F401  (a fixture)


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("DISTMAT_HOME", str(tmp_path))
    monkeypatch.setenv("PYTHONPATH", str(QUICK))
    monkeypatch.setattr(scheduler, "IDLE", 2.0)
    yield tmp_path
    end_all(tmp_path)


SERVER = """
import sys, time
from distmat.runs import operations
from distmat.runs.store import RunStore
from distmat.training.config import TrainingConfig
with RunStore() as store:
    for number in range(int(sys.argv[1])):
        config = TrainingConfig(train="synthetic", val="synthetic", max_steps=int(sys.argv[2]))
        print(operations.launch(store, config, name="quick").id, flush=True)
time.sleep(100)
"""


def start_server(runs, steps):
    """Something that launches runs and then serves on, as the pages' server does."""
    return subprocess.Popen(
        [sys.executable, "-c", SERVER, str(runs), str(steps)],
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def kill_server(server):
    os.killpg(server.pid, signal.SIGKILL)
    server.stdout.close()
    server.wait()


def test_a_server_that_is_killed_takes_no_run_with_it(home, store):
    server = start_server(2, 60)
    ids = [server.stdout.readline().strip() for _ in range(2)]
    wait_until(lambda: store.get(ids[0]).state == State.RUNNING)
    kill_server(server)
    ended = [reaches(store, store.get(name), *ENDED) for name in ids]
    assert [run.state for run in ended] == [State.FINISHED] * 2
    assert [run.attempt for run in ended] == [1, 1]


def test_two_servers_of_one_workspace_start_every_run_once(home, store):
    servers = [start_server(3, 6) for _ in range(2)]
    ids = [server.stdout.readline().strip() for server in servers for _ in range(3)]
    ended = [reaches(store, store.get(name), *ENDED) for name in ids]
    for server in servers:
        kill_server(server)
    assert len(set(ids)) == 6 and {run.state for run in ended} == {State.FINISHED}
    for run in ended:
        pids = store.curves(run.id, ["pid"])["pid"].values
        assert len(pids) == 6 and len(set(pids)) == 1 and run.attempt == 1
    in_order = sorted(ended, key=lambda run: run.started)
    assert all(one.ended <= next_.started for one, next_ in pairwise(in_order)), "two at a time"


def test_a_folder_that_was_removed_is_said_and_the_run_can_be_started_anew(
    store,
    home,
    launch,  # noqa: F811
    capsys,
):
    run = reaches(store, launch(behaviour=quick.FAULT), State.FAILED)
    wait_until(lambda: not processes.is_running(run.process))
    shutil.rmtree(run.folder)
    for command in (
        ["runs", "list"],
        ["runs", "show", run.id],
        ["runs", "logs", run.id],
        ["runs", "checkpoints", run.id],
        ["runs", "rebuild"],
        ["report", run.id, "--out", str(home / "report.html")],
    ):
        assert cli.main(command) in (0, 2), command
        said = capsys.readouterr()
        assert "Traceback" not in said.err and (said.out or said.err), command
    assert store.get(run.id).cause and store.curves(run.id)["loss"].steps[-1] == 5
    operations.resume(store, run.id, {"seed": quick.FINISH})
    run = reaches(store, run, *ENDED)
    assert run.state == State.FINISHED and run.facts["first_step"] == 0
    shutil.rmtree(run.folder)
    assert cli.main(["runs", "delete", run.id, "--yes"]) == 0 and not store.runs()


def test_a_folder_removed_in_mid_run_ends_it_with_a_reason_or_is_made_anew(
    store,
    home,
    launch,  # noqa: F811
):
    run = launch(steps=100)
    wait_until(lambda: store.get(run.id).step > 5)
    # The run may write a file meanwhile, which stays.
    shutil.rmtree(run.folder, ignore_errors=True)
    run = reaches(store, run, *ENDED)
    assert run.state == State.FINISHED or run.cause, run
    assert store.curves(run.id)["loss"].steps[0] == 1


def test_a_clock_set_back_neither_kills_a_stopping_run_early_nor_lets_it_stay(
    store,
    home,
    launch,  # noqa: F811
    monkeypatch,
):
    operations.pause(store, True)
    run = launch()
    asked = dataclasses.replace(run, stop_asked=1000.0, kill_at=1060.0)
    for clock in (1000.0 - 86_400, 1001.0):
        ticks = [5.0]
        times = SimpleNamespace(time=lambda clock=clock: clock, monotonic=lambda t=ticks: t[0])
        monkeypatch.setattr(sys.modules[Patience.__module__], "time", times)
        patience = Patience()
        assert not patience.is_over(asked)
        ticks[0] += 50
        assert not patience.is_over(asked)
        ticks[0] += 11
        assert patience.is_over(asked) and not patience.is_over(run)


def test_a_clock_set_back_leaves_times_that_make_sense(store, home):
    from tests.runs.test_store import add

    run, now = add(store), time.time()
    store.change_state(run.id, State.STARTING, moment=now)
    store.change_state(run.id, State.RUNNING, moment=now + 1)
    yesterday = now - 86_400
    store.log(run.id, 1, 0.1, {"loss": 1.0}, now + 2)
    store.log(run.id, 2, 0.2, {"loss": 0.5}, yesterday)
    store.log_hardware(run.id, {"cpu": 1.0}, yesterday)
    store.change_state(run.id, State.STOPPED, moment=yesterday + 5)
    run = store.get(run.id)
    assert run.seconds_spent(yesterday + 6) == 0 and run.step == 2 and run.has_ended
    assert list(store.curves(run.id)["loss"].values) == [1.0, 0.5]
    assert cli.main(["runs", "show", run.id]) == 0
    assert cli.main(["report", run.id, "--out", str(home / "report.html")]) == 0
    store.change_state(run.id, State.QUEUED, moment=yesterday + 7)
    assert store.get(run.id).earlier_seconds == 0


def test_a_store_that_another_process_holds_for_long_says_so(store, home, monkeypatch, capsys):
    from distmat.jobs.store import database

    monkeypatch.setattr(database, "PATIENCE", 0.1)
    with store._db.transaction(), RunStore(home) as other:
        capsys.readouterr()
        with pytest.raises(Exception, match="is kept busy by another process; try again"):
            other.pause(True)
