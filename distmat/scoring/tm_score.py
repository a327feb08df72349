"""TM-score and GDT-TS: the scores of a trace that ask for a best superposition of their own.

Zhang & Skolnick (2004) and Zemla (2003) define them as a maximum over all rigid moves, with
the residues paired by their place in the chain. The maximum is searched for as they do: many
short fragments are superposed, and the best of these moves are improved.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from distmat.geometry.superposition import best_rotation

GDT_CUTOFFS = (1.0, 2.0, 4.0, 8.0)
"""GDT-TS averages the shares of residues within these errors (Å)."""
_SHORTEST_FRAGMENT = 4
_FRAGMENTS_OF_A_LENGTH = 64
_IMPROVED = 12
"""So many of the best moves are improved for each score."""
_ROUNDS = 20


class _Moves(NamedTuple):
    """Rigid moves ``points @ rotation + shift``."""

    rotation: np.ndarray
    """shape=(moves, 3, 3)"""
    shift: np.ndarray
    """shape=(moves, 3), Å"""


def tm_scale(residues: int) -> float:
    """d0 of the TM-score in Å: 1.24·∛(L − 15) − 1.8, and at least 0.5."""
    return max(1.24 * float(np.cbrt(residues - 15)) - 1.8, 0.5)


def tm_and_gdt(trace: np.ndarray, truth: np.ndarray, residues: int) -> tuple[float, float]:
    """TM-score and GDT-TS.

    Parameters
    ----------
    trace, truth : ndarray, shape=(K, 3), dtype=float
        The residues that both have, Å; finite.
    residues : int
        How many residues the truth has: those that the trace lacks count as missed.

    Returns
    -------
    tm, gdt_ts : float
        From 0 to 1; NaN if the truth has no residue.
    """
    if residues == 0:
        return float("nan"), float("nan")
    if len(trace) == 0:
        return 0.0, 0.0
    seeds = _fragment_moves(trace, truth)
    error2 = _squared_errors(trace, truth, seeds)
    scale2 = tm_scale(residues) ** 2

    def term(error2: np.ndarray) -> np.ndarray:
        return 1.0 / (1.0 + error2 / scale2)

    # Weighting each residue with the slope of its own term never lowers the sum, because the
    # terms are convex in the squared error.
    tm = _best_sum(trace, truth, error2, term, lambda error2: term(error2) ** 2)
    kept = [_largest_share(trace, truth, error2, cutoff) for cutoff in GDT_CUTOFFS]
    return tm / residues, float(np.mean(kept)) / residues


def _largest_share(
    trace: np.ndarray, truth: np.ndarray, error2: np.ndarray, cutoff: float
) -> float:
    def inside(error2: np.ndarray) -> np.ndarray:
        return (error2 <= cutoff**2).astype(float)

    return _best_sum(trace, truth, error2, inside, inside)


def _best_sum(
    trace: np.ndarray,
    truth: np.ndarray,
    error2: np.ndarray,
    term: Callable[[np.ndarray], np.ndarray],
    weight: Callable[[np.ndarray], np.ndarray],
) -> float:
    """The largest sum of terms that is found from moves with these squared errors.

    Parameters
    ----------
    error2 : ndarray, shape=(moves, K), dtype=float
        Å².
    term, weight : callable
        From squared errors to what each residue adds, and to its weight in the next fit.
    """
    sums = term(error2).sum(axis=1)
    chosen = np.argsort(-sums, kind="stable")[:_IMPROVED]
    best, error2 = sums[chosen[0]], error2[chosen]
    for _ in range(_ROUNDS):
        moves = _weighted_moves(trace, truth, weight(error2))
        error2 = _squared_errors(trace, truth, moves)
        top = term(error2).sum(axis=1).max()
        if top <= best * (1 + 1e-9):
            break
        best = top
    return float(best)


def _fragment_moves(trace: np.ndarray, truth: np.ndarray) -> _Moves:
    """Superpositions of windows of many lengths, the whole chain among them."""
    n = len(trace)
    starts, stops = [], []
    length = n
    while True:
        step = max(1, (n - length) // _FRAGMENTS_OF_A_LENGTH)
        first = np.arange(0, n - length + 1, step)
        starts.append(first)
        stops.append(first + length)
        if length <= _SHORTEST_FRAGMENT:
            break
        length = max(length // 2, _SHORTEST_FRAGMENT)
    start, stop = np.concatenate(starts), np.concatenate(stops)

    def window_sums(values: np.ndarray) -> np.ndarray:
        running = np.concatenate([np.zeros((1, *values.shape[1:])), np.cumsum(values, axis=0)])
        return np.asarray(running[stop] - running[start])

    size = (stop - start).astype(float)[:, None]
    # Centred on the chain first, so that the sums of products stay small.
    offset, goal_offset = trace.mean(axis=0), truth.mean(axis=0)
    source, goal = trace - offset, truth - goal_offset
    from_centre, to_centre = window_sums(source) / size, window_sums(goal) / size
    products = window_sums(source[:, :, None] * goal[:, None, :])
    covariance = products - size[..., None] * from_centre[:, :, None] * to_centre[:, None, :]
    return _moves(covariance, from_centre + offset, to_centre + goal_offset)


def _weighted_moves(trace: np.ndarray, truth: np.ndarray, weight: np.ndarray) -> _Moves:
    """Superpositions with these weights; weight: shape=(moves, K)."""
    share = weight / np.maximum(weight.sum(axis=1, keepdims=True), 1e-12)
    from_centre, to_centre = share @ trace, share @ truth
    products = share @ (trace[:, :, None] * truth[:, None, :]).reshape(len(trace), 9)
    covariance = products.reshape(-1, 3, 3) - from_centre[:, :, None] * to_centre[:, None, :]
    return _moves(covariance, from_centre, to_centre)


def _moves(covariance: np.ndarray, from_centre: np.ndarray, to_centre: np.ndarray) -> _Moves:
    rotation = best_rotation(covariance)
    return _Moves(rotation, to_centre - (from_centre[:, None, :] @ rotation)[:, 0])


def _squared_errors(trace: np.ndarray, truth: np.ndarray, moves: _Moves) -> np.ndarray:
    """Å², shape=(moves, K)."""
    error = trace @ moves.rotation
    error += moves.shift[:, None, :]
    error -= truth
    return np.asarray(np.einsum("mkx,mkx->mk", error, error))
