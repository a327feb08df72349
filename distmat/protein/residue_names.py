"""From a residue's three-letter name to one of the 20 letters, or X."""

from collections.abc import Mapping
from functools import lru_cache

from distmat.protein.sequence import ALPHABET, UNKNOWN

STANDARD = {
    "ALA": "A", "ARG": "R", "ASN": "N", "ASP": "D", "CYS": "C", "GLN": "Q", "GLU": "E",
    "GLY": "G", "HIS": "H", "ILE": "I", "LEU": "L", "LYS": "K", "MET": "M", "PHE": "F",
    "PRO": "P", "SER": "S", "THR": "T", "TRP": "W", "TYR": "Y", "VAL": "V",
}  # fmt: skip
"""The names of the 20 amino acids."""

_FORCE_FIELDS = {
    "HID": "H", "HIE": "H", "HIP": "H", "HSD": "H", "HSE": "H", "HSP": "H",
    "CYX": "C", "CYM": "C", "ASH": "D", "GLH": "E", "LYN": "K",
}  # fmt: skip
"""Amber's and CHARMM's names of protonation states, which the PDB's dictionary lacks or, as
HSE (homoserine there) and GLH, uses otherwise; in files with these names the former are far
commoner, and a file that means the latter can say so in MODRES."""

_RARE = {"U": "C", "O": "K"}
"""Selenocysteine and pyrrolysine count as the amino acids that they derive from."""


def one_letter(name: str, parents: Mapping[str, str] | None = None) -> str | None:
    """One letter for an amino acid, a modified one's being its parent's.

    The parent is looked up in the file's own list, then among the 20, the force fields' names
    and the PDB's Chemical Component Dictionary. ``X`` stands for an amino acid without a single
    parent (UNK, ASX, chromophores of several residues) and for a name that nobody knows.

    Parameters
    ----------
    name : str
        Such as ``"MSE"``.
    parents : mapping of str to str, optional
        Names of parents by names of modified residues, as the file states them.

    Returns
    -------
    str or None
        None for what is known to be no amino acid: nucleotides, caps (ACE, NH2), ligands.
    """
    parent = (parents or {}).get(name)
    if parent in STANDARD and name not in STANDARD:
        return STANDARD[parent]
    return _known_letter(name)


@lru_cache(maxsize=4096)
def _known_letter(name: str) -> str | None:
    if name in STANDARD:
        return STANDARD[name]
    if name in _FORCE_FIELDS:
        return _FORCE_FIELDS[name]
    if not is_known(name):
        return UNKNOWN
    from biotite.structure.info import amino_acid_names, one_letter_code

    if name not in amino_acid_names():
        return None
    letter = one_letter_code(name) or UNKNOWN
    letter = _RARE.get(letter, letter)
    return letter if len(letter) == 1 and letter in ALPHABET else UNKNOWN


def is_known(name: str) -> bool:
    """Whether the name is an amino acid's or in the PDB's Chemical Component Dictionary."""
    from biotite.structure.info import link_type

    return name in STANDARD or name in _FORCE_FIELDS or link_type(name) is not None
