"""A tiny training, and a workspace whose processes end with the test."""

import time

import pytest

from distmat.jobs import processes
from distmat.jobs.lock import ProcessLock
from distmat.jobs.processes import ProcessIdentity
from distmat.runs.store import RunStore
from distmat.training.config import TrainingConfig
from tests.training.conftest import write_shapes

TINY = {
    "hidden_size": 16,
    "layers": 1,
    "attention_heads": 2,
    "pair_width": 8,
    "triangle_rank": 4,
    "dilations": (1,),
    "bins": 48,
    "crops": (32,),
    "pairs_per_batch": 2 * 32**2,
    "max_steps": 12,
    "warmup_steps": 2,
    "learning_rate": 1e-2,
    "log_every": 1,
    "evaluate_every": 4,
    "evaluation_chains": 3,
    "evaluation_max_length": 64,
    "device": "cpu",
}


def wait_until(condition, seconds=120.0):
    """What the condition says once it says something; asked less often what takes longer."""
    deadline = time.monotonic() + seconds
    pause = 0.01
    while True:
        asked = time.monotonic()
        if result := condition():
            return result
        now = time.monotonic()
        assert now < deadline, "it took too long"
        pause = min(1.2 * pause, 0.06)
        time.sleep(max(pause, min(3 * (now - asked), 1.0)))


@pytest.fixture(scope="session")
def dataset(tmp_path_factory):
    """Helices of alanine and leucine, strands of valine and threonine."""
    return write_shapes(tmp_path_factory.mktemp("data") / "shapes.parquet", 16)


@pytest.fixture(scope="session")
def tiny(dataset, tmp_path_factory):
    """Makes configs that train in a second, PyTorch's start aside."""
    few = write_shapes(tmp_path_factory.mktemp("data") / "few.parquet", 4, seed=1)

    def config(**changes) -> TrainingConfig:
        settings = {"train": str(dataset), "val": str(few), "output": "tiny"}
        return TrainingConfig().with_settings({**settings, **TINY, **changes})

    return config


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """A workspace of this test module."""
    folder = tmp_path_factory.mktemp("workspace")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DISTMAT_HOME", str(folder))
        # Two threads beside another busy process are far slower than one.
        patch.setenv("OMP_NUM_THREADS", "1")
        yield folder
        end_all(folder)


def scheduler_of(folder) -> ProcessIdentity | None:
    """The process that holds the scheduler's lock."""
    holder = ProcessLock(folder / "scheduler.lock").holder()
    return None if holder is None else processes.identify(holder)


def end_all(folder) -> None:
    """No process of the workspace is left."""
    scheduler = scheduler_of(folder)
    if scheduler:
        processes.kill(scheduler)
    with RunStore(folder) as store:
        for run in store.list_active():
            if run.process:
                processes.kill(run.process)


@pytest.fixture
def store(home):
    with RunStore(home) as opened:
        yield opened
