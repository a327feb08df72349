"""What knowing only the separation, and the chain's length, would predict.

A model that doesn't clearly beat this table has learned nothing from the sequence,
whatever its loss says; so it is shown beside every score.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

import numpy as np
import numpy.typing as npt

from distmat.protein.chain import Chain
from distmat.protein.distance_map import separation

LENGTH_EDGES = tuple(range(48, 512, 16))
"""Chains of up to so many residues share a row of the table; longer ones share the last."""

_REFERENCE = "reference_baseline.json"

_ENOUGH_PAIRS = 30
"""Fewer pairs than this make no mean."""


@dataclass(frozen=True)
class SeparationBaseline:
    """Mean true distance of the training chains by separation and length bin.

    Parameters
    ----------
    mean : ndarray, shape=(length bins, separations), dtype=float
        Å; beyond the last separation the last value holds.
    """

    mean: npt.NDArray[np.float64]

    def predict(self, residues: int) -> npt.NDArray[np.float64]:
        """The map for a chain of so many residues in Å; shape=(residues, residues)."""
        row = self.mean[np.searchsorted(LENGTH_EDGES, residues)]
        return np.asarray(row[np.minimum(separation(residues), len(row) - 1)])

    def is_like(self, other: "SeparationBaseline") -> bool:
        """Whether both predict the same for every chain, but for rounding."""
        return self.mean.shape == other.mean.shape and np.allclose(self.mean, other.mean, atol=2e-3)

    def as_dict(self) -> dict[str, Any]:
        """For JSON, with 0.001 Å kept."""
        return {"length_edges": list(LENGTH_EDGES), "mean": np.round(self.mean, 3).tolist()}

    @classmethod
    def from_dict(cls, content: dict[str, Any]) -> "SeparationBaseline":
        """The inverse of `as_dict`."""
        return cls(np.array(content["mean"], dtype=float))


@cache
def reference_baseline() -> SeparationBaseline:
    """The table that ships: the same yardstick for whatever checkpoint predicts natural chains.

    Fitted on the 9,464 chains of the PDB that the shipped checkpoint was trained on. A
    checkpoint's own table, fitted on its own training chains, can be weaker by far: one of
    made-up chains knows nothing of how natural ones fill space.
    """
    text = files("distmat.scoring").joinpath(_REFERENCE).read_text(encoding="utf-8")
    return SeparationBaseline.from_dict(json.loads(text))


def fit_baseline(chains: Iterable[Chain]) -> SeparationBaseline:
    """Average the distances of all observed pairs of these chains by separation and length bin.

    A length bin with too few chains for a separation takes the mean over all chains there,
    or, where no chain is that long, the mean at the longest separation seen.
    """
    chains = list(chains)
    reach = max((len(chain) for chain in chains), default=1)
    total = np.zeros((len(LENGTH_EDGES) + 1, reach))
    count = np.zeros_like(total)
    for chain in chains:
        row, n = np.searchsorted(LENGTH_EDGES, len(chain)), len(chain)
        i, j = np.triu_indices(n, 1)
        distances = chain.distances[i, j]
        seen = np.isfinite(distances)
        apart = (j - i)[seen]
        total[row, :n] += np.bincount(apart, distances[seen], minlength=n)
        count[row, :n] += np.bincount(apart, minlength=n)
    overall = total.sum(axis=0) / np.maximum(count.sum(axis=0), 1)
    overall[0] = 0.0
    seen = np.flatnonzero(count.sum(axis=0))
    if len(seen):
        overall = np.interp(np.arange(reach), [0, *seen], overall[[0, *seen]])
    mean = np.where(count >= _ENOUGH_PAIRS, total / np.maximum(count, 1), overall)
    mean[:, 0] = 0.0
    return SeparationBaseline(mean)
