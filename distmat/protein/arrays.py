"""Arrays by their shape, for whoever reads a signature and for mypy, which counts their axes.

N is the number of residues, in chain order; coordinates and distances are in Å, and NaN is what was
not observed.
"""

from typing import Any, TypeAlias

import numpy as np

_Float = np.dtype[np.floating[Any]]

Coords: TypeAlias = np.ndarray[tuple[int, int], _Float]
"""shape=(N, 3): a trace, one atom of each residue."""

PairTable: TypeAlias = np.ndarray[tuple[int, int], _Float]
"""shape=(N, N): distances, deviations or probabilities of all pairs of residues."""

PairMask: TypeAlias = np.ndarray[tuple[int, int], np.dtype[np.bool_]]
"""shape=(N, N): which pairs."""

PerResidue: TypeAlias = np.ndarray[tuple[int], _Float]
"""shape=(N,): a number of each residue."""

ResidueMask: TypeAlias = np.ndarray[tuple[int], np.dtype[np.bool_]]
"""shape=(N,): which residues."""

Indices: TypeAlias = np.ndarray[tuple[int], np.dtype[np.integer[Any]]]
"""One axis: places of residues, of windows or of bins."""
