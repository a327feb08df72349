"""Protein sequences as people paste them: plain text, or FASTA with one or many records."""

import re
import unicodedata
from dataclasses import dataclass

from distmat.errors import SequenceError

ALPHABET = "ACDEFGHIKLMNPQRSTVWY"
"""The 20 amino acids."""

UNKNOWN = "X"
"""A residue whose kind isn't known."""

MIN_RESIDUES = 2
"""A single residue has no distance to another."""

MAX_RESIDUES = 10_000
"""More than this in one record is no single chain; titin aside, none is longer."""

_ADVICE = {
    "*": "which marks a stop; cut the sequence there",
    "-": "which marks a gap; give the sequence without its alignment",
    ".": "which marks a gap; give the sequence without its alignment",
    "U": "selenocysteine, which the model doesn't know; write C",
    "O": "pyrrolysine, which the model doesn't know; write K",
    "B": "which stands for D or N; write the one it is, or X",
    "Z": "which stands for E or Q; write the one it is, or X",
    ">": "which begins a FASTA record; put it at the start of a line, before a name",
    "<": "so this looks like a web page; paste the letters of the sequence alone",
    **dict.fromkeys("0123456789", "a digit; give the letters without their numbering"),
}

_NO_AMINO_ACID = f"which is no amino acid; use one of {ALPHABET}, or {UNKNOWN} for an unknown one"

_TO_UPPER = {ord(small): small.upper() for small in "abcdefghijklmnopqrstuvwxyz"}
# str.upper would turn one letter into two (ß into SS) and foreign letters into ours (ſ into S).

_TURNS_LINE = {"R", "AL", "RLE", "RLO", "RLI", "LRE", "LRO", "LRI", "PDF", "PDI", "FSI"}
"""Unicode's bidirectional classes that would turn the rest of a sentence around."""


@dataclass(frozen=True)
class Sequence:
    """A named sequence.

    Parameters
    ----------
    name : str
        The record's title line up to the first blank; ``"sequence"`` for plain text. It may
        hold anything that a title line can.
    letters : str
        Upper case, the 20 amino acids and ``X``.
    """

    name: str
    letters: str

    def __len__(self) -> int:
        return len(self.letters)


def read_sequences(text: str) -> list[Sequence]:
    """Read plain text or FASTA.

    Lower case, white space, blank lines and a byte order mark are forgiven.

    Parameters
    ----------
    text : str
        One sequence, or records that each begin with a line ``>name``.

    Returns
    -------
    list of Sequence

    Raises
    ------
    SequenceError
        If there is no sequence, or one holds what is no amino acid, is too short or too long.
    """
    text = text.removeprefix("\ufeff").strip()
    if not text:
        raise SequenceError("There is no sequence; paste one, such as MKTAYIAKQRQISFVK.")
    if not text.startswith(">"):
        return [Sequence("sequence", check_letters(text))]
    return [
        Sequence(name, check_letters(letters, f"Record {number} ({quoted(name)})"))
        for number, (name, letters) in enumerate(_records(text), start=1)
    ]


def _records(text: str) -> list[tuple[str, str]]:
    """Name and letters, unchecked, of each record; the text begins with one."""
    records: list[tuple[str, list[str]]] = []
    # A line may also end as it did on old Macs; str.splitlines knows too many other ends.
    for line in re.split(r"\r\n|\r|\n", text):
        line = line.strip()
        if line.startswith(">"):
            words = line[1:].split()
            records.append((words[0] if words else f"record {len(records) + 1}", []))
        else:
            records[-1][1].append(line)
    return [(name, "".join(lines)) for name, lines in records]


def check_letters(letters: str, name: str = "The sequence") -> str:
    """The letters in upper case without white space, if they are a protein's.

    Parameters
    ----------
    letters : str
    name : str
        What to call the sequence in an error, at the start of a sentence.

    Raises
    ------
    SequenceError
        If a letter is none of `ALPHABET` and ``X``, naming its place counted in residues, or
        the sequence has fewer than `MIN_RESIDUES` or more than `MAX_RESIDUES`.
    """
    cleaned = "".join(letters.split()).translate(_TO_UPPER)
    # Long input is refused before it is searched and shown: it may be a whole genome.
    if len(cleaned) > MAX_RESIDUES:
        raise SequenceError(
            f"{name} has {len(cleaned):,} letters, and {MAX_RESIDUES:,} is the most that is read; "
            "cut it into domains."
        )
    wrong = re.search(f"[^{ALPHABET}{UNKNOWN}]", cleaned)
    if wrong:
        letter = wrong.group()
        advice = _ADVICE.get(letter, _NO_AMINO_ACID)
        raise SequenceError(f"{name}, residue {wrong.start() + 1} is {quoted(letter)}, {advice}.")
    if len(cleaned) < MIN_RESIDUES:
        found = f"only {len(cleaned)} residue" if cleaned else "no residues"
        raise SequenceError(f"{name} has {found}; a distance map needs at least {MIN_RESIDUES}.")
    return cleaned


def quoted(text: str, longest: int = 40) -> str:
    """What a person gave, for a sentence: in quotes, cut short, and inert.

    Nothing that a terminal would obey or that turns the writing direction is left in it. A
    lone foreign letter comes with its code: a Greek Α looks like ours.
    """
    text = text[:longest]
    if not text.isprintable() or any(
        unicodedata.bidirectional(letter) in _TURNS_LINE for letter in text
    ):
        return ascii(text)
    code = f" (U+{ord(text):04X})" if len(text) == 1 and not text.isascii() else ""
    return f"'{text}'{code}"
