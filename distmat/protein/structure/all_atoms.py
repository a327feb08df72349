"""All atoms of a chain that was read by its Cα atoms."""

import io
import re
from typing import Any

import numpy as np
from scipy.spatial import cKDTree

from distmat.errors import StructureError
from distmat.protein.arrays import Coords, PerResidue
from distmat.protein.chain import Chain
from distmat.protein.structure.entry import MalformedError, parser_at_work
from distmat.protein.structure.sniff import decode, inert, structure_format, unpack

_SAME_PLACE = 0.01
"""Å: a Cα of the file that is as close as this to one of the chain is that one."""

_MODEL = re.compile(
    rb"^TITLE .*ALPHAFOLD.*PREDICTION|\b_?ma_qa_metric", re.IGNORECASE | re.MULTILINE
)
"""What a PDB file of AlphaFold DB has as its title, and ModelCIF a category for."""

_FAR_AWAY = 1e6
"""Å; where no atom is."""


class AllAtoms:
    """The atoms of a structure file's first model, of alternatives the likeliest.

    Parameters
    ----------
    data : bytes
        The file that `chain` was read from.
    filename : str
    chain : Chain

    Raises
    ------
    StructureError
        If the file can't be read.
    """

    def __init__(self, data: bytes, filename: str, chain: Chain) -> None:
        unpacked = unpack(data, filename)
        try:
            self._atoms = _atoms(unpacked, structure_format(unpacked))
        except MalformedError as error:
            raise StructureError(
                f"The side chains of {inert(filename)} can't be read ({error})."
            ) from None
        self._rows = _rows_of(chain, _of_residues(self._atoms, "CA", self._atoms.coord))

    def coords(self, name: str) -> Coords:
        """Where the atoms of this name are; shape=(N, 3), Å, NaN where there is none."""
        return self._of_chain(_of_residues(self._atoms, name, self._atoms.coord))

    def ca_bfactors(self) -> PerResidue:
        """B-factors of the Cα atoms, shape=(N,); of AlphaFold's models they are its pLDDT."""
        values = self._atoms.b_factor[:, None]
        return self._of_chain(_of_residues(self._atoms, "CA", values))[:, 0]

    def _of_chain(self, values: np.ndarray) -> np.ndarray:
        found: np.ndarray = values[self._rows]
        found[self._rows < 0] = np.nan
        return found


def read_plddt(data: bytes, filename: str, chain: Chain) -> PerResidue | None:
    """How sure AlphaFold is of each residue of its model, 0 to 100; None of anything else.

    AlphaFold DB writes it as B-factors (https://alphafold.ebi.ac.uk/faq). A structure that was
    solved with AlphaFold's help, whose file names it too, is no model.

    Parameters
    ----------
    data : bytes
        The file that `chain` was read from.
    filename : str
    chain : Chain

    Returns
    -------
    ndarray, shape=(N,), dtype=float, or None

    Raises
    ------
    StructureError
        If the file can't be read.
    """
    unpacked = unpack(data, filename)
    if b"alphafold" not in unpacked.lower() or not _MODEL.search(unpacked):
        return None
    values = AllAtoms(data, filename, chain).ca_bfactors()
    seen = values[np.isfinite(values)]
    fine = len(seen) and seen.min() >= 0 and 1 < seen.max() <= 100
    return np.asarray(values, dtype=float) if fine else None


def _atoms(data: bytes, kind: str | None) -> Any:
    """All atoms of the first model, of alternatives the likeliest."""
    from biotite.structure.io.pdb import PDBFile
    from biotite.structure.io.pdbx import BinaryCIFFile, CIFFile, get_structure

    options: dict[str, Any] = {"model": 1, "altloc": "occupancy", "extra_fields": ["b_factor"]}
    if kind == "PDB":
        lines = [line for line in decode(data).splitlines() if line[:6] in ("ATOM  ", "HETATM")]
        # An element that is written is none that biotite guesses with a warning.
        padded = [f"{line[:76]:76}{line[76:78].strip() or line[13:14]:>2}  " for line in lines]
        with parser_at_work():
            return PDBFile.read(io.StringIO("\n".join(padded))).get_structure(**options)
    with parser_at_work():
        if kind == "mmCIF":
            return get_structure(CIFFile.read(io.StringIO(decode(data))), **options)
        return get_structure(BinaryCIFFile.read(io.BytesIO(data)), **options)


def _of_residues(atoms: Any, name: str, values: np.ndarray) -> np.ndarray:
    """Of each residue what its atom of this name has, and NaN at the end; shape=(R + 1, …)."""
    from biotite.structure import get_residue_starts

    starts = get_residue_starts(atoms, add_exclusive_stop=True)
    residue = np.repeat(np.arange(len(starts) - 1), np.diff(starts))
    found = np.full((len(starts), values.shape[1]), np.nan)
    # Calcium is named CA, too.
    named = np.flatnonzero((atoms.atom_name == name) & (atoms.element != "CA"))
    # The first of a residue counts.
    found[residue[named[::-1]]] = values[named[::-1]]
    return found


def _rows_of(chain: Chain, ca: np.ndarray) -> np.ndarray:
    """For each residue of the chain that of the file with its Cα; −1 where there is none."""
    there = np.where(np.isfinite(ca), ca, _FAR_AWAY)
    wanted = np.where(np.isfinite(chain.ca), chain.ca, -_FAR_AWAY)
    distance, row = cKDTree(there).query(wanted)
    return np.where(distance < _SAME_PLACE, row, -1)
