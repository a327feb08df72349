"""How likely each distance is."""

from dataclasses import dataclass

import numpy as np

from distmat.protein.arrays import PairTable
from distmat.protein.distance_map import clear_diagonal


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
        return clear_diagonal(self.probabilities @ ((self.bounds[1:] + self.bounds[:-1]) / 2))

    @property
    def medians(self) -> PairTable:
        """The distance in Å with as much below as above; shape=(N, N), zero on the diagonal."""
        return clear_diagonal(median_distances(self.probabilities, self.bounds))


def median_distances(share: np.ndarray, bounds: np.ndarray) -> np.ndarray:
    """Distances in Å that as much lies below as above, each bin's being as likely.

    Parameters
    ----------
    share : ndarray, shape=(..., K)
        Probabilities of the bins.
    bounds : ndarray, shape=(K + 1,)
        Å: between which they lie.

    Returns
    -------
    ndarray, shape=(...)
    """
    below = np.cumsum(share, axis=-1)
    place = np.minimum((below < 0.5).sum(axis=-1), len(bounds) - 2)
    below = np.concatenate([0 * below[..., :1], below[..., :-1]], axis=-1)
    before, here = (np.take_along_axis(a, place[..., None], -1)[..., 0] for a in (below, share))
    part = np.clip((0.5 - before) / np.maximum(here, 1e-9), 0, 1)
    distances: np.ndarray = bounds[place] + part * np.maximum(np.diff(bounds), 0.0)[place]
    return distances
