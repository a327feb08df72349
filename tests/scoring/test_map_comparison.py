"""Anyone's map against a structure, and two maps against each other."""

import numpy as np
import pytest
from scipy.stats import pearsonr

from distmat.protein.distance_map import pairwise_distances, separation
from distmat.protein.examples import examples
from distmat.scoring.baseline import reference_baseline
from distmat.scoring.map_comparison import compare_maps, compare_with_structure
from distmat.scoring.map_scores import score_map


@pytest.fixture(scope="module")
def chain():
    return examples()[7].read()


def noisy(chain, seed=0):
    noise = np.random.default_rng(seed).normal(0, 2.0, (len(chain), len(chain)))
    return np.maximum(chain.distances + np.triu(noise, 1) + np.triu(noise, 1).T, 0.1)


def test_a_whole_map_scores_as_a_prediction_does_beside_the_same_baseline(chain):
    table = noisy(chain)
    found = compare_with_structure(chain.ca, table)
    expected = score_map(table, chain.ca)
    assert dict(found.model.values) == pytest.approx(dict(expected.values), nan_ok=True)
    base = score_map(reference_baseline().predict(len(chain)), chain.ca)
    assert found.baseline.values["mae"] == pytest.approx(base.mae)
    assert found.verdict.kind == "better" and found.beyond == 0


def test_the_open_bin_is_judged_apart_and_the_baseline_is_on_the_same_pairs(chain):
    true = chain.distances
    seen = np.isfinite(true)
    beyond = seen & (np.where(seen, true, 0) > 20)
    wrong = np.argwhere(np.triu(seen & ~beyond & (separation(len(chain)) > 30)))[0]
    beyond[tuple(wrong)] = beyond[tuple(wrong[::-1])] = True
    table = np.where(beyond, np.nan, true)
    found = compare_with_structure(chain.ca, table, None, beyond, 20.0)
    assert found.model.mae == 0 and found.beyond == np.triu(beyond, 1).sum()
    assert found.beyond_right == pytest.approx(1 - 1 / found.beyond)
    i, j = np.nonzero(np.triu(np.isfinite(table), 1))
    error = np.abs(reference_baseline().predict(len(chain)) - true)[i, j]
    assert found.baseline.values["mae"] == pytest.approx(error.mean())
    # No contact is lost to the ranking because its pair has no distance.
    assert found.model.values["contact_auc"] == pytest.approx(1.0, abs=1e-3)


def test_contacts_alone_have_scores_of_contacts_alone(chain):
    likely = np.where(chain.distances < 8, 0.9, 0.1)
    likely[separation(len(chain)) < 12] = np.nan
    found = compare_with_structure(chain.ca, None, likely)
    assert set(found.model.values) == {
        "long_precision", "long_precision_ceiling", "long_precision_l2", "long_precision_l5",
        "r_precision", "contact_auc",
    }  # fmt: skip
    assert found.model.long_precision == pytest.approx(found.model.long_precision_ceiling)
    assert found.model.pairs and not found.model.bands and found.verdict.kind == "unknown"
    assert found.as_dict()["model"]["long_precision"] == pytest.approx(found.model.long_precision)


def test_two_maps_differ_as_numpy_and_scipy_say(chain):
    a, b = noisy(chain, 1), noisy(chain, 2)
    b[3, 40] = b[40, 3] = np.nan
    found = compare_maps((a, None), (b, None))
    i, j = np.triu_indices(len(chain), 1)
    keep = np.isfinite(a[i, j]) & np.isfinite(b[i, j])
    x, y = a[i, j][keep], b[i, j][keep]
    assert found.pairs == keep.sum()
    assert found.mae == pytest.approx(np.abs(x - y).mean())
    assert found.rmse == pytest.approx(np.sqrt(((x - y) ** 2).mean()))
    assert found.pearson == pytest.approx(pearsonr(x, y)[0])
    far = (j - i) >= 6
    near_a, near_b = a[i, j][far] < 8, b[i, j][far] < 8
    assert (found.both, found.only_first, found.only_second) == (
        (near_a & near_b).sum(), (near_a & ~near_b).sum(), (near_b & ~near_a).sum(),
    )  # fmt: skip


def test_distances_and_contacts_share_what_both_can_say(chain):
    true = pairwise_distances(np.nan_to_num(chain.ca))
    found = compare_maps((true, None), (None, np.where(true < 8, 0.8, 0.2)))
    assert found.pairs == 0 and np.isnan(found.mae)
    assert found.shared == 1.0 and found.both > 0
    assert found.as_dict()["mae"] is None
