"""Exchanges of residues, as A12G."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from distmat.errors import SequenceError
from distmat.protein.sequence import ALPHABET, quote

_MUTATION = re.compile(r"(?:p\.)?([A-Za-z])(\d{1,5})([A-Za-z])")
_BETWEEN = re.compile(r"[\s,;+/]+")
MOST = 50
"""In one mutant; more is another protein."""


@dataclass(frozen=True)
class Mutation:
    """A residue in another one's place.

    Parameters
    ----------
    place : int
        From 0.
    own, other : str
        Letters before and after.
    """

    place: int
    own: str
    other: str

    def __str__(self) -> str:
        return f"{self.own}{self.place + 1}{self.other}"


def parse_mutations(text: str, sequence: str) -> list[Mutation]:
    """The mutations that a person names, counted from 1 in this sequence.

    Parameters
    ----------
    text : str
        Such as ``A12G L45P``, with spaces, commas or the like between them.
    sequence : str

    Returns
    -------
    list of Mutation
        By place.

    Raises
    ------
    SequenceError
        If one isn't understood, doesn't fit the sequence, or there is none.
    """
    words = [word for word in _BETWEEN.split(text.strip()) if word]
    if not words:
        raise SequenceError("Name at least one mutation, such as A12G.")
    if len(words) > MOST:
        raise SequenceError(f"These are {len(words)} mutations; name {MOST} at most.")
    found: dict[int, Mutation] = {}
    for word in words:
        match = _MUTATION.fullmatch(word)
        if match is None:
            raise SequenceError(f"{quote(word, 20)} is no mutation; write it as A12G.")
        own, place, other = match[1].upper(), int(match[2]) - 1, match[3].upper()
        if not 0 <= place < len(sequence):
            raise SequenceError(
                f"{quote(word, 20)} names residue {place + 1}, and the chain has {len(sequence):,}."
            )
        if sequence[place] != own:
            raise SequenceError(
                f"{quote(word, 20)} says that residue {place + 1} is {own}, and it is "
                f"{sequence[place]}; residues count from 1 in the sequence as it was given."
            )
        if other not in ALPHABET:
            raise SequenceError(f"{quote(word, 20)} ends in {other}, which is no amino acid.")
        if place in found:
            raise SequenceError(f"Residue {place + 1} is exchanged twice; name it once.")
        found[place] = Mutation(place, own, other)
    changed = [one for _, one in sorted(found.items()) if one.own != one.other]
    if not changed:
        raise SequenceError("None of these mutations changes the sequence.")
    return changed


def mutate(sequence: str, mutations: Sequence[Mutation]) -> str:
    """The sequence with these residues exchanged."""
    letters = list(sequence)
    for one in mutations:
        letters[one.place] = one.other
    return "".join(letters)
