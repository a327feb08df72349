"""What a mutation does to a predicted map, beside how sure the model is of it."""

from dataclasses import dataclass

import numpy as np

from distmat.protein.arrays import PairTable, PerResidue
from distmat.protein.distance_map import DistanceMap

CLEAR = 2.0
"""Deviations of the difference from which it is more than the model's own doubt."""


@dataclass(frozen=True)
class MutationEffect:
    """The difference of two predicted maps.

    Parameters
    ----------
    change : ndarray, shape=(N, N), dtype=float
        Mutant − wild type, Å.
    std : ndarray, shape=(N, N), dtype=float
        Å: of the difference, if the errors of both predictions were independent. They aren't:
        most of what the model gets wrong it gets wrong in both, so real doubt is smaller for the
        difference than this, and as large for what both share.
    """

    change: PairTable
    std: PairTable

    @property
    def significance(self) -> PairTable:
        """|change| in deviations; shape=(N, N), 0 on the diagonal."""
        ratio = np.zeros_like(self.change)
        np.divide(np.abs(self.change), self.std, out=ratio, where=self.std > 0)
        return ratio

    @property
    def mean(self) -> float:
        """Mean absolute change over all pairs, Å."""
        return float(np.abs(self._pairs(self.change)).mean())

    @property
    def largest(self) -> float:
        """Largest absolute change of a pair, Å."""
        return float(np.abs(self._pairs(self.change)).max())

    @property
    def clear(self) -> int:
        """Pairs whose change is at least `CLEAR` deviations."""
        return int((self._pairs(self.significance) >= CLEAR).sum())

    @property
    def by_residue(self) -> PerResidue:
        """Mean absolute change of each residue's distances; shape=(N,), Å."""
        return np.asarray(np.abs(self.change).sum(axis=1) / max(1, len(self.change) - 1))

    @staticmethod
    def _pairs(table: np.ndarray) -> np.ndarray:
        return np.asarray(table[np.triu_indices(len(table), 1)])


def mutation_effect(wild: DistanceMap, mutant: DistanceMap) -> MutationEffect:
    """Compare a mutant's predicted map with that of the wild type, of the same length."""
    return MutationEffect(mutant.distances - wild.distances, np.sqrt(wild.std**2 + mutant.std**2))
