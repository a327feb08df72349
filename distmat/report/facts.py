"""What is known of a run at one moment, gathered from the store and the run's files."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np

from distmat.jobs.store.curve import Curve
from distmat.runs.checkpoints import CheckpointFiles
from distmat.runs.diagnosis.finding import Finding


@dataclass(frozen=True)
class DataFacts:
    """One split that the run uses; distances in Å over the chains' observed pairs."""

    name: str
    split: str
    chains: int | None
    clusters: int | None = None
    mean: float | None = None
    std: float | None = None
    shortest: float | None = None
    longest: float | None = None
    highest_identity_to_train: float | None = None
    """0 to 1; None where no leak report is kept with the dataset, or no pair aligns."""
    leaks: str = ""
    """What the dataset's card says of relatives across its splits."""


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
class ChainFacts:
    """One scored chain of the final evaluation; MAE in Å."""

    name: str
    mae: float
    baseline_mae: float
    pearson: float


@dataclass(frozen=True)
class StepRow:
    """A logged step; None where a metric wasn't logged."""

    step: int
    epoch: float
    loss: float | None
    grad_norm: float | None
    learning_rate: float | None


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
    metrics: Mapping[str, Curve]
    rows: tuple[StepRow, ...]
    """The table of steps: few, with both ends and the extremes."""
    config: Mapping[str, object]
    start_facts: Mapping[str, Any]
    """What the trainer said when it began: parameters, device, precision and the like."""
    environment: Mapping[str, str]
    hardware: Hardware | None
    checkpoints: tuple[CheckpointFiles, ...]
    final: tuple[tuple[str, int], ...]
    """Files of the final model and their sizes in bytes."""
    folder: Path
    log: tuple[str, ...]
    findings: tuple[Finding, ...]
    data: tuple[DataFacts, ...]
    chains: tuple[ChainFacts, ...] | None

    def curve(self, name: str) -> Curve:
        """That metric, empty where it was never logged."""
        empty = np.empty(0)
        return self.metrics.get(name, Curve(empty.astype(int), empty, empty, empty))

    def best(self, name: str = "eval_mae") -> tuple[int, float] | None:
        """Step and value where it was lowest; None if it was never logged."""
        return self.curve(name).best()

    def at(self, name: str, step: int) -> float | None:
        """The value that was logged at that step."""
        curve = self.curve(name)
        found = np.flatnonzero(curve.steps == step)
        return float(curve.values[found[-1]]) if len(found) else None
