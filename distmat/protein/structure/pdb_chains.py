"""Which atoms of a PDB file are of one chain.

The format has one column for it, and programs need more: they leave it blank, number each
molecule from 1, write a segment's name further right, or end a chain by TER alone. So a chain
here is a run of residues whose numbers rise; runs of the same letters are put together where a
bond, or the letter and the numbers, say that they are one.
"""

import math
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from distmat.protein.arrays import Coords
from distmat.protein.chain import LONGEST_BOND
from distmat.protein.sequence import quote
from distmat.protein.structure.entry import FARTHEST, AmbiguousError

_SAME_PLACE = 2.0
"""Å: two Cα atoms closer than this are alternatives, or of two frames; no chains come so near."""

_MOST_OVERLAP = 0.1
"""Share of its residues that one chain may have in another's places, as bad models do."""

_STEP = 4.0
"""Å: a chain gets no further than this with each residue."""

_NO_SEGMENTS = 0.5
"""With more names of segments than this per residue, the columns hold something else."""


class Record(NamedTuple):
    """An atom's record, and what its columns say of the atom's place.

    Parameters
    ----------
    line : str
        The record itself.
    name, letters, segment : str
        The residue's name, and what may name the chain: columns 21–22, and 73–76.
    number : str
        Residue number and insertion code as written.
    altloc : str
        ``""`` where there is one place alone.
    hetero : bool
        Whether the record is HETATM.
    ters : int
        How many TER records came before.
    is_ca : bool
    """

    line: str
    name: str
    letters: str
    segment: str
    number: str
    altloc: str
    hetero: bool
    ters: int
    is_ca: bool


class Place(NamedTuple):
    """The chain and residue that an atom belongs to.

    Parameters
    ----------
    chain_id : str
        The letters, or the segment's name where the letters name several chains or none.
    letters : str
        By which SEQRES knows the chain.
    copy : int
        0, 1, … for chains of the same id.
    residue : int
        Different for each residue of the file.
    """

    chain_id: str
    letters: str
    copy: int
    residue: int


@dataclass
class _Residue:
    """Atoms of one residue, and where its Cα is."""

    key: str
    name: str
    number: int
    hetero: bool
    ters: int
    atoms: list[int] = field(default_factory=list)
    ca: tuple[float, ...] | None = None

    def add(self, index: int, ca: tuple[float, ...] | None) -> None:
        self.atoms.append(index)
        self.ca = self.ca or ca

    def distance(self, ca: tuple[float, ...] | None) -> float:
        """Å from this Cα; NaN, which is neither near nor far, if one isn't known."""
        return math.dist(self.ca, ca) if self.ca and ca else math.nan

    def is_bonded_to(self, other: "_Residue") -> bool:
        return self.distance(other.ca) <= LONGEST_BOND


_Run = list[_Residue]


def find_chains(records: list[Record], numbers: list[int], coords: Coords) -> list[Place | None]:
    """The place of each atom; None for what belongs to no chain.

    That are ligands after a chain's end, and chains that are written a second time where the
    first is: the next frames of a simulation.

    Parameters
    ----------
    records : list of Record
        In the order of the file.
    numbers : list of int
        Residue numbers without insertion codes.
    coords : ndarray, shape=(N, 3), dtype=float
        Å.

    Raises
    ------
    AmbiguousError
        If the file doesn't tell what belongs together.
    """
    streams: dict[tuple[str, str], list[int]] = defaultdict(list)
    for index, stream in enumerate(_streams(records)):
        streams[stream].append(index)
    found: dict[tuple[str, str], list[_Run]] = {}
    for stream, atoms in streams.items():
        runs = _runs(atoms, records, numbers, coords)
        chains = _join(runs, stream[0])
        before = [key for key in found if stream[0] and key[0] == stream[0]]
        # A segment that is bonded to the one before it is the same chain.
        if before and _goes_on(found[before[-1]][-1], chains[0]):
            found[before[-1]][-1] += chains.pop(0)
        if chains:
            found[stream] = chains
    return _places(found, len(records))


def _streams(records: list[Record]) -> list[tuple[str, str]]:
    """Letters and segment of each atom, as far as they tell chains apart."""
    segments: dict[str, set[str]] = defaultdict(set)
    residues: Counter[str] = Counter()
    for record in records:
        if all(letter.isalnum() for letter in record.segment):
            segments[record.letters].add(record.segment)
        residues[record.letters] += 1
    known = {
        letters: names - {""}
        for letters, names in segments.items()
        if len(names) <= max(2, _NO_SEGMENTS * residues[letters])
    }
    last: dict[str, str] = {}
    streams = []
    for record in records:
        if record.segment in known.get(record.letters, ()):
            last[record.letters] = record.segment
        # A residue that a program put in lacks the segment of its neighbours.
        streams.append((record.letters, last.get(record.letters, "")))
    return streams


