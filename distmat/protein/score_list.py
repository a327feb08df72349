"""Lists and tables of scores that rank pairs as contacts and aren't probabilities.

Their layouts are taken from the programs' own descriptions, as ConKit reads them
(``conkit/io/evfold.py``, ``freecontact.py``, ``plmdca.py``, ``pcons.py``, ``gremlin.py``,
``epcmap.py``, ``ccmpred.py``):

- EVfold and FreeContact: ``i A j B 0 score`` and ``i A j B score 0``, A and B the residues'
  letters; where both columns vary they are mutual and direct information, and the latter counts.
- plmDCA: ``i,j,score``. PconsC: ``i j score``, below a head of its own or without.
- GREMLIN: seven columns named ``i j i_id j_id r_sco s_sco prob``; the last is a probability.
- EPC-map and others: ``i j 0 8 score`` with scores beyond 1.
- CCMpred: a symmetric N×N table of scores with zeros on its diagonal.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from distmat.errors import DistanceMapError
from distmat.protein.arrays import PairTable
from distmat.protein.distance_map import separation
from distmat.protein.sequence import UNKNOWN

FIRST_RANKED = 6
"""Separation from which pairs are ranked: nearer ones touch in any chain."""

_NUMBER = r"([+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)"
_LETTERED = re.compile(rf"(\d+)\s+([A-Za-z-])\s+(\d+)\s+([A-Za-z-])\s+{_NUMBER}\s+{_NUMBER}")
_COMMA = re.compile(rf"(\d+)\s*,\s*(\d+)\s*,\s*{_NUMBER}")
_PLAIN = re.compile(rf"(\d+)\s+(\d+)\s+{_NUMBER}")
_WITH_BOUNDS = re.compile(rf"(\d+)\s+(\d+)\s+0\s+8\s+{_NUMBER}")
_GREMLIN_HEAD = re.compile(r"i\s+j\s+i_id\s+j_id\s+r_sco\s+s_sco\s+prob")
_GREMLIN = re.compile(rf"(\d+)\s+(\d+)\s+\S+\s+\S+\s+\S+\s+\S+\s+{_NUMBER}")
_PCONS_HEAD = re.compile(r"Res1\s+Res2\s+Score")

_BOND = 3.8
"""Å between neighbours in a chain."""


@dataclass(frozen=True)
class ScoreList:
    """Scores of pairs, each pair once.

    Parameters
    ----------
    kind : str
        What it is, for a person.
    pairs : ndarray, shape=(P, 2), dtype=int
        From 0.
    values : ndarray, shape=(P,), dtype=float
        The higher, the likelier.
    likely : bool
        Whether they are probabilities after all.
    sequence : str
        Letters of the pairs, X where none has the residue; empty of lists without letters.
    """

    kind: str
    pairs: np.ndarray
    values: np.ndarray
    likely: bool = False
    sequence: str = ""


def find_scores(lines: Sequence[str], name: str, most: int) -> ScoreList | None:
    """The list in these lines, none of which is empty; None if they are no such list.

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
        If it names residues that there can't be.
    """
    lines = [line for line in lines if not line.startswith("#")]
    if any(_GREMLIN_HEAD.fullmatch(line) for line in lines[:5]):
        rows = [found for line in lines if (found := _GREMLIN.fullmatch(line))]
        return _read_pairs("GREMLIN's list, with its probabilities", rows, name, most, likely=True)
    head = next((at for at, line in enumerate(lines) if _PCONS_HEAD.fullmatch(line)), None)
    if head is not None:
        rows = [found for line in lines[head:] if (found := _PLAIN.fullmatch(line))]
        return _read_pairs("PconsC's list", rows, name, most)
    for pattern, kind in (
        (_LETTERED, ""),
        (_COMMA, "plmDCA's list"),
        (_PLAIN, "a list of scores"),
        (_WITH_BOUNDS, "a list of scores"),
    ):
        rows = [found for line in lines if (found := pattern.fullmatch(line))]
        # Of an N×N table some row begins with a residue's distance to itself, which is 0.
        if len(rows) == len(lines) and lines and all(_is_pair(row, pattern) for row in rows):
            if pattern is _LETTERED:
                return _read_lettered(rows, name, most)
            return _read_pairs(kind, rows, name, most)
    return None


def is_score_table(table: np.ndarray) -> bool:
    """Whether an N×N table with zeros on its diagonal ranks pairs, and tells no distances.

    Neighbours in a chain are 3.8 Å apart, in whatever unit; scores of them differ.
    """
    near = np.diagonal(table, 1)
    near = near[np.isfinite(near)]
    if len(near) < 5 or np.abs(np.diagonal(table)).max(initial=0.0) > 0:
        return False
    largest = float(np.nanmax(table))
    middle = float(np.median(near))
    alike = np.abs(near - middle) <= 0.25 * abs(middle)
    return 0 < largest < _BOND and float(alike.mean()) < 0.8


def rank_pairs(scores: PairTable) -> PairTable:
    """Place of each pair with |i − j| ≥ 6 among them, 1 the best; shape=(N, N), NaN elsewhere.

    Parameters
    ----------
    scores : ndarray, shape=(N, N), dtype=float
        NaN where nothing is said.
    """
    n = len(scores)
    i, j = np.nonzero(np.triu(separation(n) >= FIRST_RANKED) & np.isfinite(scores))
    order = np.argsort(-scores[i, j], kind="stable")
    ranks = np.full((n, n), np.nan)
    ranks[i[order], j[order]] = ranks[j[order], i[order]] = np.arange(1, len(order) + 1)
    return ranks


def _is_pair(row: re.Match[str], pattern: re.Pattern[str]) -> bool:
    i, j = row[1], row[3] if pattern is _LETTERED else row[2]
    return int(i) >= 1 and int(j) >= 1 and i != j


def _read_lettered(rows: list[re.Match[str]], name: str, most: int) -> ScoreList:
    fifth, last = (np.array([float(row[k]) for row in rows]) for k in (5, 6))
    free = not last.any() and fifth.any()
    found = _read_pairs(
        "FreeContact's list" if free else "EVfold's list",
        rows,
        name,
        most,
        pair=(1, 3),
        value=5 if free else 6,
    )
    letters = [UNKNOWN] * (int(found.pairs.max()) + 1)
    for row in rows:
        letters[int(row[1]) - 1], letters[int(row[3]) - 1] = row[2].upper(), row[4].upper()
    return ScoreList(found.kind, found.pairs, found.values, sequence="".join(letters))


def _read_pairs(
    kind: str,
    rows: list[re.Match[str]],
    name: str,
    most: int,
    pair: tuple[int, int] = (1, 2),
    value: int = 3,
    likely: bool = False,
) -> ScoreList:
    if not rows:
        raise DistanceMapError(f"{name} is {kind} without a line of a pair.")
    pairs = np.array([[int(row[k]) for k in pair] for row in rows]) - 1
    if pairs.max() >= most or pairs.min() < 0:
        wrong = int(pairs.max() if pairs.max() >= most else pairs.min()) + 1
        raise DistanceMapError(f"{name} names residue {wrong:,}; 1 to {most:,} are read.")
    values = np.array([float(row[value]) for row in rows])
    if likely and not (values.min() >= 0 and values.max() <= 1):
        raise DistanceMapError(
            f"{name} gives a pair {values[np.argmax(np.abs(values - 0.5))]:g} where a probability "
            "of contact, 0 to 1, belongs."
        )
    return ScoreList(kind, pairs, values, likely)
