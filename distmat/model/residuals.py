"""How far off a predictor's distances are, for heads that don't say so themselves."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from distmat.protein.distance_map import separation

_SEPARATIONS = (1, 2, 3, 4, 5, 6, 8, 10, 12, 16, 20, 24, 32, 48, 64, 96, 128, 192, 256, 384, 500)
_SPREAD_NEAR = (0.06, 0.63, 2.04, 2.82, 3.23, 3.82, 4.92, 5.76, 6.46, 7.60, 8.55, 9.29)
_SPREAD_FAR = (10.09, 10.82, 11.23, 11.53, 12.20, 13.44, 15.01, 16.22, 20.21)

_ENOUGH_PAIRS = 200
"""A separation with fewer pairs borrows from the one before."""


@dataclass(frozen=True)
class Residuals:
    """Root-mean-square error of a predictor's distances by separation.

    Parameters
    ----------
    rms : ndarray, shape=(S,), dtype=float
        Å at separations 0 to S − 1; beyond the last one the last value holds.
    """

    rms: np.ndarray

    def std(self, residues: int) -> np.ndarray:
        """What to expect of each pair of a chain, Å; shape=(residues, residues)."""
        return self.rms[np.minimum(separation(residues), len(self.rms) - 1)]

    def as_dict(self) -> dict:
        """For JSON, with 0.001 Å kept."""
        return {"rms": np.round(self.rms, 3).tolist()}

    @classmethod
    def from_dict(cls, content: dict) -> "Residuals":
        """The inverse of `as_dict`."""
        return cls(np.array(content["rms"], dtype=float))


def spread_of_known_chains() -> Residuals:
    """What is to be expected of a predictor that nobody has validated.

    The standard deviation of true distances around their mean at each separation, which is
    what a predictor that knows the separation alone is off by; of 2,500 chains of the PDB of
    30 to 512 residues, no two of them similar.
    """
    spread = [0.0, *_SPREAD_NEAR, *_SPREAD_FAR]
    return Residuals(np.interp(np.arange(501), [0, *_SEPARATIONS], spread))


def fit_residuals(
    predicted_maps: Iterable[np.ndarray], true_maps: Iterable[np.ndarray]
) -> Residuals:
    """Fit on chains that the predictor hasn't learned from.

    Parameters
    ----------
    predicted_maps, true_maps : iterable of ndarray, shape=(N, N), dtype=float
        Å; pairs with NaN in either don't count.
    """
    total, count = np.zeros(1), np.zeros(1)
    for predicted, true in zip(predicted_maps, true_maps, strict=True):
        n = len(predicted)
        if n > len(total):
            total, count = (np.pad(column, (0, n - len(column))) for column in (total, count))
        i, j = np.triu_indices(n, 1)
        square = (predicted[i, j] - true[i, j]) ** 2
        seen = np.isfinite(square)
        total[:n] += np.bincount((j - i)[seen], square[seen], minlength=n)
        count[:n] += np.bincount((j - i)[seen], minlength=n)
    known = np.flatnonzero(count >= _ENOUGH_PAIRS)
    if not len(known):
        known = np.flatnonzero(count)
    if not len(known):
        return spread_of_known_chains()
    rms = np.sqrt(total[known] / count[known])
    return Residuals(np.interp(np.arange(len(total)), [0, *known], [0.0, *rms]))
