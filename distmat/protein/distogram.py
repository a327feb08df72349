"""How likely each distance is."""

from dataclasses import dataclass

import numpy as np

from distmat.protein.arrays import PairTable


@dataclass(frozen=True)
class Distogram:
    """How likely each distance is, for all pairs of residues.

    Parameters
    ----------
    sequence : str
        One letter per residue; length N.
    bounds : ndarray, shape=(K + 1,), dtype=float
        Å: between which the bins lie.
    probabilities : ndarray, shape=(N, N, K), dtype=float32
        Of each bin; each pair's add up to 1. The diagonal means nothing.
    """

    sequence: str
    bounds: np.ndarray
    probabilities: np.ndarray

    @property
    def means(self) -> PairTable:
        """The distance in Å that is expected of each pair; shape=(N, N), zero on the diagonal."""
        return _without_diagonal(self.probabilities @ ((self.bounds[1:] + self.bounds[:-1]) / 2))

    @property
    def medians(self) -> PairTable:
        """The distance in Å that as much lies below as above; shape=(N, N), zero on the diagonal.

        Between the ends of a bin all distances are as likely.
        """
        below = np.cumsum(self.probabilities, axis=-1)
        place = np.minimum((below < 0.5).sum(axis=-1), len(self.bounds) - 2)[..., None]
        here = np.maximum(np.take_along_axis(self.probabilities, place, -1), 1e-9)
        short = 0.5 - (np.take_along_axis(below, place, -1) - here)
        share = np.clip(short / here, 0.0, 1.0)[..., 0]
        place = place[..., 0]
        return _without_diagonal(self.bounds[place] + share * np.diff(self.bounds)[place])


def _without_diagonal(table: PairTable) -> PairTable:
    np.fill_diagonal(table, 0.0)
    return table
