"""Which residues of a query and of a known chain are counterparts, and how surely."""

from itertools import combinations

import numpy as np
import pytest

from distmat.library.realign import (
    LEAST_CONFIDENCE,
    choose_path,
    describe_pairs,
    find_counterparts,
    lay_hit,
)
from distmat.library.store import single_sequence_profile
from distmat.library.templates import Hit

GAPS = -1.3, -0.4


def all_alignments(rows: int, columns: int) -> list[tuple[tuple[int, int], ...]]:
    """Every set of pairs that rises in both, of at least one."""
    return [
        tuple(zip(i, j, strict=True))
        for length in range(1, min(rows, columns) + 1)
        for i in combinations(range(rows), length)
        for j in combinations(range(columns), length)
    ]


def price(pairs: tuple[tuple[int, int], ...]) -> float:
    """Of the gaps between pairs, those of either chain each for itself."""
    skipped = np.diff(np.array(pairs), axis=0).ravel() - 1
    return sum(GAPS[0] + GAPS[1] * (gap - 1) for gap in skipped if gap)


def test_probabilities_are_the_shares_of_all_alignments_written_down():
    score = np.random.default_rng(0).normal(size=(4, 5))
    paths = all_alignments(4, 5)
    weights = np.exp([sum(score[pair] for pair in path) + price(path) for path in paths])
    expected = np.zeros((4, 5))
    for path, weight in zip(paths, weights / weights.sum(), strict=True):
        expected[tuple(zip(*path, strict=True))] += weight
    assert find_counterparts(score[None], (1.0,), *GAPS) == pytest.approx(expected, abs=1e-9)


def test_the_path_is_the_best_of_all_of_them():
    probability = np.random.default_rng(1).random((4, 5)) / 2
    value = [sum(probability[pair] - 0.2 for pair in path) for path in all_alignments(4, 5)]
    place = choose_path(probability, 0.2)
    rows = np.flatnonzero(place >= 0)
    assert (probability[rows, place[rows]] - 0.2).sum() == pytest.approx(max(value))
    assert (np.diff(place[rows]) > 0).all()


def test_long_chains_leave_no_number_out_of_range():
    n = 1500
    probability = find_counterparts(6 * np.eye(n)[None] - 2, (1.0,))
    assert np.isfinite(probability).all()
    assert np.diagonal(probability)[20:-20] == pytest.approx(1.0, abs=1e-3)
    assert probability.sum(axis=0).max() <= 1 + 1e-6
    assert probability.sum(axis=1).max() <= 1 + 1e-6


def test_a_relative_is_laid_right_where_the_search_lay_wrong(known_chains, relative):
    """Every third residue differs, four are missing, and the search slipped by one after them."""
    chain = known_chains[1]
    whole = relative(chain.sequence)
    query, n = whole[:40] + whole[44:], len(whole)
    truth = np.concatenate([np.arange(40), np.arange(44, n)])
    slipped = Hit(0, 1e-9, 0, 0, f"40M3D{n - 44}M1D")
    profile = single_sequence_profile(chain.sequence)
    template = lay_hit(query, chain, profile, slipped)
    before = np.mean(slipped.places(len(query)) == truth)
    right = template.place == truth
    assert before < 0.6 and right.mean() > 0.95
    assert template.confidence[right].mean() > 0.9
    assert template.mean_confidence == pytest.approx(
        template.confidence[template.place >= 0].mean()
    )
    # Around the gap, where it could lie a residue further, nothing is sure.
    assert template.confidence[36:44].min() < template.confidence[10:25].min()


def test_an_alignment_with_nothing_in_common_stays_the_searchs_and_is_not_trusted(known_chains):
    chain = known_chains[0]
    hit = Hit(0, 0.1, 0, 0, "30M")
    template = lay_hit("W" * 30, chain, single_sequence_profile(chain.sequence), hit)
    assert (template.place == np.arange(30)).all()
    assert template.confidence.max() < LEAST_CONFIDENCE


def test_a_letter_that_is_no_amino_acid_speaks_neither_way(known_chains):
    chain = known_chains[0]
    _, odds, _ = describe_pairs("X" * 30, chain.sequence, single_sequence_profile(chain.sequence))
    assert (odds == 0).all()
