"""What an alignment's covariation tells of distances: how likely each distance makes it.

Residues that touch change together in a family. The couplings of two places are a block of the
inverse covariance of the alignment's letters; the block's size, corrected for what both places
have with all others, is the pair's score (Jones et al., Bioinformatics 28, 2012; regularised as by
Yang et al., PNAS 117, 2020). How likely a distance d makes what is seen around a pair, s, is

    p(s | d) / p(s) = Π (1 + (R − 1) · π(d)),  π(d) = π₀ / (1 + exp((d − d₀) / τ))

over two ways to be near: touching, and being near pairs that touch. The odds R follow from the
score, those of the pairs around it, and the depth of the alignment: at `SHALLOW` effective
sequences they are even, and nothing is told. Their numbers were fitted by maximum likelihood on
chains of known structure, by `benchmarks/covariation.py`; no network has a part in it, so it serves
every distogram.
"""

from functools import lru_cache

import numpy as np
from scipy.linalg import solve_triangular
from scipy.special import expit

from distmat.geometry.blas_threads import one_blas_thread
from distmat.protein.alignment import Alignment
from distmat.protein.arrays import PairTable
from distmat.protein.sequence import ALPHABET

SHALLOW = 16.0
"""Effective sequences up to which couplings tell nothing."""

DEEP = 1_000.0
"""Effective sequences at which they count as fitted; many more count as twice as deep at most."""

LEAST_SEPARATION = 3
"""Pairs nearer along the chain have nearly one distance, whatever the couplings."""

MOST_RESIDUES = 1_024
"""Of a chain whose couplings are looked at."""

MOST_CELLS = 2**20
"""Rows times residues of an alignment that are used, the first rows, which are the surest: 2,048
rows of 250 residues take 2 seconds on one core, of 512 seven, and half a gigabyte at the most."""

PENALTY = 4.5
"""This over the root of the effective sequences is added to each letter's variance."""

ODDS = (
    (-0.757, 0.986, 0.499, 1.155, -0.027, -1.009, -0.434, -0.053),
    (-0.414, -0.063, 0.111, 0.828, 1.395, 1.156, -0.088, 0.039),
)
"""log R of the two ways to be near, for each of the facts that `describe_pairs` gives."""

REACH = ((9.639, 1.016, 1.0), (15.209, 3.726, 1.0))
"""d₀ and τ in Å, and π₀, of each."""

LEAST_LOG_ODDS, MOST_LOG_ODDS = -4.0, 7.0
"""Bounds of log R."""
_STATES = len(ALPHABET) + 1
"""The letters, and one for gaps and unknown residues."""
_SCORES_TOGETHER = 2**24
_PAIRS_TOGETHER = 2**14
_RINGS = ((0, 1), (1, 2), (2, 4))
"""Pairs around a pair, by how far along the chain the farther residue is: beyond the first number
and up to the second."""


def hears_covariation(alignment: Alignment) -> bool:
    """Whether an alignment is deep enough, and the chain short enough, for its couplings."""
    return alignment.rows.shape[1] <= MOST_RESIDUES and count_effective(alignment) > SHALLOW


def count_effective(alignment: Alignment) -> float:
    """Effective sequences among the rows that `MOST_CELLS` lets count."""
    return float(alignment.weights[: _rows_used(alignment)].sum())


