"""Whether standard deviations hold, by band."""

import numpy as np
import pytest
from scipy.stats import norm

from distmat.protein.distance_map import BANDS
from distmat.scoring.deviations import Coverage, coverage, fit_std_factors, most_std, scale_std


def noisy(n: int, too_sure: dict[str, float], seed: int = 0):
    """A true map, one with normal errors, and deviations that are too small by these factors."""
    rng = np.random.default_rng(seed)
    true = np.full((n, n), 20.0)
    spread = rng.uniform(1, 4, (n, n))
    claimed = scale_std(spread, {band: 1 / factor for band, factor in too_sure.items()})
    return true + rng.normal(size=(n, n)) * spread, claimed, true


def test_normal_errors_are_covered_as_often_as_a_normal_distribution_says():
    found = coverage(*noisy(300, dict.fromkeys(BANDS, 1.0))).as_dict()
    for shares in found.values():
        assert shares["within_1_std"] == pytest.approx(norm.cdf(1) - norm.cdf(-1), abs=0.04)
        assert shares["within_2_std"] == pytest.approx(norm.cdf(2) - norm.cdf(-2), abs=0.02)


def test_each_pair_is_counted_once_and_unobserved_ones_not_at_all():
    distances, std, true = noisy(40, dict.fromkeys(BANDS, 1.0))
    true[7], true[:, 7] = np.nan, np.nan
    expected = [
        sum(7 not in (i, j) for i in range(40) for j in range(i + first, min(i + last, 39) + 1))
        for first, last in ((3, 5), (6, 11), (12, 23), (24, 40))
    ]
    assert coverage(distances, std, true).pairs.tolist() == expected


def test_maps_are_pooled_and_a_band_without_pairs_is_left_out():
    one = coverage(*noisy(15, dict.fromkeys(BANDS, 1.0)))
    assert list(one.as_dict()) == ["local", "short", "medium"]
    both = one + coverage(*noisy(60, dict.fromkeys(BANDS, 1.0)))
    assert isinstance(both, Coverage) and both.pairs[0] > one.pairs[0]


def test_the_factors_found_undo_what_was_wrong():
    wrong = {"local": 0.5, "short": 2.0, "medium": 1.0, "long": 1.4}
    maps = [noisy(120, wrong, seed) for seed in range(6)]
    factors = fit_std_factors(maps)
    assert factors == pytest.approx(wrong, rel=0.06)
    distances, std, true = noisy(200, wrong, seed=9)
    right = coverage(distances, scale_std(std, factors), true).as_dict()
    assert all(0.62 < shares["within_1_std"] < 0.74 for shares in right.values())


def test_without_a_pair_nothing_is_scaled():
    assert fit_std_factors([]) == dict.fromkeys(BANDS, 1.0)


def test_every_separation_is_scaled_by_its_own_band_and_neighbours_by_the_first():
    factors = {"local": 2.0, "short": 3.0, "medium": 5.0, "long": 7.0}
    scaled = scale_std(np.ones((40, 40)), factors)
    expected = [2.0] * 6 + [3.0] * 6 + [5.0] * 12 + [7.0] * 16
    np.testing.assert_array_equal(scaled[0], expected)
    np.testing.assert_array_equal(scaled, scaled.T)


def test_no_distance_along_a_chain_can_vary_more_than_its_bounds_allow():
    most = most_std(5)
    assert np.all(np.diagonal(most) == 0) and most[0, 1] == pytest.approx(0.55)
    # Half the time as near as can be, half as far: nothing varies more.
    for apart in (1, 2, 4):
        ends = np.array([2.8, 3.9 * apart])
        assert most[0, apart] == pytest.approx(ends.std())
