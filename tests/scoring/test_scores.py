import json

import biotite.structure as struc
import numpy as np
import pytest
from scipy.linalg import orthogonal_procrustes

from distmat.geometry.chain_geometry import CLASH, bonds_right, clashes
from distmat.protein.distance_map import BANDS
from distmat.scoring.map_scores import score_map
from distmat.scoring.trace_scores import per_residue_error, score_trace
from tests.geometry.ideal_chains import distances_of, disturbed, helix, random_walk


@pytest.fixture
def ca():
    chain = random_walk(90, seed=4)
    chain[[0, 1, 40]] = np.nan
    return chain


def pairs_of(ca, predicted):
    """i, j, predicted and true distance of each observed pair, by a plain loop."""
    rows = []
    for i in range(len(ca)):
        for j in range(i + 1, len(ca)):
            true = float(np.linalg.norm(ca[i] - ca[j]))
            if np.isfinite(true) and np.isfinite(predicted[i, j]):
                rows.append((i, j, predicted[i, j], true))
    return np.array(rows)


def test_errors_of_a_map_are_those_of_a_plain_loop_in_every_band(ca):
    predicted = disturbed(np.nan_to_num(distances_of(ca), nan=20.0), 0.4)
    i, j, p, d = pairs_of(ca, predicted).T
    scores = score_map(predicted, ca)
    assert scores.mae == pytest.approx(np.abs(p - d).mean())
    assert scores.rmse == pytest.approx(np.sqrt(((p - d) ** 2).mean()))
    assert scores.pearson == pytest.approx(np.corrcoef(p, d)[0, 1])
    assert scores.pairs == len(p) == 87 * 86 / 2
    for name, (first, last) in BANDS.items():
        inside = (j - i >= first) & (j - i <= (last or len(ca)))
        band = scores.bands[name]
        assert band.pairs == inside.sum()
        assert band.mae == pytest.approx(np.abs(p - d)[inside].mean())
        assert band.pearson == pytest.approx(np.corrcoef(p[inside], d[inside])[0, 1])


def test_lddt_of_map_and_trace_is_biotite_s():
    ca = random_walk(70, seed=5)
    trace = ca + np.random.default_rng(6).normal(scale=1.0, size=ca.shape)
    atoms = struc.AtomArray(len(ca))
    atoms.coord, atoms.res_id = ca.astype(np.float32), np.arange(len(ca))
    theirs = float(struc.lddt(atoms, trace.astype(np.float32)))
    assert score_map(distances_of(trace), ca).lddt == pytest.approx(theirs, abs=1e-3)
    assert score_trace(trace, ca).lddt == pytest.approx(theirs, abs=1e-3)


def test_precision_counts_the_closest_long_range_pairs(ca):
    predicted = disturbed(np.nan_to_num(distances_of(ca), nan=50.0), 0.3)
    i, j, p, d = pairs_of(ca, predicted).T
    long = j - i >= 24
    top = np.argsort(p[long], kind="stable")[: len(ca)]
    scores = score_map(predicted, ca)
    assert scores.long_precision == pytest.approx((d[long][top] < 8.0).mean())
    assert scores.long_precision_ceiling == pytest.approx(
        min((d[long] < 8.0).sum(), len(ca)) / len(ca)
    )


def test_precision_goes_by_the_probabilities_where_they_are_given(ca):
    true = distances_of(ca)
    useless = np.random.default_rng(0).uniform(4, 40, size=true.shape)
    contacts = np.nan_to_num(np.exp(-true))
    scores = score_map(useless, ca, contacts)
    assert scores.long_precision == pytest.approx(scores.long_precision_ceiling)


def test_pairs_that_rank_alike_share_their_hits():
    ca = random_walk(60, seed=7)
    contacts = np.zeros((60, 60))
    i, j = np.triu_indices(60, 24)
    share = (np.linalg.norm(ca[i] - ca[j], axis=1) < 8.0).mean()
    assert score_map(distances_of(ca), ca, contacts).long_precision == pytest.approx(share)


def test_a_perfect_map_has_no_error(ca):
    scores = score_map(distances_of(ca), ca)
    assert scores.mae == scores.rmse == 0.0
    assert scores.pearson == pytest.approx(1.0)
    assert scores.lddt == 1.0


def test_unobserved_residues_and_unknown_pairs_are_left_out(ca):
    predicted = distances_of(ca)
    predicted[10, 20] = predicted[20, 10] = np.nan
    scores = score_map(predicted, ca)
    assert scores.pairs == 87 * 86 / 2 - 1
    assert scores.mae == 0.0


