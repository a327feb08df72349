"""A tiny training, and a workspace whose processes end with the test."""

import time

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from distmat.jobs import processes
from distmat.jobs.lock import ProcessLock
from distmat.jobs.processes import ProcessIdentity
from distmat.runs.store import RunStore
from distmat.training.config import TrainingConfig

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
    while not (result := condition()):
        assert time.monotonic() < deadline, "it took too long"
        time.sleep(pause)
        pause = min(1.2 * pause, 0.06)
    return result


@pytest.fixture(scope="session")
def dataset(tmp_path_factory):
    """Helices of alanine and leucine, strands of valine and threonine."""
    rng = np.random.default_rng(0)
    rows = []
    for index in range(16):
        n = int(rng.integers(20, 27))
        i = np.arange(n)
        turn = np.radians(100) * i
        helix = np.stack([2.3 * np.cos(turn), 2.3 * np.sin(turn), 1.5 * i], axis=1)
        strand = np.stack([0.9 * (i % 2), 0.0 * i, 3.3 * i], axis=1)
        letters, shape = (("AL", helix), ("VT", strand))[index % 2]
        rows.append((f"c{index}", "".join(rng.choice(list(letters), n)), shape.ravel()))
    columns = dict(zip(("id", "sequence", "ca"), map(list, zip(*rows, strict=True)), strict=True))
    path = tmp_path_factory.mktemp("data") / "shapes.parquet"
    pq.write_table(pa.table(columns), path)
    return path


@pytest.fixture(scope="session")
def tiny(dataset):
    """Makes configs that train in a second, PyTorch's start aside."""

    def config(**changes) -> TrainingConfig:
        settings = {"train": str(dataset), "val": str(dataset), "output": "tiny"}
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
