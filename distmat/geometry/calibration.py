"""How far a predictor shrinks its distances to the mean, and how to stretch them back.

What is unsure is predicted near the mean at its separation |i − j|, so that predicted maps
vary less than true ones. A trace built from such a map is neither the predicted nor the true
one: too even, and often too small.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from distmat.errors import DistanceMapError
from distmat.protein.arrays import Indices, PairTable

_LEAST_RHO = 0.04
"""Distances are stretched five times at most."""
_ENOUGH_PAIRS = 2000
"""A separation with fewer pairs borrows from its neighbours."""


@dataclass(frozen=True)
class Calibration:
    """What a predictor's maps keep of the true variation, by separation.

    Parameters
    ----------
    mean : ndarray, shape=(S,), dtype=float
        Mean predicted distance at separations 0 to S − 1, Å.
    rho : ndarray, shape=(S,), dtype=float
        Variance of the predicted distances over that of the true ones, 0 to 1. Beyond the last
        separation the last values hold.
    """

    mean: np.ndarray
    rho: np.ndarray

    def __post_init__(self) -> None:
        if self.mean.ndim != 1 or self.mean.shape != self.rho.shape or not len(self.mean):
            raise ValueError(f"mean has shape {self.mean.shape}, rho {self.rho.shape}")

    @property
    def changes_maps(self) -> bool:
        """Whether any distance is stretched at all."""
        return bool((self.rho < 1.0).any())

    def stretch(self, distances: PairTable, residue: Indices | None = None) -> PairTable:
        """Give a predicted map the spread of true ones, ``m + (P − m) / √ρ``.

        Parameters
        ----------
        distances : ndarray, shape=(N, N), dtype=float
            Å; NaN stays.
        residue : ndarray, shape=(N,), dtype=int, optional
            Rising places in the chain, where some are missing.

        Returns
        -------
        ndarray, shape=(N, N), dtype=float
            Å, never negative.
        """
        place = np.arange(len(distances)) if residue is None else residue
        apart = np.minimum(np.abs(place[:, None] - place), len(self.mean) - 1)
        gain = 1.0 / np.sqrt(np.clip(self.rho, _LEAST_RHO, 1.0))
        mean = self.mean[apart]
        stretched: np.ndarray = np.maximum(mean + (distances - mean) * gain[apart], 0.0)
        return stretched

    def raise_to(self, power: float) -> "Calibration":
        """One that stretches by ``ρ**−power`` instead of ``ρ**−½``.

        One half gives predicted maps the spread of true ones. Where a predictor's errors are
        independent enough to average out over a trace, up to 1 is better.
        """
        return Calibration(self.mean, np.maximum(self.rho, 0.0) ** (2.0 * power))

    def as_dict(self) -> dict[str, Any]:
        """For JSON, with four digits kept."""
        return {"mean": np.round(self.mean, 4).tolist(), "rho": np.round(self.rho, 4).tolist()}

    @classmethod
    def from_dict(cls, content: dict[str, Any]) -> "Calibration":
        """The inverse of `as_dict`."""
        return cls(np.array(content["mean"], dtype=float), np.array(content["rho"], dtype=float))


def fit_calibration(
    predicted_maps: Iterable[np.ndarray], true_maps: Iterable[np.ndarray]
) -> Calibration:
    """Fit a calibration on chains that the predictor hasn't learned from.

    Parameters
    ----------
    predicted_maps, true_maps : iterable of ndarray, shape=(N, N), dtype=float
        Å; pairs with NaN in either don't count.

    Raises
    ------
    DistanceMapError
        If there isn't a single pair.
    """
    sums = np.zeros((0, 5))
    for predicted, true in zip(predicted_maps, true_maps, strict=True):
        sums = _add_up(sums, predicted, true)
    seen = np.flatnonzero(sums[:, 0] > 0)
    if not len(seen):
        raise DistanceMapError("There is no pair to calibrate on; give maps with known distances.")
    count, p, pp, d, dd = sums[seen].T
    mean = p / count
    spread = np.column_stack([count, pp - p * mean, dd - d * d / count])
    _, variance, true_variance = _pool(spread).T
    rho = np.clip(variance / np.maximum(true_variance, 1e-9), 0.0, 1.0)
    every = np.arange(len(sums))
    return Calibration(
        np.interp(every, np.concatenate([[0], seen]), np.concatenate([[0.0], mean])),
        np.interp(every, seen, rho),
    )


def _add_up(sums: np.ndarray, predicted: np.ndarray, true: np.ndarray) -> np.ndarray:
    """Counts and sums of p, p², d, d² by separation, with one chain more."""
    n = len(predicted)
    if n > len(sums):
        sums = np.pad(sums, ((0, n - len(sums)), (0, 0)))
    i, j = np.triu_indices(n, 1)
    p, d = np.asarray(predicted, float)[i, j], np.asarray(true, float)[i, j]
    both = np.isfinite(p) & np.isfinite(d)
    p, d, apart = p[both], d[both], (j - i)[both]
    for column, values in enumerate((np.ones_like(p), p, p**2, d, d**2)):
        sums[:n, column] += np.bincount(apart, values, minlength=n)
    return sums


def _pool(rows: np.ndarray) -> np.ndarray:
    """Each row summed with as many neighbours as it takes to have enough pairs."""
    running = np.vstack([np.zeros(rows.shape[1]), np.cumsum(rows, axis=0)])
    pooled = np.empty_like(rows)
    for place in range(len(rows)):
        reach = 0
        while True:
            low, high = max(place - reach, 0), min(place + reach + 1, len(rows))
            pooled[place] = running[high] - running[low]
            if pooled[place, 0] >= _ENOUGH_PAIRS or (low == 0 and high == len(rows)):
                break
            reach += 1
    return pooled
