"""Distance maps: N×N Cα distances in Å, in chain order, and the bands of separation."""

from dataclasses import dataclass

import numpy as np

from distmat.protein.arrays import Coords, PairMask, PairTable

CONTACT_CUTOFF = 8.0
"""Two residues whose Cα atoms are closer than this (Å) are in contact."""

BANDS: dict[str, tuple[int, int | None]] = {
    "local": (3, 5),
    "short": (6, 11),
    "medium": (12, 23),
    "long": (24, None),
}
"""Separations |i − j|, first and last, of each band (CASP's short, medium and long range)."""


@dataclass(frozen=True)
class DistanceMap:
    """A predicted distance map.

    Parameters
    ----------
    sequence : str
        One letter per residue; length N.
    distances : ndarray, shape=(N, N), dtype=float
        Å; symmetric, zero on the diagonal.
    std : ndarray, shape=(N, N), dtype=float
        Standard deviation of each distance in Å; zero on the diagonal.
    contacts : ndarray, shape=(N, N), dtype=float
        Probability that the Cα atoms are closer than `CONTACT_CUTOFF`.
    """

    sequence: str
    distances: PairTable
    std: PairTable
    contacts: PairTable

    def __len__(self) -> int:
        return len(self.sequence)


def pairwise_distances(ca: Coords) -> PairTable:
    """Distances in Å between all pairs of points; NaN where a coordinate is.

    Parameters
    ----------
    ca : ndarray, shape=(N, 3), dtype=float

    Returns
    -------
    ndarray, shape=(N, N), dtype=float
    """
    difference = ca[:, None, :] - ca[None, :, :]
    distances: np.ndarray = np.sqrt((difference**2).sum(axis=-1))
    return distances


def clear_diagonal(table: PairTable) -> PairTable:
    """The same table, in place, with zeros for each residue and itself."""
    np.fill_diagonal(table, 0.0)
    return table


def separation(n: int) -> np.ndarray:
    """|i − j| for all pairs of n residues; shape=(n, n), dtype=int."""
    index = np.arange(n)
    apart: np.ndarray = np.abs(index[:, None] - index[None, :])
    return apart


def in_band(n: int, band: str) -> PairMask:
    """Which pairs i < j of n residues belong to a band; shape=(n, n), dtype=bool."""
    first, last = BANDS[band]
    apart = np.arange(n)[None, :] - np.arange(n)[:, None]
    return (apart >= first) & (apart <= (n if last is None else last))
