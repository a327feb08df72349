import numpy as np
import pytest
from scipy.stats import bootstrap

from distmat.scoring.map_scores import MAP_SCORES
from distmat.scoring.paired import compare_paired, mean_interval


def rows(values, score="mae", first=0):
    return [{"id": f"c{k}", "model": {score: value}} for k, value in enumerate(values, start=first)]


def test_the_interval_is_that_of_scipys_bootstrap():
    values = np.random.default_rng(3).normal(0.4, 1, 200)
    low, high = mean_interval(values)
    expected = bootstrap((values,), np.mean, method="percentile", rng=1).confidence_interval
    assert (low, high) == pytest.approx(tuple(expected), abs=0.02)
    assert all(np.isnan(mean_interval(values[:1])))


def test_only_chains_that_both_have_are_compared_and_each_with_itself():
    noise = np.random.default_rng(0).normal(0, 3, 50)
    first, second = rows(5 + noise), rows(4.5 + noise[10:], first=10)[::-1]
    found = compare_paired(first, second)["mae"]
    assert (found.chains, found.wins) == (40, 40)
    # Between chains it varies by 3 Å; within a chain not at all.
    assert (found.difference, found.low, found.high) == pytest.approx((-0.5,) * 3)
    assert found.verdict == "better"


def test_more_is_better_for_a_correlation_and_worse_for_an_error():
    one, two = np.full(9, 0.5) + np.arange(9) / 100, np.full(9, 0.6) + np.arange(9) / 100
    assert compare_paired(rows(one, "pearson"), rows(two, "pearson"))["pearson"].verdict == "better"
    assert compare_paired(rows(one), rows(two))["mae"].verdict == "worse"
    assert compare_paired(rows([1.0, 2.0]), rows([2.0, 1.0]))["mae"].verdict == "same"


def test_an_undefined_score_of_a_chain_does_not_count():
    assert compare_paired(rows([1.0, None, 3.0]), rows([1.0, 2.0, 2.0]))["mae"].chains == 2
    assert compare_paired(rows([None]), rows([1.0])) == {}


@pytest.mark.parametrize(
    ("score", "model", "baseline", "best", "skill"),
    [
        ("mae", 3.0, 6.0, None, 0.5),
        ("mae", 7.2, 6.0, None, -0.2),
        ("pearson", 0.8, 0.6, None, 0.5),
        ("long_precision", 0.2, 0.1, 0.3, 0.5),
        ("mae", None, 6.0, None, np.nan),
        ("pearson", 1.0, 1.0, None, np.nan),
    ],
)
def test_skill_is_the_share_of_the_way_to_perfection(score, model, baseline, best, skill):
    found = MAP_SCORES[score].skill(model, baseline, best)
    assert found == pytest.approx(skill, nan_ok=True)
