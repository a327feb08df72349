"""Real schedulers and workers, with a trainer that needs no PyTorch."""

import http.server
import itertools
import json
import os
import signal
import threading
import time
from pathlib import Path

import psutil
import pytest

from distmat.errors import ConfigError, DatasetError, RunError
from distmat.jobs import processes, scheduler
from distmat.jobs.backends import local
from distmat.jobs.commands import worker_command
from distmat.jobs.lock import ProcessLock
from distmat.jobs.processes import ProcessIdentity
from distmat.jobs.states import ENDED, Cause, State
from distmat.runs import operations
from distmat.runs.store import RunStore
from distmat.training.config import TrainingConfig
from tests.runs.conftest import end_all, scheduler_of, wait_until
from tests.runs.quick_trainer import sitecustomize as quick

QUICK = Path(__file__).parent / "quick_trainer"


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("DISTMAT_HOME", str(tmp_path))
    monkeypatch.setenv("PYTHONPATH", str(QUICK))
    monkeypatch.setattr(scheduler, "IDLE", 2.0)
    yield tmp_path
    end_all(tmp_path)


@pytest.fixture
def launch(store):
    def launched(name="quick", steps=10, behaviour=quick.FINISH, **options):
        config = TrainingConfig(
            train="synthetic",
            val="synthetic",
            output=name,
            max_steps=steps,
            evaluate_every=4,
            seed=behaviour,
        )
        return operations.launch(store, config, **options)

    return launched


def reaches(store, run, *states, seconds=30):
    return wait_until(lambda: (now := store.get(run.id)).state in states and now, seconds)


def test_a_run_goes_through_its_states_and_the_scheduler_ends_when_idle(store, home, launch):
    before = time.monotonic()
    run = launch()
    assert time.monotonic() - before < 2 and run.state == State.QUEUED
    run = reaches(store, run, State.FINISHED)
    assert (run.step, run.total_steps, run.attempt) == (10, 10, 1)
    assert run.cause_kind == Cause.DONE and run.ended > run.started > run.created
    assert [event.text for event in store.events(run.id) if event.kind == "state"] == [
        "Queued",
        "Starting",
        "Running",
        "Finished",
    ]
    assert len(store.curves(run.id)["loss"]) == 10
    assert run.environment["python"] and run.environment["machine"]["processors"]
    assert run.devices == ("cpu",) and json.loads((run.folder / "evaluation.json").read_text())
    assert not (run.folder / ".ballast").exists()
    wait_until(lambda: not processes.is_running(run.process))
    assert operations.disk_used(run) > 2000
    wait_until(lambda: scheduler_of(home) is None, 10)


def test_runs_start_one_at_a_time_in_their_order_which_can_be_changed(store, home, launch):
    operations.pause(store, True)
    runs = {name: launch(name, steps=8) for name in "abcde"}
    operations.reorder(store, runs["e"].id, 0)
    operations.stop(store, runs["c"].id)
    # A scheduler that came, looked and went has started none of them.
    wait_until(lambda: scheduler_of(home))
    wait_until(lambda: not scheduler_of(home))
    assert [store.get(run.id).state for run in runs.values()] == [
        State.STOPPED if name == "c" else State.QUEUED for name in runs
    ]
    operations.pause(store, False)
    ended = {name: reaches(store, runs[name], State.FINISHED) for name in "eabd"}
    order = sorted(ended, key=lambda name: ended[name].started)
    assert order == ["e", "a", "b", "d"]
    for earlier, later in itertools.pairwise(order):
        assert ended[earlier].ended <= ended[later].started
    assert store.get(runs["c"].id).cause == "Taken out of the queue."


def test_a_run_that_is_wanted_now_waits_for_nobody(store, home, launch):
    operations.pause(store, True)
    waiting = launch("waiting")
    now = launch("now", immediate=True)
    reaches(store, now, State.FINISHED)
    assert store.get(waiting.id).state == State.QUEUED


