"""Alignments of a chain's relatives, as A3M, aligned FASTA and Stockholm files hold them.

Only the query's own columns count: what others have between them, written in small letters or where
the query has a gap, is dropped.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from distmat.errors import SequenceError
from distmat.protein.arrays import PerResidue
from distmat.protein.sequence import ALPHABET, alignment_rows, quote

GAP = len(ALPHABET) + 1
"""The code of a gap; residues have their places in `ALPHABET`, others the one after them."""

MOST_ROWS = 2_048
"""Of an alignment that are used: the first ones, which searches write in the order of surety."""

LEAST_IDENTITY, MOST_IDENTITY = 0.25, 0.95
"""Share of equal residues between which a relative can stand for a chain, in training and in
prediction: below the first structures differ, above the second there is nothing new to see."""

LEAST_ALIGNED = 0.6
"""Share of the chain for which such a relative has a residue, at the least."""

ALIKE = 0.8
"""Identity from which rows count as one; the usual one, as in Ekeberg et al., PRE 87 (2013)."""

_ODD = re.compile("[^A-Z*.-]")
_CODES = np.zeros(256, dtype=np.uint8)
_CODES[np.frombuffer(b"BJOUZX*", dtype=np.uint8)] = len(ALPHABET)
_CODES[np.frombuffer(ALPHABET.encode(), dtype=np.uint8)] = np.arange(len(ALPHABET))
_CODES[np.frombuffer(b"-.", dtype=np.uint8)] = GAP
_LETTERS = np.frombuffer(f"{ALPHABET}X-".encode(), dtype=np.uint8)
_ROWS_TOGETHER = 256


@dataclass(frozen=True, eq=False)
class Alignment:
    """Relatives of a chain, residue for residue on its own.

    Parameters
    ----------
    rows : ndarray, shape=(depth, N), dtype=uint8
        Places in `ALPHABET`, one more for any other residue, `GAP` for a gap; the query first.
    left_out : int
        Rows of the file beyond `MOST_ROWS`.
    """

    rows: np.ndarray
    left_out: int = 0

    def __len__(self) -> int:
        return len(self.rows)

    @cached_property
    def weights(self) -> np.ndarray:
        """One over the number of rows that are alike; shape=(depth,), dtype=float.

        Rows are alike when at least `ALIKE` of the residues of the shorter one are the same in the
        other.
        """
        residues = self.rows < GAP
        lengths = residues.sum(axis=1)
        # A gap is like nothing: in one of both it has a code of its own.
        others = np.where(residues, self.rows, GAP + 1)
        alike = np.empty(len(self.rows))
        for start in range(0, len(self.rows), _ROWS_TOGETHER):
            block = slice(start, start + _ROWS_TOGETHER)
            same = np.zeros((len(self.rows[block]), len(self.rows)), dtype=np.int32)
            for column in range(self.rows.shape[1]):
                same += self.rows[block, column, None] == others[None, :, column]
            shorter = np.minimum(lengths[block, None], lengths[None, :])
            alike[block] = np.maximum((same >= ALIKE * shorter).sum(axis=1), 1)
        return 1.0 / alike

    @property
    def effective(self) -> float:
        """Number of effective sequences: the sum of the weights, often called Neff."""
        return float(self.weights.sum())

    @property
    def coverage(self) -> PerResidue:
        """Share of the effective sequences that have a residue; shape=(N,), dtype=float."""
        share: np.ndarray = self.weights @ (self.rows < GAP) / self.weights.sum()
        return share

    @property
    def frequencies(self) -> np.ndarray:
        """Of the 20 amino acids among the effective sequences that have a residue there.

        Returns
        -------
        ndarray, shape=(N, 20), dtype=float32
            Each row adds up to 1; even where only unknown residues are.
        """
        codes = np.arange(len(ALPHABET))
        count = np.stack([self.weights @ (self.rows == code) for code in codes], axis=1)
        total = count.sum(axis=1, keepdims=True)
        even = np.full_like(count, 1 / len(ALPHABET))
        return np.where(total > 0, count / np.maximum(total, 1e-9), even).astype(np.float32)

    def list_homologues(self, most: int) -> list[str]:
        """Sequences that can stand for the query's: their residues on its places.

        Parameters
        ----------
        most : int
            So many are taken evenly from all that `LEAST_IDENTITY`, `MOST_IDENTITY` and
            `LEAST_ALIGNED` allow, from the surest to the remotest.

        Returns
        -------
        list of str
            Each of length N; where a relative has no residue, or an unknown one, the query's own.
        """
        places = self._homologous
        if len(places) > most:
            places = places[np.linspace(0, len(places) - 1, most).round().astype(int)]
        rows = self.rows[places]
        laid = np.where(rows < len(ALPHABET), rows, self.rows[0])
        return [bytes(_LETTERS[row]).decode() for row in laid]

    @cached_property
    def _homologous(self) -> np.ndarray:
        """Places of the rows that can stand for the query."""
        known = self.rows < len(ALPHABET)
        equal = (self.rows == self.rows[0]) & known
        identity = equal.sum(axis=1) / np.maximum(known.sum(axis=1), 1)
        fit = (identity >= LEAST_IDENTITY) & (identity < MOST_IDENTITY)
        return np.flatnonzero(fit & (known.mean(axis=1) >= LEAST_ALIGNED))

    def a3m(self) -> str:
        """The rows that are used, as an A3M file."""
        lines = (
            f">{number}\n{bytes(_LETTERS[row]).decode()}\n" for number, row in enumerate(self.rows)
        )
        return "".join(lines)

    def sentence(self) -> str:
        """How much it holds, for a person."""
        more = f" (the first of {len(self) + self.left_out:,})" if self.left_out else ""
        return (
            f"Alignment of {len(self):,} sequences{more}, {self.effective:,.1f} of them effective; "
            f"{self.coverage.mean():.0%} of them have a residue where the query has one."
        )

    def as_dict(self) -> dict[str, float | int]:
        """For JSON."""
        return {
            "depth": len(self),
            "left_out": self.left_out,
            "effective_sequences": round(self.effective, 2),
            "mean_coverage": round(float(self.coverage.mean()), 4),
        }


def align_rows(rows: Sequence[str]) -> Alignment:
    """The alignment of rows in capital letters and gaps, all as long as the query, the first."""
    return Alignment(
        np.stack([_CODES[np.frombuffer(row.encode(), dtype=np.uint8)] for row in rows])
    )


def read_alignment(text: str, sure: bool = False) -> Alignment | None:
    """The alignment that a text is: A3M, A2M, aligned FASTA or Stockholm; None if it is none.

    Parameters
    ----------
    text : str
    sure : bool
        True if it is one, however it looks.

    Raises
    ------
    SequenceError
        As of `lay_rows`.
    """
    rows = alignment_rows(text, sure)
    return None if rows is None else lay_rows(rows)


def lay_rows(records: Sequence[tuple[str, str]]) -> Alignment:
    """The alignment of rows, each a name and letters with gaps and insertions, the query first.

    Raises
    ------
    SequenceError
        If a row hasn't as many columns as the query, or holds what is no residue.
    """
    used = records[:MOST_ROWS]
    mixed = any(re.search("[A-Z]", letters) for _, letters in records)
    texts = [_columns(letters, mixed) for _, letters in used]
    for number, ((name, _), text) in enumerate(zip(used, texts, strict=True), start=1):
        if odd := _ODD.search(text):
            raise SequenceError(
                f"Row {number} of the alignment ({quote(name)}) holds {odd[0]!r}, which is no "
                "residue; give capital letters, small ones for insertions, and - for gaps."
            )
    # Dots may fill up what others have inserted; without them the columns are those of the query.
    if len(set(map(len, texts))) > 1:
        texts = [text.replace(".", "") for text in texts]
    for number, ((name, _), text) in enumerate(zip(used, texts, strict=True), start=1):
        if len(text) != len(texts[0]):
            raise SequenceError(
                f"Row {number} of the alignment ({quote(name)}) has {len(text):,} columns and the "
                f"query {len(texts[0]):,}; all rows need the same, insertions in small letters."
            )
    array = align_rows(texts).rows
    array = array[:, array[0] < GAP]
    # Of some rows only insertions lay where the query has gaps.
    return Alignment(array[(array < GAP).any(axis=1)], len(records) - len(used))


def _columns(letters: str, mixed: bool) -> str:
    """A row without insertions; in an alignment of small letters alone they mark nothing."""
    text = "".join(letters.split())
    return re.sub("[a-z]", "", text) if mixed else text.upper()