@pytest.mark.parametrize("n", [0, 1, 2, 3])
def test_what_has_too_few_pairs_is_undefined_and_written_as_null(n):
    ca = random_walk(n) if n else np.zeros((0, 3))
    written = json.dumps(score_map(distances_of(ca), ca).as_dict(), allow_nan=False)
    assert json.loads(written)["long_precision"] is None
    json.dumps(score_trace(ca, ca).as_dict(), allow_nan=False)


def test_a_truth_without_any_observed_residue_scores_nothing():
    ca = np.full((30, 3), np.nan)
    assert score_map(np.full((30, 30), 10.0), ca).pairs == 0
    scores = score_trace(helix(30), ca)
    assert scores.residues == 0
    assert np.isnan(scores.tm) and np.isnan(scores.rmsd)


def test_a_constant_map_has_no_correlation(ca):
    assert np.isnan(score_map(np.full((90, 90), 20.0), ca).pearson)


def test_shapes_that_do_not_fit_are_a_mistake_of_the_caller(ca):
    with pytest.raises(ValueError, match="shape"):
        score_map(np.zeros((5, 5)), ca)


def test_a_trace_is_scored_alike_wherever_it_lies(ca):
    trace = np.nan_to_num(ca) + np.random.default_rng(1).normal(size=ca.shape)
    turned = trace @ np.array([[0.0, 1, 0], [-1, 0, 0], [0, 0, 1]]) + 50.0
    one, other = score_trace(trace, ca), score_trace(turned, ca)
    for name, value in one.as_dict().items():
        assert getattr(other, name) == pytest.approx(value, abs=1e-6), name
    assert one.residues == 87


def test_the_correlation_of_a_trace_is_with_the_true_distances(ca):
    trace = np.nan_to_num(ca) + np.random.default_rng(1).normal(scale=3, size=ca.shape)
    _, _, p, d = pairs_of(ca, distances_of(trace)).T
    assert score_trace(trace, ca).mds_pearson == pytest.approx(np.corrcoef(p, d)[0, 1])


def test_the_rmsd_that_allows_a_mirror_image_is_that_of_scipy_s_procrustes():
    ca = random_walk(50, seed=2)
    random = np.random.default_rng(3)
    trace = ca * [1.0, 1.0, -1.0] + random.normal(scale=2.0, size=ca.shape) + 30.0
    source, goal = trace - trace.mean(axis=0), ca - ca.mean(axis=0)
    turn, _ = orthogonal_procrustes(source, goal)
    expected = np.sqrt(((source @ turn - goal) ** 2).sum(axis=1).mean())
    scores = score_trace(trace, ca)
    assert scores.rmsd_mirror_allowed == pytest.approx(expected)
    assert scores.rmsd > 1.5 * expected


def test_bonds_and_clashes_are_those_that_biotite_measures():
    trace = random_walk(80, seed=8) + np.random.default_rng(9).normal(scale=0.4, size=(80, 3))
    trace[[20, 50]] = 0.5 * (trace[[20, 50]] + trace[[60, 10]])
    bonds = struc.distance(trace[:-1], trace[1:])
    near = struc.CellList(trace.astype(np.float32), CLASH).create_adjacency_matrix(CLASH)
    count = np.triu(near, 3).sum()
    assert 0 < np.mean(np.abs(bonds - 3.8) <= 0.2) == bonds_right(trace)
    assert 0 < 100 * count / 80 == pytest.approx(clashes(trace))


def test_bonds_and_clashes_are_counted_by_hand():
    ca = np.zeros((6, 3))
    ca[:, 0] = [0.0, 3.8, 7.6, 11.5, 16.0, 19.8]
    assert bonds_right(ca) == 4 / 5
    assert clashes(ca) == 0.0
    ca[4] = ca[1] + [0.0, 3.0, 0.0]
    assert clashes(ca) == pytest.approx(100 / 6)
    ca[2] = ca[1] + [0.0, 0.1, 0.0]
    assert clashes(ca) == pytest.approx(100 / 6)


def test_errors_per_residue_are_distances_in_one_frame():
    ca = helix(5)
    trace = ca + np.array([3.0, 4.0, 0.0])
    ca[2] = np.nan
    np.testing.assert_allclose(per_residue_error(trace, ca), [5, 5, np.nan, 5, 5])
