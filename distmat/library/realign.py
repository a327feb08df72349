"""Where each residue of a query has its counterpart in a known chain, and how surely.

A search tells the one best alignment, of a query that is likely to be related. Below 30 % identity
a third of its residues lie wrong. So all local alignments of the two are weighed here,

    weight = exp(Σ score of each aligned pair + `GAP_OPEN` and `GAP_EXTEND` of each gap),

and a pair's share of all weight is the probability that the two are counterparts (Durbin, Eddy,
Krogh & Mitchison, Biological Sequence Analysis, 1998, 4.4). The template is laid by the path whose
probabilities add up to the most. The numbers were fitted by `benchmarks/templates.py` to alignments
of known structures.
"""

import numpy as np

from distmat.library.blosum import likeness
from distmat.library.profiles import find_log_odds, residue_codes, unpack_frequencies
from distmat.library.templates import Hit, Template, lay
from distmat.protein.chain import Chain

WEIGHTS = (0.497, 0.402, 0.037)
"""Of the facts that `describe_pairs` gives, in nats."""
GAP_OPEN, GAP_EXTEND = -3.149, -0.202
"""Of a gap's first residue and of each further one, in nats."""

LEAST_CONFIDENCE = 0.1
"""Probability from which a pair is aligned: evidence heeds how sure each one is."""
_LEAST_ALIGNED = 10
"""Residues; of a path that is shorter the search's own alignment is kept."""
_CONTEXT = 6
"""Residues on either side over which a profile's scores are averaged."""


def lay_hit(sequence: str, known: Chain, profile: np.ndarray, hit: Hit) -> Template:
    """A known chain that a search found, laid on a query.

    Parameters
    ----------
    sequence : str
        The query; length N.
    known : Chain
        Of M residues.
    profile : ndarray, shape=(M, 20), dtype=uint8
        The known chain's, by `distmat.library.profiles.pack_frequencies`.
    hit : Hit
    """
    probability = find_counterparts(describe_pairs(sequence, known.sequence, profile))
    place = choose_path(probability)
    if np.count_nonzero(place >= 0) < _LEAST_ALIGNED:
        place = hit.places(len(sequence))
    confidence = np.where(place >= 0, probability[np.arange(len(place)), place], 0.0)
    return lay(sequence, known, place, hit.e_value, confidence.astype(np.float32))


def describe_pairs(sequence: str, known: str, profile: np.ndarray) -> np.ndarray:
    """What speaks for a residue of a query and one of a known chain being counterparts.

    Parameters
    ----------
    sequence, known : str
        Lengths N and M.
    profile : ndarray, shape=(M, 20), dtype=uint8

    Returns
    -------
    ndarray, shape=(3, N, M), dtype=float64
        How alike the two are, 0 to 1; the log odds of the query's residue in the profile, averaged
        over six residues on either side; and 1.
    """
    own, other = residue_codes(sequence), residue_codes(known)
    nats = np.log(2) * find_log_odds(unpack_frequencies(profile))
    # An X speaks neither for nor against.
    log_odds = np.pad(nats, ((0, 0), (0, 1)))
    alike = likeness()[np.ix_(own, other)]
    return np.stack([alike, _average_diagonals(log_odds.T[own]), np.ones_like(alike)])


def _average_diagonals(table: np.ndarray) -> np.ndarray:
    """The mean over the neighbours along each diagonal, fewer of them at its ends."""
    rows, columns = table.shape
    padded = np.pad(table, _CONTEXT)
    shifts = range(2 * _CONTEXT + 1)
    total = np.sum([padded[k : k + rows, k : k + columns] for k in shifts], axis=0)
    from_start = np.minimum.outer(np.arange(rows), np.arange(columns))
    from_end = np.minimum.outer(np.arange(rows)[::-1], np.arange(columns)[::-1])
    counted = np.minimum(from_start, _CONTEXT) + np.minimum(from_end, _CONTEXT) + 1
    return total / counted