def _runs(
    atoms: list[int], records: list[Record], numbers: list[int], coords: np.ndarray
) -> list[_Run]:
    """The residues, cut where TER stands and where the numbers fall back."""
    runs: list[_Run] = []
    taken: dict[str, _Residue] = {}
    for index in atoms:
        record, number = records[index], numbers[index]
        seen = record.is_ca and bool((np.abs(coords[index]) < FARTHEST).all())
        xyz = tuple(coords[index].tolist()) if seen else None
        last = runs[-1][-1] if runs else None
        if last and last.ters == record.ters:
            same = last if last.key == record.number else taken.get(record.number)
            again = same is last and _is_next(last, record, xyz, records)
            if same and not again and (same is last or record.altloc or not record.is_ca):
                same.add(index, xyz)
                continue
            starts = number < last.number or (same is not None and not again)
        else:
            starts = True
        residue = _Residue(record.number, record.name, number, record.hetero, record.ters)
        residue.add(index, xyz)
        if starts:
            runs.append([])
            taken = {}
        runs[-1].append(residue)
        taken[record.number] = residue
    return runs


def _is_next(
    residue: _Residue, record: Record, ca: tuple[float, ...] | None, records: list[Record]
) -> bool:
    """Whether a second Cα under the number of the first is the next residue's.

    So it is where a program left the insertion codes out.
    """
    distance = residue.distance(ca)
    if record.altloc or records[residue.atoms[-1]].altloc or not distance > _SAME_PLACE:
        return False
    if distance > LONGEST_BOND:
        raise AmbiguousError(
            f"residue {quote(record.number.strip())} of chain {quote(record.letters)} has two "
            f"Cα atoms {distance:,.1f} Å apart, and nothing says which is whose; give every chain "
            "a letter, every residue a number, and alternatives an altloc"
        )
    return True


def _join(runs: list[_Run], letters: str) -> list[_Run]:
    """Runs put together to chains."""
    chains = [list(runs[0])]
    waiting: _Run = []
    for run in runs[1:]:
        chain = chains[-1]
        after_ter = run[0].ters != chain[-1].ters
        if all(residue.hetero for residue in run) and (after_ter or not any(_bonds(run))):
            # A ligand, unless the chain goes on behind it.
            waiting += run
            continue
        if waiting and all(_bonds([chain[-1], *waiting, run[0]])):
            chain += waiting
        waiting = []
        if after_ter:
            run = _without_ligands(run, chain[-1])
        if _is_one(chain, run, after_ter, letters):
            chain += run
        elif not any(_is_frame(other, run, letters) for other in chains):
            chains.append(list(run))
    return chains


def _bonds(residues: _Run) -> list[bool]:
    return [after.is_bonded_to(before) for before, after in pairwise(residues)]


def _without_ligands(run: _Run, end: _Residue) -> _Run:
    """The run without amino acids at its beginning that are bonded to nothing."""
    first = next(
        at
        for at, residue in enumerate(run)
        if not residue.hetero
        or residue.is_bonded_to(end)
        or (at + 1 < len(run) and residue.is_bonded_to(run[at + 1]))
    )
    return run[first:]


def _is_one(chain: _Run, run: _Run, after_ter: bool, letters: str) -> bool:
    """Whether a run goes on with the chain."""
    end, start = chain[-1], run[0]
    if _goes_on(chain, run):
        return True
    if _share_residue(chain, run):
        return False
    # Only a letter can say that what isn't bonded is one chain.
    if not letters:
        return False
    if not after_ter:
        return True
    step = start.number - end.number
    return step > 1 and not end.distance(start.ca) > _STEP * step


def _goes_on(chain: _Run, run: _Run) -> bool:
    """Whether a bond leads from the chain to the run, which numbers no residue a second time."""
    return run[0].is_bonded_to(chain[-1]) and not _share_residue(chain, run)


def _share_residue(chain: _Run, run: _Run) -> bool:
    """Whether both have a residue of one number."""
    return not {residue.key for residue in chain}.isdisjoint(residue.key for residue in run)


def _is_frame(chain: _Run, run: _Run, letters: str) -> bool:
    """Whether the run is the chain once more, in the place where the chain is.

    Raises
    ------
    AmbiguousError
        If something else is there.
    """
    from scipy.spatial import cKDTree

    first, second = (
        np.array([residue.ca for residue in part if residue.ca]) for part in (chain, run)
    )
    if not len(first) or not len(second):
        return False
    near, _ = cKDTree(first).query(second, distance_upper_bound=_SAME_PLACE)
    if np.isfinite(near).sum() <= max(1, _MOST_OVERLAP * len(second)):
        return False
    names = {residue.key: residue.name for residue in chain}
    different = sum(names.get(residue.key) != residue.name for residue in run)
    if different > max(1, _MOST_OVERLAP * len(run)):
        raise AmbiguousError(
            f"chain {quote(letters)} is written twice in one place, with different residues; "
            "give each in a file of its own"
        )
    return True


def _places(found: dict[tuple[str, str], list[_Run]], n: int) -> list[Place | None]:
    """The place of each atom that a chain has."""
    letters = Counter(
        letter
        for (letter, _), chains in found.items()
        if any(not residue.hetero for chain in chains for residue in chain)
    )
    places: list[Place | None] = [None] * n
    copies: Counter[str] = Counter()
    residues = 0
    for (letter, segment), chains in found.items():
        chain_id = segment if segment and (not letter or letters[letter] > 1) else letter
        for chain in chains:
            for residue in chain:
                residues += 1
                for atom in residue.atoms:
                    places[atom] = Place(chain_id, letter, copies[chain_id], residues)
            copies[chain_id] += 1
    return places
