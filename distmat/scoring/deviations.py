"""Whether a predictor's standard deviations hold, and what to multiply them by if they don't."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from distmat.protein.arrays import PairTable
from distmat.protein.distance_map import BANDS, in_band, separation

WITHIN_ONE, WITHIN_TWO = 0.68, 0.95
"""Share of the errors that lie within one and two deviations, where deviations are right."""

_BOND, _NEAREST = 3.9, 2.8
"""Å: Cα atoms of neighbours are no farther apart, and those of a cis bond no nearer."""


@dataclass(frozen=True)
class Coverage:
    """How many of a map's errors its standard deviations cover, by band.

    Parameters
    ----------
    pairs, within_one, within_two : ndarray, shape=(4,), dtype=int
        Observed pairs of each of `BANDS`, and how many of them are off by at most one and two
        deviations.
    """

    pairs: np.ndarray
    within_one: np.ndarray
    within_two: np.ndarray

    def __add__(self, other: "Coverage") -> "Coverage":
        return Coverage(
            self.pairs + other.pairs,
            self.within_one + other.within_one,
            self.within_two + other.within_two,
        )

    def as_dict(self) -> dict[str, dict[str, float]]:
        """For JSON: shares by band; a band without a pair is left out."""
        return {
            band: {
                "within_1_std": round(float(one / pairs), 4),
                "within_2_std": round(float(two / pairs), 4),
            }
            for band, pairs, one, two in zip(
                BANDS, self.pairs, self.within_one, self.within_two, strict=True
            )
            if pairs
        }


def coverage(distances: PairTable, std: PairTable, true: PairTable) -> Coverage:
    """Count the errors of one map that its deviations cover.

    Parameters
    ----------
    distances, std, true : ndarray, shape=(N, N), dtype=float
        Å; pairs with NaN in any of them don't count.
    """
    counts = np.zeros((3, len(BANDS)), dtype=int)
    for column, band in enumerate(BANDS):
        ratio = _errors_in_deviations(distances, std, true, band)
        counts[:, column] = len(ratio), (ratio <= 1).sum(), (ratio <= 2).sum()
    return Coverage(*counts)


def fit_std_factors(
    maps: Iterable[tuple[np.ndarray, np.ndarray, np.ndarray]],
) -> dict[str, float]:
    """What to multiply a predictor's deviations by in each band, so that they hold.

    The factor lies halfway between what would put 68 % of the errors within one deviation and
    what would put 95 % within two: errors have longer tails than a normal distribution's.

    Parameters
    ----------
    maps : iterable of (ndarray, ndarray, ndarray), shape=(N, N), dtype=float
        Predicted distance, its deviation and the true distance of all pairs, Å, of chains that
        the predictor hasn't learned from.

    Returns
    -------
    dict of str to float
        By the names in `BANDS`; 1 for a band without a pair.
    """
    ratios: dict[str, list[np.ndarray]] = {band: [np.zeros(0)] for band in BANDS}
    for distances, std, true in maps:
        for band, parts in ratios.items():
            parts.append(_errors_in_deviations(distances, std, true, band))
    factors = {}
    for band, parts in ratios.items():
        ratio = np.concatenate(parts)
        factors[band] = 1.0
        if len(ratio):
            one, two = np.quantile(ratio, WITHIN_ONE), np.quantile(ratio, WITHIN_TWO) / 2
            factors[band] = round(float((one + two) / 2), 4)
    return factors


def scale_std(std: PairTable, factors: dict[str, float]) -> np.ndarray:
    """Deviations multiplied by their band's factor, of which neighbours share the first one.

    Parameters
    ----------
    std : ndarray, shape=(N, N), dtype=float
        Å.
    factors : dict of str to float
        By the names in `BANDS`; 1 where one is missing.
    """
    begins = [first for first, _ in BANDS.values()]
    band = np.searchsorted(begins, separation(len(std)), side="right") - 1
    factor = np.array([factors.get(name, 1.0) for name in BANDS])[np.maximum(band, 0)]
    return np.asarray(std * factor)


def most_std(n: int) -> PairTable:
    """The largest deviation that a distance along a chain can have, Å; shape=(n, n).

    Half of what lies between its bounds (Popoviciu's inequality): no nearer than the Cα atoms of
    a cis bond, no farther than the stretched chain.
    """
    bounds = 0.5 * (_BOND * separation(n) - _NEAREST)
    return np.maximum(bounds, 0.0)


def _errors_in_deviations(
    distances: np.ndarray, std: np.ndarray, true: np.ndarray, band: str
) -> np.ndarray:
    inside = in_band(len(distances), band)
    error = np.abs(distances[inside] - true[inside])
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = error / std[inside]
    return np.asarray(ratio[~np.isnan(ratio)])