def find_counterparts(
    facts: np.ndarray,
    weights: tuple[float, ...] = WEIGHTS,
    gap_open: float = GAP_OPEN,
    gap_extend: float = GAP_EXTEND,
) -> np.ndarray:
    """The probability of each pair to be counterparts.

    Parameters
    ----------
    facts : ndarray, shape=(F, N, M)
        By `describe_pairs`.
    weights : tuple of float
        F of them.
    gap_open, gap_extend : float
        Below zero.

    Returns
    -------
    ndarray, shape=(N, M), dtype=float64
        Rows and columns add up to 1 at most.
    """
    score = np.tensordot(np.array(weights), facts, 1)
    ending = weigh_paths(score, gap_open, gap_extend)
    # Those that begin with a pair are those that end with it, read backwards.
    beginning = weigh_paths(score[::-1, ::-1].T, gap_open, gap_extend).T[::-1, ::-1]
    return np.exp(np.minimum(ending + beginning - score - np.logaddexp.reduce(ending, None), 0.0))


def weigh_paths(score: np.ndarray, gap_open: float, gap_extend: float) -> np.ndarray:
    """The weight of all local alignments that end with a pair.

    Between two pairs may come residues of the query alone, and then some of the known chain alone.

    Parameters
    ----------
    score : ndarray, shape=(N, M)
        Of each pair, in nats.
    gap_open, gap_extend : float

    Returns
    -------
    ndarray, shape=(N, M), dtype=float64
        Logarithms.
    """
    opened, extended = np.exp(gap_open), np.exp(gap_extend)
    pairs = score.shape[1]
    # What each column hands on to those behind it, over a gap.
    gap = np.subtract.outer(np.arange(pairs), np.arange(pairs)).T
    handed_on = np.where(gap > 0, opened * extended ** np.maximum(gap - 1, 0), 0.0)
    logarithms = np.empty(score.shape)
    # Of the row above: alignments that end with a pair, with a residue of the query alone, and of
    # the known chain alone; divided by exp(scale), so that no number leaves its range.
    paired, alone, other, scale = np.zeros(pairs), np.zeros(pairs), np.zeros(pairs), 0.0
    for row, line in enumerate(score):
        top = float(line.max())
        before = np.concatenate([[0.0], (paired + alone + other)[:-1]])
        alone = (opened * paired + extended * alone) * np.exp(-top)
        paired = np.exp(line - top) * (before + np.exp(-scale))
        other = (paired + alone) @ handed_on
        scale += top
        with np.errstate(divide="ignore"):  # a weight that is out of range counts for nothing
            logarithms[row] = np.log(paired) + scale
            largest = float(np.log(max(paired.max(), alone.max(), other.max())))
        # Those that begin below weigh 1, however little the others do.
        change = max(-scale, largest)
        paired, alone, other = (part * np.exp(-change) for part in (paired, alone, other))
        scale += change
    return logarithms


def choose_path(probability: np.ndarray, least: float = LEAST_CONFIDENCE) -> np.ndarray:
    """The alignment whose pairs' probabilities, each less `least`, add up to the most.

    Parameters
    ----------
    probability : ndarray, shape=(N, M)
    least : float

    Returns
    -------
    ndarray, shape=(N,), dtype=int
        Each row's column, −1 where it has none.
    """
    rows, columns = probability.shape
    best = np.zeros((rows + 1, columns + 1))
    for row, line in enumerate(probability - least):
        joined = np.maximum(best[row, 1:], best[row, :-1] + line)
        best[row + 1, 1:] = np.maximum.accumulate(joined)
    place = np.full(rows, -1)
    row, column = rows, columns
    while row and column:
        if best[row, column] == best[row - 1, column]:
            row -= 1
        elif best[row, column] == best[row, column - 1]:
            column -= 1
        else:
            row, column = row - 1, column - 1
            place[row] = column
    return place
