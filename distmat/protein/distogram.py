"""How likely each distance is."""

from dataclasses import dataclass

import numpy as np


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
