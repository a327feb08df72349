"""Protein sequences as people paste them: plain text, FASTA with one or many records, or an
alignment, of which the query is read.
"""

import re
import unicodedata
from dataclasses import dataclass, field, replace

from distmat.errors import NucleotideError, SequenceError

ALPHABET = "ACDEFGHIKLMNPQRSTVWY"
"""The 20 amino acids."""

UNKNOWN = "X"
"""A residue whose kind isn't known."""

UNNAMED = "sequence"
"""What a sequence without a title line is called."""

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
    ":": "which joins several chains; give one chain at a time",
    "/": "which joins several chains; give one chain at a time",
    "#": "which begins a remark; give the sequence alone, or FASTA",
    "<": "so this looks like a web page; paste the letters of the sequence alone",
    **dict.fromkeys("0123456789", "a digit; give the letters without their numbering"),
}

_NO_AMINO_ACID = f"which is no amino acid; use one of {ALPHABET}, or {UNKNOWN} for an unknown one"

_TO_UPPER = {ord(small): small.upper() for small in "abcdefghijklmnopqrstuvwxyz"}
# str.upper would turn one letter into two (ß into SS) and foreign letters into ours (ſ into S).

_NUCLEOTIDES = re.compile("[ACGTUN]{20,}")
"""By chance one protein in 10¹¹ of 20 residues has no others (those five are 26 % of residues)."""

_ANNOTATION = re.compile(r"(ss_(pred|conf|dssp)|sa_(pred|dssp)|aa_(pred|dssp))\b")
"""Names of an A3M file's rows that are no sequences, as HH-suite writes them."""

_STOCKHOLM = "# STOCKHOLM"
"""How Stockholm files begin, by https://sonnhammer.sbc.su.se/Stockholm.html"""

