"""Which residues are helix and strand, from Cα atoms alone."""

import math
import warnings

import numpy as np

from distmat.protein.arrays import Coords
from distmat.protein.chain import Chain

_APART = 20.0
"""Å: no criterion of P-SEA looks further, so empty space wider than this says nothing."""

_MOST_CELLS = 10_000_000
"""Of the grid in which biotite finds contacts, at 5 Å each."""


def structure_content(chain: Chain) -> tuple[float, float]:
    """Shares of the observed residues that are in helices and in strands.

    Parameters
    ----------
    chain : Chain

    Returns
    -------
    helix, strand : float
        0 to 1 each; NaN for a chain stretched so far that no grid holds it.
    """
    letters = secondary_structure(chain.ca)
    seen = int(chain.observed.sum())
    # P-SEA looks at five residues at a time.
    if seen < 6:
        return 0.0, 0.0
    if not letters.strip("-"):
        return math.nan, math.nan
    return letters.count("a") / seen, letters.count("b") / seen


def secondary_structure(ca: Coords) -> str:
    """Helices, strands and what is neither, residue by residue.

    By P-SEA (Labesse et al., 1997), which needs no more than Cα atoms; biotite does it.

    Parameters
    ----------
    ca : ndarray, shape=(N, 3), dtype=float
        Å; NaN where not observed.

    Returns
    -------
    str
        ``"a"``, ``"b"`` or ``"c"`` for each residue; ``"-"`` where it isn't observed, and for all
        of a chain too short for P-SEA or stretched so far that no grid holds it.
    """
    import biotite.structure as struc

    letters = np.full(len(ca), "-")
    place = np.flatnonzero(np.isfinite(ca).all(axis=1))
    if len(place) < 6:
        return "".join(letters)
    coords = _without_empty_space(np.asarray(ca, dtype=np.float64)[place])
    if math.prod((np.ptp(coords, axis=0) / 5 + 1).tolist()) > _MOST_CELLS:
        return "".join(letters)
    atoms = struc.AtomArray(len(place))
    atoms.coord = coords.astype(np.float32)
    atoms.atom_name[:] = "CA"
    atoms.res_name[:] = "ALA"
    atoms.element[:] = "C"
    atoms.chain_id[:] = "A"
    atoms.res_id = place + 1
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        kinds = struc.annotate_sse(atoms)
    letters[place] = kinds
    return "".join(letters)


def _without_empty_space(coords: np.ndarray) -> np.ndarray:
    """The points with each gap along an axis, in which there are none, at most `_APART` wide.

    A piece of a chain that lies far away would else ask for a grid of terabytes.
    """
    order = np.argsort(coords, axis=0)
    gaps = np.diff(np.take_along_axis(coords, order, axis=0), axis=0, prepend=0.0)
    gaps[0] = 0.0
    moved = np.empty_like(coords)
    np.put_along_axis(moved, order, np.minimum(gaps, _APART).cumsum(axis=0), axis=0)
    return moved
