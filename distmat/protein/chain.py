"""A protein chain: its sequence, where its Cα atoms are, and which were never observed."""

from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from distmat.protein.arrays import Coords, PairTable, PerResidue, ResidueMask
from distmat.protein.distance_map import pairwise_distances

LONGEST_BOND = 4.5
"""Å: consecutive residues whose Cα atoms are further apart than this aren't bonded (3.8 Å, and
2.9 Å across a cis bond, are usual; two residues apart it is hardly ever less than 5 Å)."""

_MOST_NAMED = 5


class Break(NamedTuple):
    """A place where two neighbours in the sequence are too far apart for a bond.

    Parameters
    ----------
    residue : int
        Index of the residue before it, from 0.
    distance : float
        Å between the two Cα atoms.
    """

    residue: int
    distance: float


@dataclass(frozen=True)
class Chain:
    """One protein chain in chain order.

    Parameters
    ----------
    name : str
        What a person calls it, such as ``"1abc_A"``.
    sequence : str
        One letter per residue, the 20 amino acids and ``X``; length N.
    ca : ndarray, shape=(N, 3), dtype=float
        Cα coordinates in Å; a row of NaN where the residue was not observed.
    residue_numbers : tuple of str
        The author's number with its insertion code, such as ``"27A"``; ``""`` where the
        file gives none.
    chain_id : str
        What the file calls the chain, such as ``"A"``; ``""`` where it has no name for it.
    plddt : ndarray, shape=(N,), dtype=float, optional
        Of a predicted model how sure its predictor is of each residue, 0 to 100; of an experiment
        there is none.
    """

    name: str
    sequence: str
    ca: Coords
    residue_numbers: tuple[str, ...] = ()
    chain_id: str = ""
    plddt: PerResidue | None = field(default=None, compare=False)

    def __post_init__(self) -> None:
        if self.ca.shape != (len(self.sequence), 3):
            raise ValueError(
                f"{len(self.sequence)} residues but coordinates of shape {self.ca.shape}"
            )

    def __len__(self) -> int:
        return len(self.sequence)

    @property
    def observed(self) -> ResidueMask:
        """Which residues have coordinates; shape=(N,), dtype=bool."""
        return np.asarray(np.isfinite(self.ca).all(axis=1))

    @property
    def distances(self) -> PairTable:
        """The true distance map in Å; shape=(N, N), NaN where either residue is unobserved."""
        return pairwise_distances(self.ca)

    @property
    def breaks(self) -> tuple[Break, ...]:
        """Where observed neighbours are further apart than `LONGEST_BOND`."""
        gaps = np.linalg.norm(np.diff(self.ca, axis=0), axis=1)
        # A comparison with NaN is false.
        return tuple(Break(int(at), float(gaps[at])) for at in np.flatnonzero(gaps > LONGEST_BOND))


CONFIDENT = 70
"""pLDDT from which AlphaFold DB calls a residue confident."""


def describe_model(chain: Chain) -> str:
    """That a chain is a predicted model and how sure that is, in a sentence; ``""`` if it is none.

    Parameters
    ----------
    chain : Chain
    """
    if chain.plddt is None:
        return ""
    seen = chain.plddt[np.isfinite(chain.plddt)]
    unsure = int((seen < CONFIDENT).sum())
    return (
        "This structure is AlphaFold's model, not an experiment: what is compared with it is "
        f"compared with a prediction. Its pLDDT is {seen.mean():.0f} on average, and below "
        f"{CONFIDENT} for {unsure:,} of {len(seen):,} residues."
    )


def describe_breaks(chain: Chain) -> str:
    """Where a chain breaks, in a sentence; ``""`` if it is whole.

    Parameters
    ----------
    chain : Chain
    """

    def number(index: int) -> str:
        named = chain.residue_numbers[index] if chain.residue_numbers else ""
        return named or f"{index + 1} of the sequence"

    if not chain.breaks:
        return ""
    places = [
        f"{number(at)} and {number(at + 1)} ({distance:,.1f} Å)"
        for at, distance in chain.breaks[:_MOST_NAMED]
    ]
    more = len(chain.breaks) - len(places)
    if more:
        places.append(f"in {more} more places")
    return (
        f"The chain breaks between residues {', '.join(places)}: residues are missing there, or "
        "it is several chains or a wrapped simulation box."
    )
