"""Who gets which device, decided without starting anything."""

import pytest

from distmat.errors import RunError
from distmat.jobs import scheduler
from distmat.jobs.hardware import Gpu
from distmat.jobs.processes import ProcessIdentity
from distmat.jobs.scheduler import Scheduler
from distmat.jobs.states import Cause, State
from distmat.runs.store import RunStore
from distmat.training.config import TrainingConfig


@pytest.fixture
def store(tmp_path):
    with RunStore(tmp_path) as opened:
        yield opened


@pytest.fixture
def started(monkeypatch):
    """What would have been started: run id, and the GPUs it would have seen."""
    calls = []

    def start(arguments, log, environment):
        if "torch.distributed.run" in arguments:
            assert arguments[arguments.index("-m", 3) :][:2] == ["-m", "distmat.jobs.worker"]
        calls.append((arguments[-1], environment.get("CUDA_VISIBLE_DEVICES")))
        return ProcessIdentity(10**8, 1.0)

    monkeypatch.setattr(scheduler.processes, "start", start)
    monkeypatch.setattr(scheduler.processes, "is_running", lambda identity: True)
    return calls


def with_gpus(monkeypatch, count):
    found = [Gpu(index, "H100", "550", 80 * 2**30) for index in range(count)]
    monkeypatch.setattr(scheduler, "gpus", lambda: found)


def add(store, device="auto", **options):
    return store.add(TrainingConfig(device=device), **options)


def test_each_gpu_has_one_run_and_the_processor_one_beside(store, started, monkeypatch):
    with_gpus(monkeypatch, 2)
    runs = [add(store) for _ in range(3)]
    on_cpu = [add(store, "cpu") for _ in range(2)]
    work = Scheduler(store)
    work.tick()
    work.tick()
    assert started == [(runs[0].id, "0"), (runs[1].id, "1"), (on_cpu[0].id, None)]
    assert store.get(runs[1].id).devices == ("cuda:1",)
    store.change_state(runs[0].id, State.FINISHED)
    work.tick()
    assert started[3:] == [(runs[2].id, "0")]


def test_without_a_gpu_one_run_has_the_machine(store, started, monkeypatch):
    with_gpus(monkeypatch, 0)
    runs = [add(store), add(store, "cpu"), add(store, backend="torchrun")]
    work = Scheduler(store)
    for run in runs:
        work.tick()
        work.tick()
        assert started[-1][0] == run.id
        store.change_state(run.id, State.FAILED)
    assert len(started) == 3


def test_nobody_overtakes_a_run_that_waits_for_two_gpus(store, started, monkeypatch):
    with_gpus(monkeypatch, 2)
    one = add(store)
    two = add(store, backend="torchrun", backend_settings={"processes": 2})
    three = add(store)
    work = Scheduler(store)
    work.tick()
    assert [run_id for run_id, _ in started] == [one.id]
    store.change_state(one.id, State.FINISHED)
    work.tick()
    assert started[1:] == [(two.id, "0,1")]
    store.change_state(two.id, State.FINISHED)
    work.tick()
    assert started[2:] == [(three.id, "0")]


def test_a_run_that_is_wanted_now_shares_a_device(store, started, monkeypatch):
    with_gpus(monkeypatch, 1)
    runs = [add(store), add(store), add(store, immediate=True)]
    Scheduler(store).tick()
    assert started == [(runs[0].id, "0"), (runs[2].id, "0")]


def test_a_process_that_cannot_start_fails_the_run_and_the_next_one_starts(
    store, started, monkeypatch
):
    with_gpus(monkeypatch, 0)
    broken, whole = add(store), add(store)
    start = scheduler.processes.start

    def fails(arguments, log, environment):
        if arguments[-1] == broken.id:
            raise RunError("'python' can't be started; check the disk.")
        return start(arguments, log, environment)

    monkeypatch.setattr(scheduler.processes, "start", fails)
    Scheduler(store).tick()
    run = store.get(broken.id)
    assert (run.state, run.cause_kind) == (State.FAILED, Cause.INPUT)
    assert "can't be started" in run.cause and started == [(whole.id, None)]


def test_settings_of_another_version_fail_the_run_with_the_name(store, started, monkeypatch):
    run = add(store)
    store._set(run.id, settings='{"colour": "red"}')
    Scheduler(store).tick()
    assert "no setting 'colour'" in store.get(run.id).cause and not started