def test_the_scheduler_killed_starts_nothing_twice_and_loses_nothing(store, home, launch):
    long = launch("long", steps=150)
    waiting = launch("waiting")
    reaches(store, long, State.RUNNING)
    first = scheduler_of(home)
    os.kill(first.pid, signal.SIGKILL)
    # The system takes a moment to let its lock go.
    wait_until(lambda: not scheduler.is_scheduling(home))
    with RunStore(home) as other:  # two that look at the same time
        for viewer in (store, other, store):
            operations.reconcile(viewer)
    second = wait_until(lambda: (now := scheduler_of(home)) != first and now)
    long, waiting = (reaches(store, run, State.FINISHED) for run in (long, waiting))
    assert (long.attempt, waiting.attempt) == (1, 1) and long.ended <= waiting.started
    pids = store.curves(long.id, ["pid"])["pid"].values
    assert len(pids) == 150 and len(set(pids)) == 1
    assert scheduler_of(home) == second


def test_many_who_look_at_once_start_one_scheduler(store, home, monkeypatch):
    store.add(TrainingConfig(train="synthetic", val="synthetic"))
    started = []
    start = processes.start
    monkeypatch.setattr(processes, "start", lambda *a: started.append(start(*a)) or started[-1])
    viewers = [threading.Thread(target=operations.reconcile, args=(store,)) for _ in range(20)]
    for viewer in viewers:
        viewer.start()
    for viewer in viewers:
        viewer.join()
    assert len(started) == 1
    assert wait_until(lambda: scheduler_of(home)) == started[0]


def test_a_scheduler_ends_with_its_workspace(store, home, launch):
    operations.pause(store, True)
    launch()
    process = wait_until(lambda: scheduler_of(home))
    (home / "runs.sqlite").rename(home / "elsewhere.sqlite")
    wait_until(lambda: not processes.is_running(process), 5)
    (home / "elsewhere.sqlite").rename(home / "runs.sqlite")


def test_a_run_claimed_by_a_scheduler_that_died_is_started_by_the_next(
    store, home, launch, monkeypatch
):
    operations.pause(store, True)
    run = launch()
    store.change_state(run.id, State.STARTING)
    monkeypatch.setattr(local, "PATIENCE", 0.0)
    worker = ProcessLock(run.folder / ".lock")
    work = scheduler.Scheduler(store)
    work.tick()
    assert store.get(run.id).state == State.QUEUED
    operations.pause(store, False)
    reaches(store, run, State.FINISHED)
    assert worker.take(patience=10)
    worker.release()


def test_the_second_worker_of_a_run_leaves_it_alone(store, home, launch):
    run = launch(steps=2000)
    reaches(store, run, State.RUNNING)
    second = processes.start(worker_command(run), home / "second.txt")
    wait_until(lambda: not processes.is_running(second))
    wait_until(lambda: processes.exit_code(second) == 0)
    assert store.get(run.id).state == State.RUNNING and store.get(run.id).process.pid != second.pid
    operations.stop(store, run.id)
    reaches(store, run, State.STOPPED)


def test_a_stopped_run_goes_on_where_it_stopped(store, home, launch):
    run = launch(steps=60)
    wait_until(lambda: store.get(run.id).step > 5)
    operations.stop(store, run.id)
    run = reaches(store, run, State.STOPPED)
    step = run.step
    assert run.cause_kind == Cause.ASKED and f"checkpoint-{step}" in run.cause and step < 60
    with pytest.raises(RunError, match="isn't running"):
        operations.stop(store, run.id)
    operations.resume(store, run.id, {"max_steps": 70}, accept_changed_data=True)
    run = reaches(store, run, State.FINISHED)
    assert run.step == 70 and run.attempt == 2 and run.facts["first_step"] == step
    assert run.facts["accepted"] is True
    pids = store.curves(run.id, ["pid"])["pid"]
    assert list(pids.steps) == list(range(1, 71)) and len(set(pids.values)) == 2
    with pytest.raises(RunError, match="finished all its steps; duplicate it"):
        operations.resume(store, run.id)


def test_a_run_that_does_not_listen_is_killed_after_the_grace_period(store, home, launch):
    run = launch(steps=2000, behaviour=quick.DEAF)
    wait_until(lambda: store.get(run.id).step > 5)
    before = time.monotonic()
    operations.stop(store, run.id, grace=1.0)
    assert time.monotonic() - before < 1
    run = reaches(store, run, State.STOPPED)
    assert run.cause.startswith("Stopped before it could write a checkpoint; resuming goes on")
    assert not processes.is_running(run.process)


