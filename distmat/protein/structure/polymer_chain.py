"""Polymer chains: residues as a structure file has them, and the `Chain` that they make."""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import numpy as np

from distmat.protein.chain import LONGEST_BOND, Chain
from distmat.protein.residue_names import STANDARD, is_known, one_letter
from distmat.protein.sequence import MIN_RESIDUES, UNKNOWN
from distmat.protein.structure.entry import FARTHEST
from distmat.protein.structure.seqres import MOST_CONTRADICTIONS, align_to_seqres


@dataclass(frozen=True)
class Residue:
    """An amino acid of which there are atoms.

    Parameters
    ----------
    name, letter : str
        Three letters as in the file, and one; none while it isn't sure that it is an amino acid.
    number : int
    insertion : str
        The author's number and insertion code.
    ca : ndarray, shape=(3,), dtype=float
        Å; NaN where the residue has no Cα.
    hetero : bool
        Whether its record is HETATM, as of modified residues and of ligands.
    occupancy : float
    position : int, optional
        Index in the polymer's sequence, where known.
    """

    name: str
    letter: str
    number: int
    insertion: str
    ca: np.ndarray
    hetero: bool
    occupancy: float
    position: int | None = None

    @property
    def observed(self) -> bool:
        """Whether it has a Cα."""
        return bool(np.isfinite(self.ca).all())

    def is_bonded_to(self, other: "Residue") -> bool:
        """Whether their Cα atoms are as close as neighbours' are; not so without a Cα."""
        # Asked three times of every residue: NumPy takes ten times as long for three numbers.
        return math.dist(self.ca, other.ca) <= LONGEST_BOND


@dataclass(frozen=True)
class PolymerChain:
    """The residues of one chain in the order of the file.

    Parameters
    ----------
    chain_id : str
        The author's.
    asym, entity : str
        mmCIF's own id of the chain, and what its polymer's sequence is known by.
    residues : list of Residue
    """

    chain_id: str
    asym: str
    entity: str
    residues: list[Residue]


def polymer_chains(atoms: Any, parents: Mapping[str, str]) -> list[PolymerChain]:
    """The amino acids of each chain; of alternatives in one place the likeliest.

    Parameters
    ----------
    atoms : biotite AtomArray
        With all altlocs; may have ``occupancy`` and mmCIF's ``label_…`` columns, and
        ``residue_index`` where a residue's place isn't told by its number.
    parents : mapping of str to str
        See `one_letter`.
    """
    found: dict[tuple[str, str, str], dict[tuple[Any, ...], Residue]] = {}
    for key, index, residue in _candidates(atoms, parents):
        residues = found.setdefault(key, {})
        place = (residue.number, residue.insertion, residue.position, index)
        present = residues.get(place)
        # Another atom stands in until the Cα comes; of several Cα the likeliest stays.
        if present is None or (
            residue.observed and (not present.observed or residue.occupancy > present.occupancy)
        ):
            residues[place] = residue
    chains = [
        PolymerChain(*key, _amino_acids(list(residues.values()))) for key, residues in found.items()
    ]
    return [chain for chain in chains if chain.residues]


def _amino_acids(residues: list[Residue]) -> list[Residue]:
    """The residues without those that only have an atom named as a Cα is.

    Nearly every name of three letters is some ligand's. Who uses such a name for a residue of
    a chain shows it by mmCIF's number in the polymer, or by its bonds to both neighbours.
    """
    return [
        residue if residue.letter else replace(residue, letter=UNKNOWN)
        for residue, bonds in zip(residues, _bonds(residues), strict=True)
        if residue.letter or residue.position is not None or all(bonds)
    ]


def _bonds(residues: list[Residue]) -> list[tuple[bool, bool]]:
    """Whether each residue is bonded to the one before it and to the one after it."""
    # Beyond the ends there is nothing to be bonded to.
    bonds = [False] * (len(residues) + 1)
    bonds[1:-1] = [after.is_bonded_to(before) for before, after in pairwise(residues)]
    return list(pairwise(bonds)) if residues else []


