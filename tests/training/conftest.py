"""Chains made on the spot, small configs, and runs that many tests look at."""

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from distmat.training.config import TrainingConfig


def helix(residues: int) -> np.ndarray:
    """Cα atoms of an ideal α-helix: 100° and 1.5 Å a residue on a radius of 2.3 Å."""
    turn = np.radians(100) * np.arange(residues)
    return np.stack([2.3 * np.cos(turn), 2.3 * np.sin(turn), 1.5 * np.arange(residues)], axis=1)


def strand(residues: int) -> np.ndarray:
    """Cα atoms of an extended strand: 3.3 Å a residue, zigzag."""
    index = np.arange(residues)
    return np.stack([0.9 * (index % 2), np.zeros(residues), 3.3 * index], axis=1)


def write_shapes(path, chains: int = 24, seed: int = 0, residues=(20, 27)):
    """Helices of alanine and leucine, strands of valine and threonine: the sequence tells."""
    rng = np.random.default_rng(seed)
    rows = []
    for index in range(chains):
        n = int(rng.integers(*residues))
        letters, shape = (("AL", helix), ("VT", strand))[index % 2]
        rows.append((f"c{index}", "".join(rng.choice(list(letters), n)), shape(n).ravel()))
    columns = dict(zip(("id", "sequence", "ca"), map(list, zip(*rows, strict=True)), strict=True))
    pq.write_table(pa.table(columns), path)
    return path


@pytest.fixture(scope="session")
def dataset(tmp_path_factory):
    return write_shapes(tmp_path_factory.mktemp("data") / "shapes.parquet")


@pytest.fixture
def make_config(dataset):
    """A config of a tiny run, written to a folder, with some settings changed."""

    def config(output, **changes) -> TrainingConfig:
        return TrainingConfig(
            **{
                "train": str(dataset),
                "val": str(dataset),
                "output": str(output),
                "hidden_size": 16,
                "layers": 1,
                "attention_heads": 2,
                "pair_width": 8,
                "triangle_rank": 4,
                "dilations": (1,),
                "bins": 48,
                "crops": (32,),
                "pairs_per_batch": 4 * 32**2,
                "max_steps": 12,
                "warmup_steps": 2,
                "learning_rate": 1e-2,
                "log_every": 1,
                "evaluate_every": 6,
                "evaluation_chains": 4,
                "evaluation_max_length": 32,
                **changes,
            }
        )

    return config


@pytest.fixture(autouse=True)
def few_traces(monkeypatch):
    """To choose how far maps are stretched back takes longer than these runs do."""
    monkeypatch.setattr("distmat.training.trainer.STRETCHED", 1)
    monkeypatch.setattr("distmat.training.trainer.POWERS", (0.0, 0.5))


class Watch:
    """An observer that remembers."""

    def __init__(self) -> None:
        self.facts: dict = {}
        self.metrics: dict[int, dict[str, float]] = {}
        self.checkpoints: list[int] = []
        self.texts: list[str] = []

    def begin(self, facts):
        self.facts = facts

    def log(self, step, epoch, metrics):
        self.metrics.setdefault(step, {}).update(metrics)

    def checkpoint(self, step, folder):
        assert (folder / "training_config.json").is_file()
        self.checkpoints.append(step)

    def say(self, text):
        self.texts.append(text)

    def of(self, name: str) -> dict[int, float]:
        """One metric by step."""
        return {step: m[name] for step, m in self.metrics.items() if name in m}


@pytest.fixture
def watch():
    return Watch