@pytest.mark.parametrize(
    ("behaviour", "state", "kind", "words"),
    [
        (quick.FAULT, State.FAILED, Cause.BUG, "KeyError: 'no such thing'"),
        (quick.DIVERGE, State.FAILED, Cause.NAN, "The loss became NaN at step 5"),
        (quick.KILL, State.CRASHED, Cause.OUT_OF_MEMORY, "The log ends with: working hard"),
        (quick.FULL, State.FAILED, Cause.DISK_FULL, "is full; free some space and resume"),
        (quick.LEAVE, State.CRASHED, Cause.BUG, "ended with code 3"),
        (quick.SEGFAULT, State.CRASHED, Cause.SIGNAL, "SIGSEGV"),
        (quick.MEMORY, State.FAILED, Cause.OUT_OF_MEMORY, "memory isn't enough"),
    ],
)
def test_an_end_is_told_with_its_cause_and_can_be_resumed(
    store, home, launch, behaviour, state, kind, words
):
    run = reaches(store, launch(behaviour=behaviour), state)
    assert run.cause_kind == kind and words in run.cause
    assert run.step == 5
    operations.resume(store, run.id)
    run = reaches(store, run, State.FINISHED)
    assert list(store.curves(run.id)["loss"].steps) == list(range(1, 11))


def test_several_processes_are_one_run_and_none_outlives_the_others(store, home, launch):
    run = launch(steps=1000, backend="torchrun", backend_settings={"processes": 2})
    run = wait_until(lambda: (now := store.get(run.id)).step > 3 and now)
    agent = psutil.Process(run.process.pid).parent()
    workers = agent.children()
    assert len(workers) == 2 and run.process.pid in {worker.pid for worker in workers}
    agent.kill()
    run = reaches(store, run, State.STOPPED)
    assert run.cause_kind == Cause.SIGNAL and f"checkpoint-{run.step}" in run.cause
    for worker in workers:
        wait_until(lambda w=worker: not w.is_running() or w.status() == psutil.STATUS_ZOMBIE)


def test_a_signal_from_outside_is_told_apart_from_a_person(store, home, launch):
    run = launch(steps=500)
    run = wait_until(lambda: (now := store.get(run.id)).step > 5 and now)
    os.kill(run.process.pid, signal.SIGTERM)
    run = reaches(store, run, State.STOPPED)
    assert run.cause_kind == Cause.SIGNAL and "signal from outside" in run.cause


def test_without_a_scheduler_whoever_looks_finds_the_dead(store, home, launch):
    run = launch(steps=500)
    run = wait_until(lambda: (now := store.get(run.id)).step > 5 and now)
    for process in (scheduler_of(home), run.process):
        os.kill(process.pid, signal.SIGKILL)
        wait_until(lambda p=process: not processes.is_running(p))
    wait_until(lambda: not scheduler.is_scheduling(home))
    # Another process got the number: the run is dead all the same.
    store.attach(run.id, ProcessIdentity(os.getpid(), run.process.created - 99), "here")

    def found():
        # A second scheduler may have been on its way; then it's the one that finds out.
        operations.reconcile(store)
        now = store.get(run.id)
        return now.has_ended and now

    run = wait_until(found)
    assert run.state == State.CRASHED and run.cause_kind == Cause.LOST
    assert "The process is gone" in run.cause


def test_a_webhook_is_told_of_the_end_once(store, home, launch):
    received = []

    class Hook(http.server.BaseHTTPRequestHandler):
        def do_POST(self):
            received.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            # The first call isn't taken.
            self.send_response(500 if len(received) == 1 else 200)
            self.end_headers()

        def log_message(self, *_):
            pass

    server = http.server.HTTPServer(("127.0.0.1", 0), Hook)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    run = launch(behaviour=quick.FAULT, webhook=f"http://127.0.0.1:{server.server_port}/hook")
    reaches(store, run, State.FAILED)
    wait_until(lambda: len(received) == 2)
    wait_until(lambda: not store.to_notify())
    server.shutdown()
    server.server_close()
    thread.join()
    assert received[1]["event"] == "failed" and "no such thing" in received[1]["text"]
    assert received[1]["run"]["id"] == run.id and len(received) == 2


