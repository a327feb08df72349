"""A map that somebody gives: read, seen with its structure, against another map, rebuilt.

The page Maps and `distmat view` both go through it.
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from distmat.errors import DistanceMapError, SequenceError, StructureError
from distmat.figures.explorer import Scene
from distmat.geometry.completion import check_map
from distmat.geometry.reconstruction import Reconstruction, reconstruct
from distmat.protein.chain import Chain
from distmat.protein.distance_map import pairwise_distances
from distmat.protein.foreign_map import ForeignMap, read_foreign_map
from distmat.protein.score_list import FIRST_RANKED, rank_pairs
from distmat.protein.structure.all_atoms import read_plddt
from distmat.protein.structure.beta import read_beta
from distmat.protein.structure.read import read_structure_bytes
from distmat.scoring.map_comparison import (
    MapDifference,
    StructureComparison,
    compare_maps,
    compare_with_structure,
)

ATOMS = ("Cα", "Cβ")
"""Between which a map's distances can be."""


@dataclass(frozen=True)
class GivenMap:
    """A map whose numbers are understood.

    Parameters
    ----------
    name : str
        Of its file.
    content : ForeignMap
        Its distances in Å.
    key : str
        Differs between any two maps.
    """

    name: str
    content: ForeignMap
    key: str

    def __len__(self) -> int:
        return self.content.residues

    @property
    def atom(self) -> str:
        """Between which atoms it is; Cα where nobody says."""
        return self.content.atom or ATOMS[0]

    @property
    def ranks(self) -> np.ndarray | None:
        """Of a map of scores the place of each pair with |i − j| ≥ 6, 1 the best."""
        return None if self.content.scores is None else rank_pairs(self.content.scores)

    @property
    def named(self) -> np.ndarray | None:
        """Probabilities of contact; of a map of scores 1 for as many best pairs as residues."""
        ranks = self.ranks
        if ranks is None:
            return self.content.contacts
        return np.where(np.isfinite(ranks), ranks <= len(self), 0.0).astype(float)

    def notes(self) -> list[str]:
        """What to know before relying on its numbers, in sentences."""
        said = [self.content.assumed] if self.content.assumed else []
        if self.content.scores is not None:
            said.append(
                "Its numbers are scores: they rank pairs and are no probabilities. Shown are ranks "
                f"among the pairs with |i − j| ≥ {FIRST_RANKED}; the {len(self):,} best, one for "
                "each residue, count as its contacts."
            )
        return said

    def describe(self) -> str:
        """What it is, in a few words."""
        between = f" between {self.content.atom} atoms" if self.content.atom else ""
        return f"{self.content.kind}{between}, {len(self):,} residues"


@dataclass(frozen=True)
class Fit:
    """A structure beside a map.

    Parameters
    ----------
    chain : Chain
        Of as many residues as the map.
    coords : ndarray, shape=(N, 3), dtype=float
        Of the atoms that the map speaks of, Å.
    comparison : StructureComparison
    """

    chain: Chain
    coords: np.ndarray
    comparison: StructureComparison


def open_map(
    data: bytes,
    name: str,
    array: str | None = None,
    unit: str | None = None,
    zeros_are_missing: bool | None = None,
    atom: str = "",
) -> GivenMap:
    """Read a map and understand its numbers.

    Parameters
    ----------
    data : bytes
    name : str
        Of the file.
    array : str, optional
        Which of its arrays.
    unit : str, optional
        See `distmat.reconstruct`; a format that says between which atoms it is says by itself
        what its numbers mean.
    zeros_are_missing : bool, optional
        See `distmat.reconstruct`.
    atom : str
        One of `ATOMS`, where the file doesn't say it.

    Raises
    ------
    MapChoiceError, MapOptionError
        If a person has to say which array, or what its numbers mean.
    DistanceMapError
        If it is no map.
    """
    content = read_foreign_map(data, name, array)
    if not content.atom:
        if content.distances is not None:
            known = check_map(content.distances, None, None, unit, zeros_are_missing)
            content = replace(content, distances=known.distances)
        content = replace(content, atom=atom)
    told = repr((array, unit, zeros_are_missing, atom)).encode()
    return GivenMap(name, content, hashlib.sha256(data + told).hexdigest()[:16])


def fit_structure(given: GivenMap, data: bytes, filename: str, chain_id: str | None = None) -> Fit:
    """Lay a map beside the chain of a structure file that it is of, and score it.

    Parameters
    ----------
    given : GivenMap
    data : bytes
        Of the structure file.
    filename : str
    chain_id : str, optional
        By default the first chain of the map's length, or of as many observed residues.

    Raises
    ------
    StructureError
        If the file can't be read, has no such chain, or lacks the atoms that the map speaks of.
    SequenceError
        If the chain is of another sequence than the map.
    """
    chain = _choose_chain(given, read_structure_bytes(data, filename), filename, chain_id)
    chain = replace(chain, plddt=read_plddt(data, filename, chain))
    coords = chain.ca
    if given.atom == "Cβ":
        coords = read_beta(data, filename, chain, given.content.glycine)
    content = given.content
    comparison = compare_with_structure(
        coords,
        content.distances,
        content.contacts if content.scores is None else content.scores,
        content.beyond,
        content.farthest,
    )
    return Fit(chain, coords, comparison)


