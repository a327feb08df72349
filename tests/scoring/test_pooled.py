import numpy as np
import pytest
from sklearn.metrics import precision_recall_curve

from distmat.protein.distance_map import BANDS, in_band, pairwise_distances
from distmat.scoring.pooled import (
    RATIO_STEP,
    PooledPairs,
    needed_factor,
    pool_pairs,
    precision_recall,
)

N = 60


def chain(seed=0):
    steps = np.random.default_rng(seed).normal(size=(N, 3))
    ca = np.cumsum(2.4 * steps / np.linalg.norm(steps, axis=1, keepdims=True), axis=0)
    ca[10:13] = np.nan
    return ca


def pooled_of(seed):
    rng, ca = np.random.default_rng(seed), chain(seed)
    true = pairwise_distances(np.nan_to_num(ca))
    noise = rng.normal(0, 2, (N, N))
    predicted = np.abs(true + noise + noise.T)
    std = rng.uniform(0.5, 4, (N, N))
    std = (std + std.T) / 2
    contacts = 1 / (1 + np.exp(predicted - 8))
    baseline = np.full((N, N), 12.0)
    return (predicted, std, contacts, baseline, ca)


def seen(ca):
    i, j = np.triu_indices(N, 1)
    there = np.isfinite(ca).all(axis=1)
    return i[there[i] & there[j]], j[there[i] & there[j]]


def test_means_by_separation_and_distance_are_those_of_each_group():
    predicted, _, _, baseline, ca = given = pooled_of(1)
    pooled = pool_pairs(*given)
    i, j = seen(ca)
    true = pairwise_distances(ca)[i, j]
    error, other = np.abs(predicted[i, j] - true), np.abs(baseline[i, j] - true)
    assert pooled.density.sum() == len(i) == pooled.separation[0].sum()
    for k in (1, 7, 30):
        count, ours, theirs = pooled.separation[:, k]
        assert count == (j - i == k).sum()
        assert ours == pytest.approx(error[j - i == k].sum())
        assert theirs == pytest.approx(other[j - i == k].sum())
    inside = (true >= 9) & (true < 10)
    assert pooled.distance[:, 9] == pytest.approx(
        [inside.sum(), error[inside].sum(), other[inside].sum()]
    )
    assert pooled.structure[0].sum() == len(i)


def test_precision_and_recall_are_those_of_scikit_learn():
    *_, contacts, _, ca = given = pooled_of(2)
    # At the middles of the bins nothing is rounded.
    given = (*given[:2], np.floor(contacts * 200).clip(0, 199) / 200 + 0.0025, *given[3:])
    counts = pool_pairs(*given).contacts[0]
    i, j = seen(ca)
    far = j - i >= 6
    true = pairwise_distances(ca)[i, j][far] < 8
    expected = precision_recall_curve(true, given[2][i, j][far])
    precision, recall = precision_recall(counts)
    for p, r in zip(expected[0][:-1], expected[1][:-1], strict=True):
        near = np.abs(recall - r) < 1e-9
        assert np.nanmin(np.abs(precision[near] - p)) < 1e-9


def test_the_factor_that_is_needed_puts_68_percent_within_one_deviation():
    predicted, std, _, _, ca = given = pooled_of(3)
    pooled = pool_pairs(*given)
    for row, band in enumerate(BANDS):
        inside = in_band(N, band) & np.isfinite(pairwise_distances(ca))
        ratio = (np.abs(predicted - pairwise_distances(ca)) / std)[inside]
        expected = np.quantile(ratio, 0.68)
        assert needed_factor(pooled.ratio[row]) == pytest.approx(expected, abs=RATIO_STEP)
    assert np.isnan(needed_factor(np.zeros(100)))


def test_chains_add_up_and_survive_being_written():
    one, two = pool_pairs(*pooled_of(4)), pool_pairs(*pooled_of(5))
    both = PooledPairs.none() + one + two
    np.testing.assert_allclose(both.density, one.density + two.density)
    again = PooledPairs.from_dict(both.as_dict())
    np.testing.assert_allclose(again.deviation, both.deviation, atol=1e-4)
    with pytest.raises(ValueError, match="density"):
        PooledPairs.from_dict({"density": [[1]]})
