"""Where the observed residues of a chain stand in the sequence of its polymer."""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from distmat.protein.sequence import UNKNOWN

MOST_CONTRADICTIONS = 0.1
"""With more of its letters than this disagreeing, the two sequences aren't of one chain."""

_LARGEST_TABLE = 30_000_000
"""Cells; chains of more than 5,000 residues are placed only if they were observed whole."""

_SAME, _DIFFERENT = 4, -6
_BONDED, _NUMBERED = 3, 2
_TORN = -6
"""Scores of: two letters that agree or not, a bonded pair kept together, a gap as long as the
residue numbers say, a bonded pair pulled apart. A letter outweighs what a number says, and a
bond outweighs both: authors number as they like, but bonded residues are neighbours."""

_NEVER = -(10**9)


def align_to_seqres(
    observed: str, polymer: str, steps: Sequence[int], bonded: Sequence[bool]
) -> list[int] | None:
    """Positions of the observed residues in the polymer, in increasing order.

    Sequence alignment alone can't tell on which side of a gap a repeated letter stands; bonds
    and residue numbers can. The best placement is found by dynamic programming.

    Parameters
    ----------
    observed, polymer : str
        Letters; ``X`` agrees with any.
    steps : sequence of int
        How much the residue number rises from the residue before; length of `observed`, the
        first is ignored.
    bonded : sequence of bool
        Whether a residue is bonded to the one before; the first is ignored.

    Returns
    -------
    list of int or None
        None if the two contradict each other in more than `MOST_CONTRADICTIONS` of the letters.
    """
    if observed == polymer:
        return list(range(len(polymer)))
    n, m = len(observed), len(polymer)
    if not 0 < n <= m or n * m > _LARGEST_TABLE:
        return None
    letters = np.array(list(polymer))
    positions = np.arange(m)
    score = _agreement(observed[0], letters)
    origins = np.zeros((n, m), dtype=np.int32)
    for k in range(1, n):
        # Three ways to position j: from any earlier one, from j − 1, from j − step.
        best = np.maximum.accumulate(score)
        nearest = np.maximum.accumulate(np.where(score == best, positions, 0))
        came_from = _shift(nearest, 1, 0)
        reached = _shift(best, 1, _NEVER) + (_TORN if bonded[k] else 0)
        step = steps[k]
        jumps = [(1, _BONDED)] if bonded[k] else [(step, _NUMBERED)] if 0 < step < m else []
        for jump, bonus in jumps:
            jumped = _shift(score, jump, _NEVER) + bonus
            came_from = np.where(jumped >= reached, positions - jump, came_from)
            reached = np.maximum(reached, jumped)
        origins[k] = came_from
        score = np.maximum(reached, _NEVER) + _agreement(observed[k], letters)
    path = [int(score.argmax())]
    for k in range(n - 1, 0, -1):
        path.append(int(origins[k, path[-1]]))
    path.reverse()
    return path if _agree(observed, polymer, path) else None


def _agreement(letter: str, letters: np.ndarray) -> np.ndarray:
    if letter == UNKNOWN:
        return np.zeros(len(letters), dtype=np.int64)
    scores = np.where(letters == letter, _SAME, _DIFFERENT)
    scores[letters == UNKNOWN] = 0
    return scores


def _shift(values: np.ndarray, by: int, fill: int) -> np.ndarray:
    return np.concatenate([np.full(by, fill, dtype=values.dtype), values[:-by]])


def _agree(observed: str, polymer: str, path: list[int]) -> bool:
    if any(after <= before for before, after in pairwise(path)):
        return False
    different = sum(
        UNKNOWN not in (letter, polymer[at]) and letter != polymer[at]
        for letter, at in zip(observed, path, strict=True)
    )
    return different <= MOST_CONTRADICTIONS * len(observed)