def _choose_chain(
    given: GivenMap, chains: list[Chain], filename: str, chain_id: str | None
) -> Chain:
    n, sequence = len(given), given.content.sequence
    asked = [chain for chain in chains if chain_id in (None, chain.chain_id)]
    whole = [chain for chain in asked if len(chain) == n]
    # Who makes a map of a structure often leaves out what wasn't observed.
    seen = [_keep_observed(chain) for chain in asked if int(chain.observed.sum()) == n]
    fitting = whole or seen
    if not fitting:
        lengths = ", ".join(f"{chain.chain_id or '?'} {len(chain):,}" for chain in chains)
        raise StructureError(
            f"{filename} has no such chain of {n:,} residues, as the map has; its chains have: "
            f"{lengths}."
        )
    alike = [chain for chain in fitting if sequence in ("", chain.sequence)]
    if not alike:
        raise SequenceError(
            f"Chain {fitting[0].chain_id} of {filename} is of another sequence than the map."
        )
    return alike[0]


def _keep_observed(chain: Chain) -> Chain:
    """The residues that were observed alone."""
    kept = np.flatnonzero(chain.observed)
    letters = "".join(chain.sequence[k] for k in kept)
    numbers = tuple(chain.residue_numbers[k] for k in kept) if chain.residue_numbers else ()
    return Chain(chain.name, letters, chain.ca[kept], numbers, chain.chain_id)


def compare_given(first: GivenMap, second: GivenMap) -> MapDifference:
    """Two maps of one chain against each other.

    Raises
    ------
    DistanceMapError
        If they are of different lengths or sequences.
    """
    if len(first) != len(second):
        raise DistanceMapError(
            f"{first.name} has {len(first):,} residues and {second.name} {len(second):,}; two maps "
            "of one chain can be compared."
        )
    letters = {one.content.sequence for one in (first, second)} - {""}
    if len(letters) > 1:
        raise DistanceMapError(
            f"{first.name} and {second.name} name different sequences; two maps of one chain can "
            "be compared."
        )
    return compare_maps(
        (first.content.distances, first.named), (second.content.distances, second.named)
    )


def rebuild(
    given: GivenMap, progress: Callable[[float, str], None] | None = None
) -> Reconstruction:
    """The trace of the atoms that a map speaks of.

    Raises
    ------
    DistanceMapError
        If it tells no distances, or too few.
    """
    if given.content.distances is None:
        raise DistanceMapError(
            f"{given.name} holds {given.content.kind}, and no distances; a trace can't be rebuilt "
            "from them."
        )
    return reconstruct(
        given.content.distances, unit="Å", zeros_are_missing=False, progress=progress
    )


def sequence_of(given: GivenMap, fit: Fit | None = None, other: GivenMap | None = None) -> str:
    """The chain's letters from whoever tells them; X where nobody does."""
    told = (given.content.sequence, fit.chain.sequence if fit else "")
    return next(filter(None, (*told, other.content.sequence if other else "")), "X" * len(given))


def given_scene(
    given: GivenMap,
    file: str,
    fit: Fit | None = None,
    against: GivenMap | None = None,
    backbone: Reconstruction | None = None,
) -> Scene:
    """What the explorer shows: a map with its structure, or with another map in its place.

    Parameters
    ----------
    given : GivenMap
    file : str
        Stem of the names of pictures.
    fit : Fit, optional
    against : GivenMap, optional
    backbone : Reconstruction, optional
    """
    content = given.content
    return Scene(
        key=f"given-{given.key}-{against.key if against else ''}-{_mark(fit)}",
        sequence=sequence_of(given, fit, against),
        predicted=content.distances,
        true=None if against is None else against.content.distances,
        truth=None if fit is None else fit.coords,
        stages={} if backbone is None else backbone.stages,
        probability=content.contacts,
        rank=given.ranks,
        numbers=() if fit is None else fit.chain.residue_numbers,
        plddt=None if fit is None else fit.chain.plddt,
        file=file,
        words={
            "predicted": "map",
            "true": "other map" if against else "structure",
            "observed": "structure",
            "error": "difference" if against else "error",
        },
    )


def _mark(fit: Fit | None) -> str:
    return "" if fit is None else hashlib.sha256(fit.coords.tobytes()).hexdigest()[:12]


def pair_columns(
    given: GivenMap, fit: Fit | None = None, against: GivenMap | None = None
) -> dict[str, np.ndarray]:
    """What is known of each pair i < j, column by column, for a table; residues count from 1."""
    letters = np.array(list(sequence_of(given, fit, against)))
    i, j = np.triu_indices(len(given), 1)
    columns = {"i": i + 1, "j": j + 1, "residue_i": letters[i], "residue_j": letters[j]}
    tables = {
        "distance": given.content.distances,
        "contact_probability": given.content.contacts,
        "score": given.content.scores,
        "rank": given.ranks,
        "structure": None if fit is None else pairwise_distances(fit.coords),
        "other_distance": None if against is None else against.content.distances,
        "other_contact_probability": None if against is None else against.content.contacts,
        "other_score": None if against is None else against.content.scores,
    }
    columns |= {
        name: np.round(table[i, j], 4) for name, table in tables.items() if table is not None
    }
    if given.content.beyond is not None:
        columns["beyond_last_bin"] = given.content.beyond[i, j]
    return columns


def numbers(
    given: GivenMap,
    fit: Fit | None = None,
    against: GivenMap | None = None,
    difference: MapDifference | None = None,
    backbone: Reconstruction | None = None,
) -> dict[str, Any]:
    """Everything that was measured, for JSON."""
    known: dict[str, Any] = {
        "map": given.name,
        "kind": given.content.kind,
        "atom": given.atom,
        "residues": len(given),
        "notes": given.notes(),
        "stress": None if backbone is None else round(float(backbone.stress), 4),
        "hand": None if backbone is None else backbone.hand,
    }
    if fit is not None:
        known["structure"] = {"chain": fit.chain.name} | fit.comparison.as_dict()
    if against is not None and difference is not None:
        known["against"] = {"map": against.name} | difference.as_dict()
    return known
