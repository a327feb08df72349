"""The structure of one sequence laid on another one: of a mutant, a construct, a relative."""

from dataclasses import dataclass

import numpy as np

from distmat.errors import StructureError
from distmat.protein.chain import Chain
from distmat.protein.sequence import quote

_GAP = (-10, -1)
"""Of opening and of going on with a gap, for BLOSUM62; gaps at the ends cost nothing."""
_LEAST = 10
"""Residues that must be aligned and observed for anything to be compared."""
UNSURE = 0.3
"""Share of the shorter sequence's residues that are the same below which the alignment of two
sequences alone is unsure."""


@dataclass(frozen=True)
class LaidStructure:
    """A structure in the numbering of another sequence.

    Parameters
    ----------
    chain : Chain
        Of that sequence; NaN where the structure has no residue for it.
    identity : float
        Share of the aligned residues that are the same.
    aligned : int
        Residues of the sequence that have one of the structure's.
    is_unsure : bool
        Whether too few are the same to trust the alignment.
    """

    chain: Chain
    identity: float
    aligned: int
    is_unsure: bool

    def sentence(self) -> str:
        """What was done, and how far to trust it."""
        unsure = (
            f" Less than {UNSURE:.0%} of the shorter sequence is the same: the alignment is "
            "unsure, and so is what is compared."
            if self.is_unsure
            else ""
        )
        return (
            f"{self.chain.name} was aligned to the sequence (BLOSUM62, global): {self.aligned:,} "
            f"of {len(self.chain):,} residues have one of the structure's, {self.identity:.0%} of "
            f"them the same.{unsure}"
        )


def lay_structure(sequence: str, chain: Chain) -> LaidStructure:
    """Align a chain's sequence to another one, and give its residues that one's places.

    Parameters
    ----------
    sequence : str
        One letter per residue; length N.
    chain : Chain

    Raises
    ------
    StructureError
        If hardly a residue can be aligned.
    """
    from biotite.sequence import ProteinSequence
    from biotite.sequence.align import SubstitutionMatrix, align_optimal

    alignment = align_optimal(
        ProteinSequence(sequence),
        ProteinSequence(chain.sequence),
        SubstitutionMatrix.std_protein_matrix(),
        gap_penalty=_GAP,
        terminal_penalty=False,
        max_number=1,
    )[0]
    here, there = alignment.trace[(alignment.trace >= 0).all(axis=1)].T
    same = sum(sequence[a] == chain.sequence[b] for a, b in zip(here, there, strict=True))
    ca = np.full((len(sequence), 3), np.nan)
    ca[here] = chain.ca[there]
    if np.isfinite(ca).all(axis=1).sum() < _LEAST:
        raise StructureError(
            f"Fewer than {_LEAST} residues of {quote(chain.name, 60)} can be aligned to the "
            "sequence; it is another protein's."
        )
    numbers = [""] * len(sequence)
    if chain.residue_numbers:
        for a, b in zip(here.tolist(), there.tolist(), strict=True):
            numbers[a] = chain.residue_numbers[b]
    laid = Chain(chain.name, sequence, ca, tuple(numbers), chain.chain_id)
    shorter = min(len(sequence), len(chain))
    return LaidStructure(laid, same / max(1, len(here)), len(here), same < UNSURE * shorter)