def _rows_used(alignment: Alignment) -> int:
    return max(MOST_CELLS // alignment.rows.shape[1], 1)


def gather_covariation(alignment: Alignment, bounds: np.ndarray) -> np.ndarray:
    """What an alignment's couplings say of the distances of its query.

    Parameters
    ----------
    alignment : Alignment
        One that `hears_covariation` takes.
    bounds : ndarray, shape=(K + 1,)
        Å: between which the bins lie.

    Returns
    -------
    ndarray, shape=(N, N, K), dtype=float32
        The logarithm of how likely each distance makes them, over how likely they are; the same
        for i, j and j, i; zero on pairs nearer than `LEAST_SEPARATION` along the chain.
    """
    facts, i, j = describe_pairs(couple(alignment), count_effective(alignment))
    n = alignment.rows.shape[1]
    told = np.zeros((n, n, len(bounds) - 1), dtype=np.float32)
    for start in range(0, len(i), _PAIRS_TOGETHER):
        some = slice(start, start + _PAIRS_TOGETHER)
        said = weigh_distances(facts[some], (bounds[1:] + bounds[:-1]) / 2)
        told[i[some], j[some]] = told[j[some], i[some]] = said
    return told


@lru_cache(maxsize=4)
def couple(alignment: Alignment) -> PairTable:
    """How strongly each two places of an alignment are coupled.

    Parameters
    ----------
    alignment : Alignment
        Of N places; of its rows as many are used as `MOST_CELLS` allows, the first ones, each with
        its weight.

    Returns
    -------
    ndarray, shape=(N, N), dtype=float32
        Symmetric, with a diagonal of zeros: scores less their median, over 1.4826 times the median
        deviation from it, of pairs at least six residues apart. All zero if the chain has no such
        pairs, or the rows don't differ.
    """
    n = alignment.rows.shape[1]
    rows = alignment.rows[: _rows_used(alignment)]
    with one_blas_thread():
        sizes = _block_sizes(rows, alignment.weights[: len(rows)])
    each = sizes.sum(axis=1)
    scores = sizes - np.outer(each, each) / max(float(each.sum()), 1e-12) * n / max(n - 1, 1)
    first, second = np.triu_indices(n, 6)
    apart = scores[first, second]
    middle = float(np.median(apart)) if len(apart) else 0.0
    spread = 1.4826 * float(np.median(np.abs(apart - middle))) if len(apart) else 0.0
    if spread <= 1e-9:
        return np.zeros((n, n), dtype=np.float32)
    table = ((scores - middle) / spread).astype(np.float32)
    np.fill_diagonal(table, 0.0)
    table.flags.writeable = False
    return table


def describe_pairs(
    scores: PairTable, effective: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The facts that decide how likely a pair touches.

    Parameters
    ----------
    scores : ndarray, shape=(N, N)
        By `couple`.
    effective : float
        Effective sequences of the alignment.

    Returns
    -------
    ndarray, shape=(P, 8), dtype=float32
        For each pair i < j at least `LEAST_SEPARATION` apart: 1; the score over three, and the
        logarithm of one and it; the means of the scores of the pairs around, in three rings; 1 for
        a separation below six, and the score over three there; all times the depth, 0 at `SHALLOW`
        and 1 at `DEEP` effective sequences.
    ndarray, ndarray, shape=(P,), dtype=int
        i and j.
    """
    n = len(scores)
    i, j = np.triu_indices(n, LEAST_SEPARATION)
    apart = np.abs(np.subtract.outer(np.arange(n), np.arange(n))) >= LEAST_SEPARATION
    sums = _sum_around(np.where(apart, np.clip(scores, -3, 8), 0.0))
    counts = _sum_around(apart.astype(float))
    around = [
        ((sums[far] - sums[near]) / np.maximum(counts[far] - counts[near], 1))[i, j]
        for near, far in _RINGS
    ]
    score = scores[i, j].astype(float)
    third = np.clip(score, -2, 6) / 3
    close = (j - i < 6).astype(float)
    facts = np.stack(
        [
            np.ones(len(i)),
            third,
            np.log1p(np.maximum(score, 0)),
            np.clip(around[0], -1, 4),
            np.clip(around[1], -1, 3),
            np.clip(around[2], -1, 2),
            close,
            close * third,
        ],
        axis=1,
    )
    depth = np.log(max(effective, SHALLOW) / SHALLOW) / np.log(DEEP / SHALLOW)
    return (min(depth, 2.0) * facts).astype(np.float32), i, j


def weigh_distances(facts: np.ndarray, distances: np.ndarray) -> np.ndarray:
    """How likely distances make pairs of such facts.

    Parameters
    ----------
    facts : ndarray, shape=(P, 8)
        By `describe_pairs`.
    distances : ndarray, shape=(K,)
        Å.

    Returns
    -------
    ndarray, shape=(P, K), dtype=float32
        log p(s | d) − log p(s).
    """
    told = np.zeros((len(facts), len(distances)), dtype=np.float32)
    for odds, (middle, width, most) in zip(ODDS, REACH, strict=True):
        found = facts @ np.array(odds, dtype=np.float32)
        surely = np.clip(found, LEAST_LOG_ODDS, MOST_LOG_ODDS)
        near = most * expit((middle - np.asarray(distances)) / width)
        told += np.log1p(np.expm1(surely)[:, None] * near.astype(np.float32))
    return told


def _block_sizes(rows: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Frobenius norms of the inverse covariance's blocks, of the letters without gaps; (N, N).

    The covariance has as many rank as the alignment has rows, M, mostly fewer than the 21 N letters
    of all places: (λ + XᵀX)⁻¹ = (1 − Xᵀ (λ + XXᵀ)⁻¹ X) / λ asks for an inverse of M by M alone.
    """
    depth, n = len(rows), rows.shape[1]
    letters = np.zeros((depth, n, _STATES), dtype=np.float32)
    letters[np.arange(depth)[:, None], np.arange(n), np.minimum(rows, _STATES - 1)] = 1
    total = weights.sum()
    share = (weights / total).astype(np.float32)
    letters -= np.tensordot(share, letters, 1)
    letters *= np.sqrt(share)[:, None, None]
    penalty = PENALTY / np.sqrt(total)
    flat = letters.reshape(depth, n * _STATES)
    inner = flat @ flat.T
    inner[np.diag_indices(depth)] += penalty
    solved = solve_triangular(
        np.linalg.cholesky(inner), flat, lower=True, overwrite_b=True, check_finite=False
    )
    known = len(ALPHABET)
    solved = solved.reshape(depth, n, _STATES)[:, :, :known].reshape(depth, n * known)
    sizes = np.zeros((n, n), dtype=np.float32)
    together = max(1, _SCORES_TOGETHER // (n * known * known))
    for start in range(0, n, together):
        some = slice(start * known, (start + together) * known)
        block = solved[:, some].T @ solved[:, start * known :]
        np.square(block, out=block)
        block = block.reshape(block.shape[0], -1, known).sum(axis=2)
        sizes[start : start + together, start:] = block.reshape(-1, known, n - start).sum(axis=1)
    upper = np.triu(np.sqrt(sizes) / penalty, 1)
    return upper + upper.T


def _sum_around(table: np.ndarray) -> dict[int, np.ndarray]:
    """Sums over squares around each pair, of 0, 1, 2 and 4 places to each side."""
    n = len(table)
    sums = {0: table}
    for reach in (1, 2, 4):
        side = 2 * reach + 1
        whole = np.pad(table, reach + 1).astype(float).cumsum(axis=0).cumsum(axis=1)
        lower, upper = slice(0, n), slice(side, side + n)
        sums[reach] = (
            whole[upper, upper] - whole[lower, upper] - whole[upper, lower] + whole[lower, lower]
        )
    return sums
