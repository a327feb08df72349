"""From a residue's name to one of the 20 letters, or X."""

from collections.abc import Mapping
from functools import lru_cache

from distmat.protein.sequence import ALPHABET, UNKNOWN

STANDARD = {
    "ALA": "A", "ARG": "R", "ASN": "N", "ASP": "D", "CYS": "C", "GLN": "Q", "GLU": "E",
    "GLY": "G", "HIS": "H", "ILE": "I", "LEU": "L", "LYS": "K", "MET": "M", "PHE": "F",
    "PRO": "P", "SER": "S", "THR": "T", "TRP": "W", "TYR": "Y", "VAL": "V",
}  # fmt: skip
"""The names of the 20 amino acids."""

_VARIANTS = {
    "A": "ALAD",
    "C": "CYX CYM CYN CYSH CYSS CYS1 CYS2",
    "D": "ASH AS4 ASPH ASPP ASP-",
    "E": "GLH GL4 GLUH GLUP GLU- PGLU",
    "H": "HID HIE HIP HSD HSE HSP HISA HISB HISD HISE HISH HIST HIS1 HIS2 HIS+",
    "K": "LYN LYP LSN LYSH LYS+",
    "N": "ASN1",
    "Q": "QLN",
    "R": "ARN AR0 ARGN ARG+",
    "Y": "TYM",
}
"""How AMBER (constant pH, too), CHARMM, GROMACS, OPLS, PDB2PQR and CYANA name protonation states
and disulfides. The PDB's dictionary lacks these names or, as HSE (homoserine there), GLH and AS4
(aldosterone), uses them otherwise; in files of atoms the former are far commoner, and a file that
means the latter can say so in MODRES."""

_FORCE_FIELDS = {name: letter for letter, names in _VARIANTS.items() for name in names.split()}

_TERMINI = ("N", "C")
"""AMBER puts these before the name of a residue that begins or ends a chain: NMET, CGLY."""

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
    letter = _plain_letter(name)
    if letter:
        return letter
    if not is_known(name):
        return UNKNOWN
    from biotite.structure.info import amino_acid_names, one_letter_code

    if name not in amino_acid_names():
        return None
    letter = one_letter_code(name) or UNKNOWN
    letter = _RARE.get(letter, letter)
    return letter if len(letter) == 1 and letter in ALPHABET else UNKNOWN


def _plain_letter(name: str) -> str | None:
    """The letter of one of the 20, as anyone names them."""
    for short in (name, name[1:] if is_terminal(name) else ""):
        letter = STANDARD.get(short) or _FORCE_FIELDS.get(short)
        if letter:
            return letter
    return None


def is_terminal(name: str) -> bool:
    """Whether it is one of AMBER's names for a chain's first or last residue, such as NMET."""
    return len(name) == 4 and name.startswith(_TERMINI) and name[1:] in _THREE_LETTERS


_THREE_LETTERS = {*STANDARD, *(name for name in _FORCE_FIELDS if len(name) == 3)}


def has_four_letters(name: str) -> bool:
    """Whether a force field has an amino acid of this name, which is longer than the PDB's."""
    return len(name) == 4 and _plain_letter(name) is not None


def is_known(name: str) -> bool:
    """Whether the name is an amino acid's or in the PDB's Chemical Component Dictionary."""
    from biotite.structure.info import link_type

    return _plain_letter(name) is not None or link_type(name) is not None
