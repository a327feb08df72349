"""What a diagnosis rests on."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from distmat.jobs.store.curve import Curve
from distmat.runs.checkpoints import CheckpointFiles
from distmat.runs.run import Run
from distmat.training.config import TrainingConfig


@dataclass(frozen=True)
class Evidence:
    """What a diagnosis rests on.

    Parameters
    ----------
    run : Run
    config : TrainingConfig or None
        None if it is of another version.
    curves, hardware : mapping of str to Curve
    checkpoints : sequence of CheckpointFiles
    first_nan : int or None
        Step of the first loss that is no number.
    free : int or None
        Bytes left on the disk.
    now : float
        Seconds since 1970.
    """

    run: Run
    config: TrainingConfig | None
    curves: Mapping[str, Curve]
    hardware: Mapping[str, Curve]
    checkpoints: Sequence[CheckpointFiles]
    first_nan: int | None
    free: int | None
    now: float

    def curve(self, name: str) -> Curve:
        """Its finite points; empty if it was never logged."""
        empty = np.empty(0)
        return self.curves.get(name, Curve(empty.astype(int), empty, empty, empty)).finite()


def newer_half(curve: Curve) -> tuple[np.ndarray, np.ndarray]:
    """The third and the fourth quarter of the steps."""
    newer = curve.values[len(curve) // 2 :]
    return newer[: len(newer) // 2], newer[len(newer) // 2 :]


def level(values: np.ndarray) -> float:
    """What the values usually are, whatever a few of them say."""
    return float(np.median(values))
