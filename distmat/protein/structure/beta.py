"""Cβ atoms of a chain that was read by its Cα atoms."""

import numpy as np

from distmat.errors import StructureError
from distmat.protein.arrays import Coords
from distmat.protein.chain import Chain
from distmat.protein.structure.all_atoms import AllAtoms
from distmat.protein.structure.sniff import inert


def read_beta(data: bytes, filename: str, chain: Chain, glycine: str = "virtual") -> Coords:
    """Where the Cβ atoms of a chain of a file are.

    Parameters
    ----------
    data : bytes
        The file that `chain` was read from.
    filename : str
    chain : Chain
    glycine : str
        What stands for the Cβ that glycine doesn't have: its ``"Cα"``, as for AlphaFold, Boltz
        and CASP, or ``"virtual"``, the place that N, Cα and C give it, as for trRosetta.

    Returns
    -------
    ndarray, shape=(N, 3), dtype=float
        Å; NaN where neither the atom nor what its place follows from was observed.

    Raises
    ------
    StructureError
        If the file has no atoms but Cα.
    """
    atoms = AllAtoms(data, filename, chain)
    n, ca, c, cb = (atoms.coords(name) for name in ("N", "CA", "C", "CB"))
    is_glycine = np.array([letter == "G" for letter in chain.sequence])
    virtual = virtual_beta(n, ca, c)
    found = np.where(np.isfinite(cb), cb, virtual)
    found[is_glycine] = ca[is_glycine] if glycine == "Cα" else virtual[is_glycine]
    if not np.isfinite(found[~is_glycine]).any():
        raise StructureError(
            f"{inert(filename)} has Cα atoms alone, and the map speaks of Cβ; give a file with all "
            "atoms."
        )
    return found


def virtual_beta(n: np.ndarray, ca: np.ndarray, c: np.ndarray) -> np.ndarray:
    """Where an ideal Cβ would be; shapes=(N, 3), Å.

    With the coefficients of trRosetta's authors (Yang et al., 2020), which others use, too.
    """
    b, d = ca - n, c - ca
    return np.asarray(-0.58273431 * np.cross(b, d) + 0.56802827 * b - 0.54067466 * d + ca)
