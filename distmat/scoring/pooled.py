"""What all pairs of many chains say together: counts and sums that add up from chain to chain."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from distmat.geometry.secondary_structure import secondary_structure
from distmat.protein.arrays import Coords, PairTable
from distmat.protein.distance_map import BANDS, CONTACT_CUTOFF, pairwise_distances

Array = npt.NDArray[np.floating[Any]]

DISTANCE_BINS = 60
"""Of 1 Å each; the last one is open."""
SEPARATION_BINS = 1000
"""One each; the last one is open."""
PROBABILITY_BINS = 200
"""Between 0 and 1."""
STD_BINS = 40
"""Of 0.5 Å each; the last one is open."""
RATIO_BINS = 100
"""Of errors in deviations, 0.05 each; the last one is open."""
RATIO_STEP, STD_STEP = 0.05, 0.5
STRUCTURES = ("helix–helix", "helix–strand", "strand–strand", "with coil")
"""What two residues are part of."""


@dataclass(frozen=True)
class PooledPairs:
    """Counts and sums over the observed pairs i < j of any number of chains.

    Parameters
    ----------
    density : ndarray, shape=(60, 60)
        Pairs by true (rows) and predicted distance.
    separation : ndarray, shape=(3, 1000)
        Pairs of each separation, and the sums of the model's and the baseline's absolute errors, Å.
    distance : ndarray, shape=(3, 60)
        The same by true distance.
    structure : ndarray, shape=(3, 4)
        The same by `STRUCTURES`.
    contacts : ndarray, shape=(2, 2, 200)
        Pairs with |i − j| ≥ 6, and those with ≥ 24, that are no contacts and that are, by
        predicted probability.
    deviation : ndarray, shape=(3, 40)
        Pairs by predicted deviation, and the sums of squared errors and of squared deviations, Å².
    ratio : ndarray, shape=(4, 100)
        Pairs of each of `BANDS` by the error in deviations.
    """

    density: Array
    separation: Array
    distance: Array
    structure: Array
    contacts: Array
    deviation: Array
    ratio: Array

    @classmethod
    def none(cls) -> Self:
        """Of no chain."""
        return cls(
            np.zeros((DISTANCE_BINS, DISTANCE_BINS)),
            np.zeros((3, SEPARATION_BINS)),
            np.zeros((3, DISTANCE_BINS)),
            np.zeros((3, len(STRUCTURES))),
            np.zeros((2, 2, PROBABILITY_BINS)),
            np.zeros((3, STD_BINS)),
            np.zeros((len(BANDS), RATIO_BINS)),
        )

    def __add__(self, other: Self) -> Self:
        return type(self)(
            *(getattr(self, part.name) + getattr(other, part.name) for part in fields(self))
        )

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {part.name: getattr(self, part.name).tolist() for part in fields(self)}

    @classmethod
    def from_dict(cls, content: Mapping[str, Any]) -> Self:
        """The inverse of `as_dict`.

        Raises
        ------
        ValueError
            If an array is missing or of another shape.
        """
        found = {}
        for part in fields(cls):
            array = np.array(content.get(part.name, ()), dtype=float)
            if array.shape != getattr(cls.none(), part.name).shape:
                raise ValueError(f"{part.name} has the shape {array.shape}")
            found[part.name] = array
        return cls(**found)


def pool_pairs(
    predicted: PairTable, std: PairTable, contacts: PairTable, baseline: PairTable, ca: Coords
) -> PooledPairs:
    """The pairs of one chain.

    Parameters
    ----------
    predicted, std : ndarray, shape=(N, N), dtype=float
        Å.
    contacts : ndarray, shape=(N, N), dtype=float
        Probability.
    baseline : ndarray, shape=(N, N), dtype=float
        Å.
    ca : ndarray, shape=(N, 3), dtype=float
        The structure, Å; NaN where not observed.
    """
    n = len(ca)
    i, j = np.triu_indices(n, 1)
    true = pairwise_distances(np.asarray(ca, dtype=float))[i, j]
    seen = np.isfinite(true) & np.isfinite(predicted[i, j])
    i, j, true = i[seen], j[seen], true[seen]
    ours, sigma = predicted[i, j], std[i, j]
    error, other = np.abs(ours - true), np.abs(baseline[i, j] - true)
    apart = j - i
    distance_bin = _bins(true, 1.0, DISTANCE_BINS)
    density = np.zeros((DISTANCE_BINS, DISTANCE_BINS))
    np.add.at(density, (distance_bin, _bins(ours, 1.0, DISTANCE_BINS)), 1)

    def sums(place: npt.NDArray[np.intp], size: int, *weights: Array) -> Array:
        return np.stack(
            [np.bincount(place, weight, size) for weight in (np.ones(len(place)), *weights)]
        )

    return PooledPairs(
        density,
        sums(np.minimum(apart, SEPARATION_BINS - 1), SEPARATION_BINS, error, other),
        sums(distance_bin, DISTANCE_BINS, error, other),
        sums(_structure_kind(ca)[i, j], len(STRUCTURES), error, other),
        _contact_counts(contacts[i, j], true < CONTACT_CUTOFF, apart),
        sums(_bins(sigma, STD_STEP, STD_BINS), STD_BINS, error**2, sigma**2),
        _ratio_counts(error, sigma, apart),
    )


def _bins(values: Array, step: float, count: int) -> npt.NDArray[np.intp]:
    return np.asarray(np.clip((values / step).astype(np.intp), 0, count - 1))


def _structure_kind(ca: Coords) -> npt.NDArray[np.intp]:
    """Places in `STRUCTURES` for all pairs; shape=(N, N)."""
    letters = np.array(list(secondary_structure(ca)))
    code = np.select([letters == "a", letters == "b"], [0, 1], 3)
    # Helices and strands add up to their pair's place; whatever has coil is beyond both.
    return np.asarray(np.minimum(code[:, None] + code[None, :], 3))


def _contact_counts(
    probability: Array, contact: npt.NDArray[np.bool_], apart: npt.NDArray[np.integer[Any]]
) -> Array:
    counts = np.zeros((2, 2, PROBABILITY_BINS))
    place = _bins(probability, 1 / PROBABILITY_BINS, PROBABILITY_BINS)
    for row, band in enumerate(("short", "long")):
        far = (apart >= BANDS[band][0]) & np.isfinite(probability)
        for kind in (0, 1):
            chosen = far & (contact == bool(kind))
            counts[row, kind] = np.bincount(place[chosen], minlength=PROBABILITY_BINS)
    return counts


def _ratio_counts(error: Array, sigma: Array, apart: npt.NDArray[np.integer[Any]]) -> Array:
    counts = np.zeros((len(BANDS), RATIO_BINS))
    ratio = np.divide(error, sigma, out=np.full(len(error), np.inf), where=sigma > 0)
    # What is infinite lies in the open last bin.
    place = _bins(np.minimum(ratio, RATIO_BINS), RATIO_STEP, RATIO_BINS)
    for row, (first, last) in enumerate(BANDS.values()):
        inside = (apart >= first) & (apart <= (last or apart.max(initial=0)))
        counts[row] = np.bincount(place[inside], minlength=RATIO_BINS)
    return counts


def precision_recall(counts: Array) -> tuple[Array, Array]:
    """Precision and recall at each threshold of probability, from the strictest on.

    Parameters
    ----------
    counts : ndarray, shape=(2, bins)
        Pairs that are no contacts and that are, by probability; a row of `PooledPairs.contacts`.

    Returns
    -------
    precision, recall : ndarray, shape=(bins,), dtype=float
        NaN where nothing is claimed yet.
    """
    wrong, right = np.cumsum(counts[:, ::-1], axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        return right / (right + wrong), right / right[-1]


def needed_factor(counts: Array) -> float:
    """What deviations would have to be multiplied by for 68 % of the errors to lie within one.

    Parameters
    ----------
    counts : ndarray, shape=(bins,)
        A row of `PooledPairs.ratio`, or several added up.
    """
    total = counts.sum()
    if not total:
        return float("nan")
    below = np.cumsum(counts) / total
    place = int(np.searchsorted(below, 0.68))
    before = below[place - 1] if place else 0.0
    return float(RATIO_STEP * (place + (0.68 - before) / max(below[place] - before, 1e-12)))
