"""Cα traces as PDB and mmCIF files, written by biotite."""

import io
from typing import Any

import numpy as np

from distmat.errors import StructureError
from distmat.protein.arrays import Coords, PerResidue
from distmat.protein.residue_names import STANDARD
from distmat.protein.sequence import UNKNOWN, quote


def write_pdb(
    sequence: str,
    coords: Coords,
    chain_id: str = "A",
    bfactors: PerResidue | None = None,
    title: str = "",
) -> str:
    """A Cα trace as PDB text, drawn as one chain by PyMOL, ChimeraX, Mol* and 3Dmol.

    SEQRES records keep residues without coordinates; CONECT records join consecutive Cα
    atoms, since programs draw no bond of 3.8 Å on their own.

    Parameters
    ----------
    sequence : str
        One letter per residue; length N.
    coords : ndarray, shape=(N, 3), dtype=float
        Å; rows of NaN are left out.
    chain_id : str
        One character.
    bfactors : ndarray, shape=(N,), dtype=float, optional
        Written as temperature factors; values beyond the format's columns are clipped.
    title : str
        What the file is, in words of ours.

    Raises
    ------
    StructureError
        If no residue has coordinates, or the format has no room for the chain.
    """
    from biotite.structure.io.pdb import PDBFile

    atoms = _trace_atoms(sequence, coords, chain_id, bfactors)
    if len(sequence) > 9999:
        raise StructureError(
            f"The chain has {len(sequence):,} residues, and a PDB file numbers 9,999; write mmCIF."
        )
    if len(chain_id) != 1 or not (chain_id.isascii() and chain_id.isprintable()):
        raise StructureError(
            f"The chain id is {quote(chain_id)}, and a PDB file has room for one character; "
            "write mmCIF."
        )
    if atoms.coord.min() < -999 or atoms.coord.max() > 9999:
        raise StructureError(
            "A coordinate lies beyond -999 to 9,999 Å, where a PDB file has no room; write mmCIF."
        )
    file = PDBFile()
    file.set_structure(atoms)
    lines = [line for line in file.lines if line.startswith("ATOM")]
    bonds = [line for line in file.lines if line.startswith("CONECT")]
    end = f"TER   {len(lines) + 1:>5}      {lines[-1][17:26]}"
    return (
        "\n".join(
            [
                *_title_records(title),
                *_seqres_records(sequence, chain_id),
                *lines,
                end,
                *bonds,
                "END",
            ]
        )
        + "\n"
    )


def _title_records(title: str) -> list[str]:
    parts = [title[at : at + 69] for at in range(0, len(title), 69)]
    return [
        f"TITLE   {number if number > 1 else '':>2} {part}"
        for number, part in enumerate(parts, start=1)
    ]


def _seqres_records(sequence: str, chain_id: str) -> list[str]:
    names = _three_letters(sequence)
    return [
        f"SEQRES{number:>4} {chain_id}{len(names):>5}  " + " ".join(names[at : at + 13])
        for number, at in enumerate(range(0, len(names), 13), start=1)
    ]


def write_mmcif(
    sequence: str,
    coords: np.ndarray,
    chain_id: str = "A",
    bfactors: np.ndarray | None = None,
    title: str = "",
) -> str:
    """A Cα trace as mmCIF text; parameters and errors as in `write_pdb`, without its limits."""
    from biotite.structure.io.pdbx import CIFCategory, CIFFile, set_structure

    file = CIFFile()
    set_structure(file, _trace_atoms(sequence, coords, chain_id, bfactors), data_block="trace")
    block = file["trace"]
    if title:
        block["struct"] = CIFCategory({"entry_id": "trace", "title": title})
    # Without these, programs guess whether the atoms are a polymer.
    block["entity"] = CIFCategory({"id": "1", "type": "polymer"})
    block["entity_poly"] = CIFCategory(
        {
            "entity_id": "1",
            "type": "polypeptide(L)",
            "pdbx_seq_one_letter_code_can": sequence,
            "pdbx_strand_id": chain_id,
        }
    )
    block["entity_poly_seq"] = CIFCategory(
        {
            "entity_id": np.full(len(sequence), "1"),
            "num": np.arange(1, len(sequence) + 1),
            "mon_id": np.array(_three_letters(sequence)),
            "hetero": np.full(len(sequence), "n"),
        }
    )
    block["struct_asym"] = CIFCategory({"id": chain_id, "entity_id": "1"})
    text = io.StringIO()
    file.write(text)
    return text.getvalue()


def _three_letters(sequence: str) -> list[str]:
    names = {letter: name for name, letter in STANDARD.items()} | {UNKNOWN: "UNK"}
    return [names[letter] for letter in sequence]


def _trace_atoms(
    sequence: str, coords: np.ndarray, chain_id: str, bfactors: np.ndarray | None
) -> Any:
    """The residues with coordinates as biotite's atoms, consecutive ones bonded."""
    from biotite.structure import AtomArray, BondList

    if coords.shape != (len(sequence), 3):
        raise ValueError(f"{len(sequence)} residues but coordinates of shape {coords.shape}")
    seen = np.flatnonzero(np.isfinite(coords).all(axis=1))
    if not len(seen):
        raise StructureError("No residue has coordinates; there is nothing to write.")
    atoms = AtomArray(len(seen))
    atoms.coord = coords[seen].astype(np.float32)
    atoms.set_annotation("chain_id", np.full(len(seen), chain_id))
    atoms.res_id = seen + 1
    atoms.res_name = np.array(_three_letters(sequence))[seen]
    atoms.atom_name[:] = "CA"
    atoms.element[:] = "C"
    factors = np.zeros(len(sequence)) if bfactors is None else np.asarray(bfactors, dtype=float)
    atoms.set_annotation("b_factor", np.clip(np.nan_to_num(factors[seen]), -99, 999).round(2))
    atoms.set_annotation("occupancy", np.ones(len(seen)))
    joined = np.flatnonzero(np.diff(seen) == 1)
    atoms.bonds = BondList(len(seen), np.stack([joined, joined + 1], axis=1))
    return atoms
