"""Lists of contacts, one pair a line.

- CASP's RR, https://predictioncenter.org/casp14/index.cgi?page=format: ``i j 0 8 p`` (mode 1), and
  ``i j p`` with the probabilities of ten bins of distance (mode 2, from CASP14 on).
- The same lines without a header, as PSICOV, MetaPSICOV, DeepMetaPSICOV, RaptorX and others write
  them and ConKit reads them (``conkit/io/casp.py``, ``psicov.py``).

The atom is Cβ, and glycine's Cα; our own lists say in a remark that they mean Cα.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from distmat.errors import DistanceMapError
from distmat.protein.foreign_bins import CASP_EDGES, read_bins
from distmat.protein.sequence import ALPHABET, UNKNOWN


@dataclass(frozen=True)
class ContactList:
    """Pairs of residues, and how likely each is a contact.

    Parameters
    ----------
    kind : str
        What it is, for a person.
    sequence : str
        Empty where the file doesn't have it.
    pairs : ndarray, shape=(P, 2), dtype=int
        From 0.
    probabilities : ndarray, shape=(P,), dtype=float
    distances : ndarray, shape=(P,), dtype=float, or None
        Å, NaN where the median lies in the open last bin; None of a list of contacts alone.
    atom : str
    """

    kind: str
    sequence: str
    pairs: np.ndarray
    probabilities: np.ndarray
    distances: np.ndarray | None
    atom: str

    @property
    def residues(self) -> int:
        """Of the chain; where nobody says how many, as far as the pairs go."""
        return max(len(self.sequence), int(self.pairs.max()) + 1)

    @property
    def farthest(self) -> float:
        """Å from which a distance isn't told any more; NaN without distances."""
        return float("nan") if self.distances is None else float(CASP_EDGES[-1])


_HEADER = re.compile(r"PFRMAT\s+RR\b")
_PAIR = re.compile(r"\d+\s+\d+\s")


def is_contact_list(lines: Sequence[str]) -> bool:
    """Whether these lines are such a list, and no table of N×N numbers."""
    if any(_HEADER.match(line) for line in lines[:20]):
        return True
    rows = [line.split() for line in lines if line[0] != "#"]
    if not rows or any(len(row) != 5 for row in rows):
        return False
    # A residue's distance to itself is zero: no such table begins with a whole number.
    return all(
        _is_place(row[0]) and _is_place(row[1]) and row[0] != row[1] and row[2:4] == rows[0][2:4]
        for row in rows
    )


def read_contact_list(lines: Sequence[str], name: str, most: int) -> ContactList:
    """The list in these lines, none of which is empty.

    Parameters
    ----------
    lines : sequence of str
    name : str
        Of the file, for sentences.
    most : int
        Residues that a chain may have.

    Raises
    ------
    DistanceMapError
        If the lines fit none of the formats, or name residues that there can't be.
    """
    mode = next((line.split()[1] for line in lines if re.match(r"RMODE\s+\d", line)), "1")
    written = "".join(line for line in lines if re.fullmatch(r"[A-Z]+", line) and line != "END")
    sequence = mask_unknown(written)
    rows = [line.split() for line in lines if _PAIR.match(line)]
    try:
        pairs = np.array([[int(row[0]), int(row[1])] for row in rows]).reshape(-1, 2)
        values = np.array([[float(value) for value in row[2:]] for row in rows])
    except ValueError:
        raise DistanceMapError(
            f"{name} has a line of a pair whose numbers differ in kind."
        ) from None
    if not len(rows):
        raise DistanceMapError(f"{name} has no line of a pair, such as '1 9 0 8 0.7'.")
    n = max(len(sequence), int(pairs.max()))
    if n > most or pairs.min() < 1 or (sequence and pairs.max() > len(sequence)):
        raise DistanceMapError(f"{name} names residue {pairs.max()}, and its sequence has {n}.")
    if (mode == "2" and values.shape[1] != 11) or (mode != "2" and values.shape[1] != 3):
        raise DistanceMapError(f"{name} is RR in mode {mode}, and its lines don't fit that.")
    likely = values[:, 0] if mode == "2" else values[:, 2]
    if not (np.isfinite(values).all() and likely.min() >= 0 and likely.max() <= 1):
        worst = likely[np.argmax(np.abs(likely - 0.5))]
        raise DistanceMapError(
            f"{name} gives a pair {worst:g} where a probability of contact, 0 to 1, belongs; "
            "scores of another scale say nothing of contacts alone."
        )
    distances = None
    if mode == "2":
        share = values[:, 1:] / np.maximum(values[:, 1:].sum(axis=1, keepdims=True), 1e-9)
        distances = read_bins(share, CASP_EDGES)[0]
    with_header = any(_HEADER.match(line) for line in lines[:20])
    own = any("C-alpha" in line for line in lines if line.startswith("REMARK"))
    return ContactList(
        f"CASP's RR, mode {mode}" if with_header else "a list of contacts",
        sequence,
        pairs - 1,
        likely,
        distances,
        "Cα" if own else "Cβ",
    )


def mask_unknown(text: str) -> str:
    """A sequence with X for what is none of the 20 amino acids."""
    return "".join(letter if letter in ALPHABET else UNKNOWN for letter in text)


def _is_place(text: str) -> bool:
    return text.isdecimal() and int(text) >= 1
