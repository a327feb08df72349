"""Scores of contacts, against scikit-learn and plain loops: ties, missing residues, constants."""

import numpy as np
import pytest
from sklearn.metrics import precision_score, roc_auc_score

from distmat.protein.distance_map import CONTACT_CUTOFF
from distmat.scoring.baseline import reference_baseline
from distmat.scoring.map_scores import MAP_SCORES, score_map
from tests.geometry.ideal_chains import bundle, distances_of


@pytest.fixture(params=["distances", "probabilities", "ties"])
def case(request):
    """A bundle of helices with gaps, and what ranks its pairs."""
    rng = np.random.default_rng(5)
    ca = bundle().astype(float)
    ca[[3, 4, 20]] = np.nan
    noisy = np.nan_to_num(distances_of(ca), nan=30.0) + rng.normal(0, 4, (len(ca), len(ca)))
    if request.param == "distances":
        return ca, noisy, None
    likely = np.exp(-noisy / 8)
    return ca, noisy, likely if request.param == "probabilities" else likely.round(1)


def candidates(ca, distances, contacts, first):
    """Rank and truth of each observed pair from that separation on, by a plain loop."""
    rank = -distances if contacts is None else contacts
    rows = []
    for i in range(len(ca)):
        for j in range(i + first, len(ca)):
            true = np.linalg.norm(ca[i] - ca[j])
            if np.isfinite(true):
                rows.append((rank[i, j], true < CONTACT_CUTOFF))
    ranks, truths = zip(*rows, strict=True)
    return np.array(ranks), np.array(truths, dtype=bool)


def expected_hits(rank, truth, wanted):
    """Mean share of contacts among the first, over many random orders of what ranks alike."""
    rng = np.random.default_rng(0)
    orders = 1 if len(np.unique(rank)) == len(rank) else 400
    chosen = np.zeros((orders, len(rank)), dtype=bool)
    for row in chosen:
        row[np.lexsort((rng.random(len(rank)), -rank))[:wanted]] = True
    # Each order chooses as many, so that the share among all chosen is the mean of the shares.
    return precision_score(np.tile(truth, orders), chosen.ravel())


def test_the_auc_is_scikit_learns(case):
    rank, truth = candidates(*case, first=6)
    assert score_map(case[1], case[0], case[2]).contact_auc == pytest.approx(
        roc_auc_score(truth, rank)
    )


def test_r_precision_takes_as_many_pairs_as_there_are_contacts(case):
    rank, truth = candidates(*case, first=6)
    expected = expected_hits(rank, truth, truth.sum())
    found = score_map(case[1], case[0], case[2]).r_precision
    assert found == pytest.approx(expected, abs=0.01)
    # At this cut, precision and recall are the same.
    assert 0 < found < 1


@pytest.mark.parametrize(
    ("key", "divisor"), [("long_precision", 1), ("long_precision_l2", 2), ("long_precision_l5", 5)]
)
def test_long_range_precision_takes_a_share_of_the_length(case, key, divisor):
    rank, truth = candidates(*case, first=24)
    expected = expected_hits(rank, truth, len(case[0]) // divisor)
    found = score_map(case[1], case[0], case[2]).values[key]
    assert found == pytest.approx(expected, abs=0.02)


def test_a_constant_ranks_by_chance(case):
    ca = case[0]
    scores = score_map(np.full((len(ca), len(ca)), 20.0), ca)
    _, truth = candidates(ca, np.zeros((len(ca), len(ca))), None, 6)
    assert scores.contact_auc == 0.5
    assert scores.r_precision == pytest.approx(truth.mean())


def test_without_contacts_there_is_nothing_to_find():
    stretched = np.zeros((40, 3))
    stretched[:, 0] = 3.8 * np.arange(40)
    scores = score_map(distances_of(stretched), stretched)
    assert np.isnan(scores.r_precision) and np.isnan(scores.contact_auc)
    assert scores.as_dict()["r_precision"] is None


def test_a_perfect_map_is_as_good_as_can_be(case):
    ca = case[0]
    scores = score_map(np.nan_to_num(distances_of(ca), nan=5.0), ca)
    assert scores.r_precision == scores.contact_auc == 1.0
    assert scores.long_precision == pytest.approx(scores.long_precision_ceiling)


def test_costly_scores_are_computed_where_they_are_asked_for(case):
    ca = case[0]
    table = reference_baseline().predict(len(ca))
    costly = {score.key for score in MAP_SCORES if score.costly}
    assert costly == {"mds_pearson"}
    cheap, all_of_them = score_map(table, ca), score_map(table, ca, costly=True)
    assert set(all_of_them.values) - set(cheap.values) == costly
