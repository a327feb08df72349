"""What is true of every protein chain: how far neighbours are apart, and how near others come."""

import numpy as np

from distmat.protein.arrays import Coords
from distmat.protein.distance_map import pairwise_distances

BOND = 3.8
"""Consecutive Cα atoms across a trans peptide bond are this far apart (Å)."""
BOND_TOLERANCE = 0.2
"""A bond is right within this error (Å)."""
CLASH = 3.6
"""Cα atoms of residues three or more apart can't come closer than this (Å; CASP's "bump")."""


def bonds_right(coords: Coords) -> float:
    """Share of consecutive Cα pairs at `BOND` ± `BOND_TOLERANCE`; NaN without a pair.

    Parameters
    ----------
    coords : ndarray, shape=(N, 3), dtype=float
        Å; a pair with NaN isn't counted.
    """
    lengths = np.linalg.norm(np.diff(coords, axis=0), axis=1)
    lengths = lengths[np.isfinite(lengths)]
    return float(np.mean(np.abs(lengths - BOND) <= BOND_TOLERANCE)) if len(lengths) else np.nan


def clashes(coords: Coords) -> float:
    """Pairs with |i − j| ≥ 3 closer than `CLASH`, per 100 residues; NaN without a residue.

    Parameters
    ----------
    coords : ndarray, shape=(N, 3), dtype=float
        Å; residues with NaN aren't counted.
    """
    residues = int(np.isfinite(coords).all(axis=1).sum())
    close = np.triu(pairwise_distances(coords) < CLASH, 3).sum()
    return 100.0 * float(close) / residues if residues else np.nan
