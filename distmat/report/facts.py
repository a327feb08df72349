"""What is known of a run at one moment, gathered from the store and the run's files."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Series:
    """One metric: `values` at `steps` and `epochs`, each of shape=(points,)."""

    steps: np.ndarray
    epochs: np.ndarray
    values: np.ndarray

    def __len__(self) -> int:
        return len(self.steps)

    def finite(self) -> "Series":
        """Without the points that aren't finite."""
        keep = np.isfinite(self.values)
        return Series(self.steps[keep], self.epochs[keep], self.values[keep])

    def at(self, step: int) -> float | None:
        """The value logged at that step."""
        found = np.flatnonzero(self.steps == step)
        return float(self.values[found[-1]]) if len(found) else None

    @property
    def last(self) -> float | None:
        """The newest value."""
        return float(self.values[-1]) if len(self) else None


@dataclass(frozen=True)
class DataFacts:
    """One split that the run uses; distances in Å over the chains' observed pairs."""

    name: str
    split: str
    chains: int
    clusters: int | None = None
    mean: float | None = None
    std: float | None = None
    shortest: float | None = None
    longest: float | None = None
    highest_identity_to_train: float | None = None
    """0 to 1; None where no leak report is kept with the dataset."""


@dataclass(frozen=True)
class Hardware:
    """Means over the samples taken while the run ran; None where there was nothing to ask."""

    samples: int
    cpu: float | None = None
    memory: float | None = None
    gpu_name: str = ""
    gpu: float | None = None
    gpu_memory: float | None = None
    gpu_memory_total: float | None = None
    gpu_temperature: float | None = None
    gpu_power: float | None = None


@dataclass(frozen=True)
class CheckpointFiles:
    """A folder with its files and their sizes in bytes."""

    name: str
    files: tuple[tuple[str, int], ...]
    step: int | None = None

    @property
    def size(self) -> int:
        """Of all files together, bytes."""
        return sum(size for _, size in self.files)


@dataclass(frozen=True)
class FindingFacts:
    """One diagnosis: its kind, how serious it is, and the numbers it rests on."""

    kind: str
    tone: str
    values: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True)
class ChainFacts:
    """One scored chain of the final evaluation; MAE in Å."""

    name: str
    mae: float
    baseline_mae: float
    pearson: float


@dataclass(frozen=True)
class RunFacts:
    """Everything that a report says of a run."""

    written: datetime
    id: str
    name: str
    state: str
    cause: str
    started: datetime | None
    ended: datetime | None
    step: int
    total_steps: int | None
    epoch: float | None
    elapsed: float | None
    """Seconds of training so far."""
    remaining: float | None
    """Seconds, from the speed of the latest steps."""
    metrics: Mapping[str, Series]
    config: Mapping[str, object]
    start_facts: Mapping[str, Any]
    """What the trainer said when it began: parameters, device, precision and the like."""
    environment: Mapping[str, str]
    hardware: Hardware | None
    checkpoints: tuple[CheckpointFiles, ...]
    final: CheckpointFiles | None
    folder: Path
    log: tuple[str, ...]
    findings: tuple[FindingFacts, ...]
    data: tuple[DataFacts, ...]
    chains: tuple[ChainFacts, ...] | None

    def series(self, name: str) -> Series:
        """That metric, empty where it was never logged."""
        empty = np.empty(0)
        return self.metrics.get(name, Series(empty.astype(int), empty, empty))

    def best(self, name: str = "eval_mae") -> tuple[int, float] | None:
        """Step and value where it was lowest."""
        series = self.series(name).finite()
        if not len(series):
            return None
        index = int(np.argmin(series.values))
        return int(series.steps[index]), float(series.values[index])