def _candidates(
    atoms: Any, parents: Mapping[str, str]
) -> Iterator[tuple[tuple[str, str, str], int, Residue]]:
    """What each Cα, and the first other atom of a residue, says of the residue."""
    n = atoms.array_length()
    categories = atoms.get_annotation_categories()

    def column(name: str, default: Any) -> list[Any]:
        return atoms.get_annotation(name).tolist() if name in categories else [default] * n

    coords = atoms.coord.astype(np.float64)
    coords[~(np.abs(coords) < FARTHEST).all(axis=1)] = np.nan
    # Calcium is named CA, too.
    is_ca = (atoms.atom_name == "CA") & (atoms.element != "CA")
    coords[~is_ca] = np.nan
    before: tuple[Any, ...] = ()
    for row in zip(
        column("chain_id", ""),
        column("label_asym_id", ""),
        column("label_entity_id", ""),
        column("residue_index", 0),
        column("res_id", 0),
        column("ins_code", ""),
        column("res_name", ""),
        column("hetero", False),
        column("label_seq_id", "."),
        column("occupancy", 1.0),
        is_ca.tolist(),
        coords,
        strict=True,
    ):
        *key, index, number, insertion, name, hetero, seq_id, occupancy, ca, xyz = row
        if not ca and row[:7] == before:
            continue
        before = row[:7]
        letter = one_letter(name, parents)
        # What isn't known to be an amino acid can still be one if it has a Cα.
        if not ca and (letter is None or not is_known(name)):
            continue
        position = int(seq_id) - 1 if seq_id.isdecimal() and int(seq_id) > 0 else None
        residue = Residue(
            name, letter or "", number, insertion.strip(), xyz, hetero, float(occupancy), position
        )
        yield (key[0], key[1], key[2]), index, residue


def take_numbers(
    chain: PolymerChain, polymer: list[str], parents: Mapping[str, str]
) -> list[Residue] | None:
    """The residues that mmCIF itself places in the polymer; None where it contradicts itself."""
    placed = {
        residue.position: residue for residue in chain.residues if residue.position is not None
    }
    if not placed or max(placed) >= len(polymer):
        return None
    different = sum(
        residue.letter not in (UNKNOWN, one_letter(polymer[position], parents))
        for position, residue in placed.items()
    )
    # One is always allowed: where two kinds of residue were seen, the polymer names the first.
    most = max(1.0, MOST_CONTRADICTIONS * len(placed))
    return list(placed.values()) if different <= most else None


def align_residues(
    chain: PolymerChain, polymer: list[str], parents: Mapping[str, str]
) -> list[Residue] | None:
    """The residues with their positions in SEQRES; None where the two contradict each other."""
    names = set(polymer)
    # A ligand can be an amino acid, even in a file that doesn't say where the chain ends.
    residues = [
        residue
        for residue, bonds in zip(chain.residues, _bonds(chain.residues), strict=True)
        if not residue.hetero
        or (residue.name in names and (any(bonds) or residue.name not in STANDARD))
    ]
    letters = "".join(residue.letter for residue in residues)
    # A cap has no letter, and no residue may be put there.
    wanted = "".join(one_letter(name, parents) or "-" for name in polymer)
    steps = [1, *(after.number - before.number for before, after in pairwise(residues))]
    bonded = [False, *(after.is_bonded_to(before) for before, after in pairwise(residues))]
    positions = align_to_seqres(letters, wanted, steps, bonded)
    if positions is None:
        return None
    return [
        replace(residue, position=position)
        for residue, position in zip(residues, positions, strict=True)
    ]


def make_chain(
    chain: PolymerChain,
    placed: list[Residue],
    polymer: list[str],
    parents: Mapping[str, str],
) -> Chain:
    """A chain of all residues of the polymer, with coordinates where they were observed."""
    by_position = {residue.position: residue for residue in placed}
    sequence, ca, numbers = [], [], []
    for position, name in enumerate(polymer):
        residue = by_position.get(position)
        letter = residue.letter if residue else one_letter(name, parents)
        # Caps such as ACE and NH2 are no residues.
        if letter is None:
            continue
        sequence.append(letter)
        ca.append(residue.ca if residue else np.full(3, np.nan))
        numbers.append(f"{residue.number}{residue.insertion}" if residue else "")
    coords = np.array(ca, dtype=np.float64).reshape(-1, 3)
    return Chain(chain.chain_id, "".join(sequence), coords, tuple(numbers), chain.chain_id)


def make_observed_chain(chain: PolymerChain) -> Chain:
    """A chain of the residues that have atoms, where nothing else is known of the polymer."""
    # An amino acid that is bonded to nothing is a ligand, if its record says so.
    kept = [
        residue
        for residue, bonds in zip(chain.residues, _bonds(chain.residues), strict=True)
        if any(bonds) or not residue.hetero
    ]
    placed = [replace(residue, position=index) for index, residue in enumerate(kept)]
    return make_chain(chain, placed, [residue.name for residue in kept], {})


def is_protein(chain: Chain) -> bool:
    """Whether enough was observed for a distance."""
    return int(chain.observed.sum()) >= MIN_RESIDUES