def test_a_sweep_is_every_value_with_every_other_or_side_by_side(store, home, monkeypatch):
    monkeypatch.setattr(operations, "ensure_scheduler", lambda home: None)
    config = TrainingConfig(train="synthetic", val="synthetic")
    values = {"learning_rate": ["1e-3", 3e-4], "seed": [0, 1]}
    grid = operations.sweep(config, values)
    assert [(c.learning_rate, c.seed) for c in grid] == [(1e-3, 0), (1e-3, 1), (3e-4, 0), (3e-4, 1)]
    assert [c.seed for c in operations.sweep(config, values, "list")] == [0, 1]
    runs = operations.launch_sweep(store, grid, "rates", tags=["t"])
    assert [run.name for run in runs][1] == "rates learning_rate=0.001 seed=1"
    assert [run.id for run in store.list_queued()] == [run.id for run in runs]
    assert {run.group for run in runs} == {"rates"} and runs[0].tags == ("t",)
    with pytest.raises(ConfigError, match="as many values"):
        operations.sweep(config, {"seed": [0], "layers": [1, 2]}, "list")
    with pytest.raises(ConfigError, match="layers is 0"):
        operations.sweep(config, {"layers": [0]})
    with pytest.raises(ConfigError, match="at least one"):
        operations.sweep(config, {})
    with pytest.raises(ConfigError, match="at most 500"):
        operations.sweep(config, {"seed": range(501)})


def test_a_duplicate_has_the_settings_of_its_origin(store, home, launch, monkeypatch):
    monkeypatch.setattr(operations, "ensure_scheduler", lambda home: None)
    first = launch("first", tags=["x"])
    copy = operations.duplicate(store, first.id, {"learning_rate": 0.5}, name="second")
    assert first.config.differences(copy.config).keys() == {"learning_rate", "output"}
    assert (copy.name, copy.origin, copy.tags) == ("second", first.id, ("x",))
    assert copy.folder != first.folder


def test_a_deleted_run_is_gone_with_its_folder(store, home, launch):
    run = reaches(store, launch(), State.FINISHED)
    assert run.folder.exists()
    operations.delete(store, run.id)
    assert not run.folder.exists() and list((home / "runs").iterdir()) == []
    with pytest.raises(RunError, match="There is no run"):
        store.get(run.id)


@pytest.mark.parametrize(
    ("changes", "error", "words"),
    [
        ({"train": "nowhere"}, DatasetError, "There is no dataset 'nowhere'"),
        ({}, RunError, "There is no backend 'cloud'"),
    ],
)
def test_what_cannot_start_is_not_queued(store, home, changes, error, words):
    config = TrainingConfig(**{"train": "synthetic", "val": "synthetic", **changes})
    with pytest.raises(error, match=words):
        operations.launch(store, config, backend="local" if changes else "cloud")
    assert not store.runs()


def test_two_sweeps_of_ten_runs_keep_their_order_and_all_end_right(store, home):
    config = TrainingConfig(train="synthetic", val="synthetic", max_steps=6)
    rates = operations.sweep(config, {"learning_rate": [1e-3, 2e-3, 3e-3, 4e-3, 5e-3]})
    mixed = operations.sweep(
        config, {"seed": [quick.FINISH, quick.FAULT, quick.KILL, quick.DIVERGE, quick.FINISH]}
    )
    first = operations.launch_sweep(store, rates, "rates")
    second = operations.launch_sweep(store, mixed, "seeds")
    reaches(store, first[1], State.RUNNING, State.FINISHED)
    operations.stop(store, first[3].id)
    ended = [reaches(store, run, *ENDED, seconds=60) for run in [*first, *second]]
    assert [run.state for run in ended] == [
        *[State.FINISHED] * 3,
        State.STOPPED,
        State.FINISHED,
        State.FINISHED,
        State.FAILED,
        State.CRASHED,
        State.FAILED,
        State.FINISHED,
    ]
    ran = [run for run in ended if run.started]
    assert len(ran) == 9
    for earlier, later in itertools.pairwise(ran):
        assert earlier.ended <= later.started, "two at a time"
    assert {run.id for run in store.runs(group="seeds")} == {run.id for run in second}
