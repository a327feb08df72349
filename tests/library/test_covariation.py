"""What couplings of an alignment say of distances."""

import numpy as np
import pytest
from scipy.stats import median_abs_deviation

from distmat.library import covariation
from distmat.library.covariation import (
    LEAST_SEPARATION,
    PENALTY,
    SHALLOW,
    count_effective,
    couple,
    describe_pairs,
    gather_covariation,
    hears_covariation,
    weigh_distances,
)
from distmat.protein.alignment import GAP, Alignment

BOUNDS = np.linspace(2, 42, 41)
PLANTED = ((2, 12), (5, 25), (9, 19))


def family(depth=400, residues=30, seed=0):
    """Unrelated rows in which the planted pairs hold the same letter nearly always."""
    rng = np.random.default_rng(seed)
    rows = rng.integers(0, 20, (depth, residues)).astype(np.uint8)
    for one, other in PLANTED:
        rows[:, other] = np.where(rng.random(depth) < 0.9, rows[:, one], rows[:, other])
    return Alignment(rows)


def by_inverting_the_whole_covariance(alignment):
    """The scores by numpy's covariance and its inverse, and scipy's median deviation."""
    rows, weights = alignment.rows, alignment.weights
    depth, n = rows.shape
    letters = np.eye(21)[np.minimum(rows, 20)].reshape(depth, n * 21)
    covariance = np.cov(letters.T, aweights=weights, ddof=0)
    covariance += np.eye(n * 21) * PENALTY / np.sqrt(weights.sum())
    blocks = np.linalg.inv(covariance).reshape(n, 21, n, 21)[:, :20, :, :20]
    sizes = np.linalg.norm(blocks, axis=(1, 3))
    np.fill_diagonal(sizes, 0)
    each = sizes.sum(axis=0) / (n - 1)
    scores = sizes - np.outer(each, each) / each.mean()
    apart = scores[np.triu_indices(n, 6)]
    scores = (scores - np.median(apart)) / median_abs_deviation(apart, scale="normal")
    np.fill_diagonal(scores, 0)
    return scores


@pytest.mark.parametrize("depth", [40, 700])
def test_scores_are_those_of_the_inverse_of_the_whole_covariance(depth):
    rng = np.random.default_rng(1)
    rows = family(depth).rows.copy()
    rows[rng.random(rows.shape) < 0.1] = GAP
    rows[1::7] = rows[::7][: len(rows[1::7])]
    alignment = Alignment(rows)
    expected = by_inverting_the_whole_covariance(alignment)
    np.testing.assert_allclose(couple(alignment), expected, atol=0.02, rtol=1e-3)


def test_places_that_change_together_have_the_highest_scores():
    scores = couple(family())
    i, j = np.triu_indices(30, LEAST_SEPARATION)
    best = np.argsort(-scores[i, j])[:3]
    assert set(zip(i[best].tolist(), j[best].tolist(), strict=True)) == set(PLANTED)
    np.testing.assert_array_equal(scores, scores.T)
    assert not scores.diagonal().any()


def test_an_unknown_residue_is_as_a_gap():
    rows = family().rows.copy()
    rows[::3, 4] = GAP
    unknown = np.where(rows == GAP, GAP - 1, rows)
    one, other = (covariation._block_sizes(each, np.ones(len(each))) for each in (rows, unknown))
    np.testing.assert_array_equal(one, other)


def test_coupled_places_are_likelier_near_and_neighbours_are_left_alone():
    said = gather_covariation(family(), BOUNDS)
    np.testing.assert_array_equal(said, said.transpose(1, 0, 2))
    for i, j in PLANTED:
        assert said[i, j, 4] - said[i, j, -1] > 0.3
    others = np.triu(np.ones((30, 30), dtype=bool), LEAST_SEPARATION)
    others[tuple(np.transpose(PLANTED))] = False
    assert (said[others][:, 4] - said[others][:, -1]).mean() < 0.5
    near = np.abs(np.subtract.outer(np.arange(30), np.arange(30))) < LEAST_SEPARATION
    assert not said[near].any() and np.isfinite(said).all()


def test_a_shallow_alignment_tells_nothing_and_a_deeper_one_more():
    scores = couple(family())
    told = [
        np.abs(weigh_distances(describe_pairs(scores, effective)[0], np.array([6.0, 20.0]))).mean()
        for effective in (1.0, SHALLOW, 60.0, 1_000.0)
    ]
    assert told[0] == told[1] == 0.0 and told[1] < told[2] < told[3]
    assert not hears_covariation(family(int(SHALLOW)))
    assert hears_covariation(family(int(SHALLOW) + 1))
    # However many rows are alike.
    assert not hears_covariation(Alignment(np.repeat(family(10).rows, 30, axis=0)))


def test_a_chain_beyond_the_limit_is_left_alone(monkeypatch):
    monkeypatch.setattr(covariation, "MOST_RESIDUES", 29)
    assert not hears_covariation(family())


def test_of_a_huge_alignment_the_first_rows_are_used(monkeypatch):
    alignment = family(300)
    monkeypatch.setattr(covariation, "MOST_CELLS", 30 * 200)
    assert count_effective(alignment) == pytest.approx(200)
    np.testing.assert_allclose(
        couple(alignment), couple(Alignment(alignment.rows[:200])), atol=1e-3
    )


@pytest.mark.parametrize("residues", [1, 2, 5, 7, 8])
def test_short_chains_and_rows_without_differences_are_no_harm(residues):
    rows = family(60).rows[:, :residues]
    said = gather_covariation(Alignment(rows), BOUNDS)
    assert said.shape == (residues, residues, 40) and np.isfinite(said).all()
    same = np.repeat(rows[:1], 40, axis=0)
    assert not couple(Alignment(same)).any()


def test_the_pairs_around_are_those_that_a_loop_finds():
    scores = couple(family())
    facts, i, j = describe_pairs(scores, 1_000.0)
    limits = {3: ((1, 1), (-1, 4)), 4: ((2, 2), (-1, 3)), 5: ((3, 4), (-1, 2))}
    for pair in (0, 57, 200, len(i) - 1):
        for column, ((least, most), bounds) in limits.items():
            found = [
                np.clip(scores[a, b], -3, 8)
                for a in range(30)
                for b in range(30)
                if least <= max(abs(a - i[pair]), abs(b - j[pair])) <= most
                and abs(a - b) >= LEAST_SEPARATION
            ]
            expected = np.clip(np.mean(found), *bounds)
            assert facts[pair, column] == pytest.approx(expected, abs=1e-4)