_SEVERAL_LENGTHS = re.compile(r"#\d+(,\d+)+\t")
"""How ColabFold begins the alignment of a complex."""

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
    note : str
        What was made of the text, in a sentence, where that isn't what it says word for word.
    rows : tuple of (str, str)
        Name and letters, with gaps and insertions, of each row of the alignment that the text is,
        this sequence's first; empty where it is none.
    """

    name: str
    letters: str
    note: str = ""
    rows: tuple[tuple[str, str], ...] = field(default=(), compare=False, repr=False)

    def __len__(self) -> int:
        return len(self.letters)


def read_sequences(
    text: str, *, alignment: bool = False, amino_acids: bool = False
) -> list[Sequence]:
    """Read plain text, FASTA, or the query of an alignment (A3M, A2M, aligned FASTA, Stockholm).

    Lower case, white space, blank lines, a byte order mark and comments (lines that begin with
    ``;``, as Pearson's programs write them) are forgiven.

    Parameters
    ----------
    text : str
        One sequence, or records that each begin with a line ``>name``. Records with gaps that
        are all of one width are an alignment: its first row is read, without gaps and without
        the lower-case letters that mark insertions.
    alignment : bool
        True if it is one, however it looks.
    amino_acids : bool
        True if even what looks like DNA is a protein.

    Returns
    -------
    list of Sequence

    Raises
    ------
    NucleotideError
        If one has only the letters of nucleotides, and too many for chance.
    SequenceError
        If there is no sequence, or one holds what is no amino acid, is too short or too long.
    """
    text = text.removeprefix("\ufeff").strip()
    if not text:
        raise SequenceError("There is no sequence; paste one, such as MKTAYIAKQRQISFVK.")
    records = _records(text)
    if records is None:
        return [_check_record(UNNAMED, text, "The sequence", amino_acids)]
    if _SEVERAL_LENGTHS.match(text):
        raise SequenceError(
            "This is the alignment of several chains; give one at a time, each with its own rows."
        )
    if alignment or _is_alignment(text, records):
        return [_query(_rows(records), amino_acids)]
    return [
        _check_record(name, letters, f"Record {number} ({quote(name)})", amino_acids)
        for number, (name, letters) in enumerate(records, start=1)
    ]


def alignment_rows(text: str, sure: bool = False) -> list[tuple[str, str]] | None:
    """Name and letters, with gaps and insertions, of each row of an alignment, the query first.

    Parameters
    ----------
    text : str
        As for `read_sequences`.
    sure : bool
        True if it is one, however it looks; else None comes back for other texts.
    """
    text = text.removeprefix("\ufeff").strip()
    records = _records(text)
    if records is None or not (sure or _is_alignment(text, records)):
        return None
    return _rows(records)


def _rows(records: list[tuple[str, str]]) -> list[tuple[str, str]]:
    return [record for record in records if not _ANNOTATION.match(record[0])] or records


def _records(text: str) -> list[tuple[str, str]] | None:
    """Name and letters, unchecked, of each record; None if the text is one sequence alone."""
    # A line may also end as it did on old Macs; str.splitlines knows too many other ends.
    lines = [line.strip() for line in re.split(r"\r\n|\r|\n", text)]
    if text.startswith(_STOCKHOLM):
        return _stockholm_rows(lines)
    mark = next((line[0] for line in lines if line and line[0] not in ";#"), "")
    if mark == ">":
        lines = [line for line in lines if not line.startswith(";")]
        # Remarks before the first record, such as A3M's and ColabFold's.
        lines = lines[next(place for place, line in enumerate(lines) if line[:1] == ">") :]
    elif text.startswith(";"):
        lines = _old_records(lines)
    else:
        return None
    records: list[tuple[str, list[str]]] = []
    for line in lines:
        if line.startswith(">"):
            words = line[1:].split()
            records.append((words[0] if words else f"record {len(records) + 1}", []))
        else:
            records[-1][1].append(line)
    return [(name, "".join(letters)) for name, letters in records]


def _old_records(lines: list[str]) -> list[str]:
    """FASTA as it first was, where the first of the lines with ``;`` is the name."""
    return [
        f">{line[1:]}" if line.startswith(";") else line
        for before, line in zip(["", *lines], lines, strict=False)
        if not (line.startswith(";") and before.startswith(";"))
    ]


def _stockholm_rows(lines: list[str]) -> list[tuple[str, str]]:
    """The rows of the file's first alignment, each of which may come in several parts."""
    rows: dict[str, list[str]] = {}
    for line in lines:
        if line == "//":
            break
        name, _, letters = line.partition(" ")
        if letters and not name.startswith("#"):
            rows.setdefault(name, []).append(letters)
    if not rows:
        raise SequenceError("The Stockholm file holds no row; give one with an alignment.")
    return [(name, "".join(parts)) for name, parts in rows.items()]


def _is_alignment(text: str, records: list[tuple[str, str]]) -> bool:
    """Whether several rows have gaps and, with or without insertions, one width."""
    rows = [letters for _, letters in records]
    if text.startswith(_STOCKHOLM):
        return True
    if len(rows) < 2 or not any("-" in row or "." in row for row in rows):
        return False
    if len({len(row) for row in rows}) == 1:
        return True
    return len({len(re.sub("[a-z.]", "", row)) for row in rows}) == 1


def _query(rows: list[tuple[str, str]], amino_acids: bool) -> Sequence:
    name, row = rows[0]
    letters = re.sub(r"[-.\s]", "", row)
    # In an alignment of small letters alone they mark nothing.
    matched = re.sub("[a-z]", "", letters) or letters
    note = f"This is the first of the {len(rows):,} rows of an alignment, without its gaps."
    if len(matched) < len(letters):
        left_out = len(letters) - len(matched)
        note = f"{note[:-1]} and the {left_out} lower-case letters that mark insertions."
    query = _check_record(name, matched, f"The alignment's first row ({quote(name)})", amino_acids)
    note = note if len(rows) > 1 or len(matched) < len(letters) else ""
    return replace(query, note=note, rows=tuple(rows))


def _check_record(name: str, letters: str, called: str, amino_acids: bool) -> Sequence:
    cleaned = "".join(letters.split()).translate(_TO_UPPER)
    if not amino_acids and is_nucleic(cleaned):
        kinds = sorted(set(cleaned) - {"N"})
        raise NucleotideError(
            f"{called} has {len(cleaned):,} letters, all of them {', '.join(kinds)}: that is "
            f"{'RNA' if 'U' in kinds else 'DNA'} and no protein; translate it first."
        )
    return Sequence(name, check_letters(cleaned, called))


def is_nucleic(letters: str) -> bool:
    """Whether these upper-case letters are nucleotides': no others, and too many for chance."""
    return len(set(letters) - {"N"}) >= 3 and bool(_NUCLEOTIDES.fullmatch(letters))


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
        raise SequenceError(f"{name}, residue {wrong.start() + 1} is {quote(letter)}, {advice}.")
    if len(cleaned) < MIN_RESIDUES:
        found = f"only {len(cleaned)} residue" if cleaned else "no residues"
        raise SequenceError(f"{name} has {found}; a distance map needs at least {MIN_RESIDUES}.")
    return cleaned


def quote(text: str, longest: int = 40) -> str:
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
