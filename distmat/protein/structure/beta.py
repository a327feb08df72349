"""Cβ atoms of a chain that was read by its Cα atoms."""

import io
from typing import Any

import numpy as np
from scipy.spatial import cKDTree

from distmat.errors import StructureError
from distmat.protein.chain import Chain
from distmat.protein.structure.entry import MalformedError, parser_at_work
from distmat.protein.structure.sniff import decode, inert, structure_format, unpack

_SAME_PLACE = 0.01
"""Å: a Cα of the file that is as close as this to one of the chain is that one."""

_FAR_AWAY = 1e6
"""Å; where no atom is."""


def read_beta(data: bytes, filename: str, chain: Chain, glycine: str = "virtual") -> np.ndarray:
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
    try:
        unpacked = unpack(data, filename)
        atoms = _atoms(unpacked, structure_format(unpacked))
    except MalformedError as error:
        raise StructureError(
            f"The side chains of {inert(filename)} can't be read ({error})."
        ) from None
    place = {name: _coords(atoms, name) for name in ("N", "CA", "C", "CB")}
    rows = _rows_of(chain, place["CA"])
    n, ca, c, cb = (place[name][rows] for name in ("N", "CA", "C", "CB"))
    missing = rows < 0
    is_glycine = np.array([letter == "G" for letter in chain.sequence])
    virtual = virtual_beta(n, ca, c)
    found = np.where(np.isfinite(cb), cb, virtual)
    found[is_glycine] = ca[is_glycine] if glycine == "Cα" else virtual[is_glycine]
    found[missing] = np.nan
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


def _atoms(data: bytes, kind: str | None) -> Any:
    """All atoms of the first model, of alternatives the likeliest."""
    from biotite.structure.io.pdb import PDBFile
    from biotite.structure.io.pdbx import BinaryCIFFile, CIFFile, get_structure

    options: dict[str, Any] = {"model": 1, "altloc": "occupancy"}
    if kind == "PDB":
        lines = [line for line in decode(data).splitlines() if line[:6] in ("ATOM  ", "HETATM")]
        # An element that is written is none that biotite guesses with a warning.
        padded = [f"{line[:76]:76}{line[76:78].strip() or line[13]:>2}  " for line in lines]
        with parser_at_work():
            return PDBFile.read(io.StringIO("\n".join(padded))).get_structure(**options)
    with parser_at_work():
        if kind == "mmCIF":
            return get_structure(CIFFile.read(io.StringIO(decode(data))), **options)
        return get_structure(BinaryCIFFile.read(io.BytesIO(data)), **options)


def _coords(atoms: Any, name: str) -> np.ndarray:
    """Of each residue the atom of this name, and a row of NaN at the end; shape=(R + 1, 3)."""
    from biotite.structure import get_residue_starts

    starts = get_residue_starts(atoms, add_exclusive_stop=True)
    residue = np.repeat(np.arange(len(starts) - 1), np.diff(starts))
    coords = np.full((len(starts), 3), np.nan)
    named = np.flatnonzero((atoms.atom_name == name) & (atoms.element != "CA"))
    # The first of a residue counts.
    coords[residue[named[::-1]]] = atoms.coord[named[::-1]]
    return coords


def _rows_of(chain: Chain, ca: np.ndarray) -> np.ndarray:
    """For each residue of the chain that of the file with its Cα; −1 where there is none."""
    there = np.where(np.isfinite(ca), ca, _FAR_AWAY)
    wanted = np.where(np.isfinite(chain.ca), chain.ca, -_FAR_AWAY)
    distance, row = cKDTree(there).query(wanted)
    return np.where(distance < _SAME_PLACE, row, -1)
