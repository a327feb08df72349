"""Reconstruction and scores on the built-in proteins, against independent implementations."""

import biotite.structure as struc
import numpy as np
import pytest
import tmtools
from scipy.spatial.transform import Rotation

from distmat.errors import DistanceMapError
from distmat.geometry.reconstruction import STAGES, reconstruct
from distmat.geometry.superposition import superpose
from distmat.protein.distance_map import pairwise_distances
from distmat.protein.examples import examples
from distmat.scoring.map_scores import score_map
from distmat.scoring.trace_scores import score_trace

CHAINS = {example.key: example.read() for example in examples()}


@pytest.fixture(params=CHAINS)
def chain(request):
    return CHAINS[request.param]


def noisy(ca, amplitude=1.5, seed=0):
    """The same chain, bent: a random walk added to its coordinates, Å."""
    rng = np.random.default_rng(seed)
    return ca + np.cumsum(rng.normal(scale=amplitude / 5, size=ca.shape), axis=0)


def test_an_exact_map_gives_its_own_coordinates_in_the_right_hand(chain):
    ca = chain.ca[chain.observed]
    result = reconstruct(pairwise_distances(ca))
    assert superpose(result.coords, ca).rmsd < 1e-6
    assert result.hand == "chosen"
    assert result.eigenvalue_share == pytest.approx(1.0)
    assert result.stress < 1e-6
    assert tuple(result.stages) == STAGES


def test_unobserved_residues_are_left_out_and_do_no_harm():
    chain = CHAINS["cdc13"]
    result = reconstruct(chain.distances)
    np.testing.assert_array_equal(np.isfinite(result.coords).all(axis=1), chain.observed)
    assert superpose(result.coords, chain.ca).rmsd < 0.5


def test_a_noisy_map_gives_a_chain_with_bonds_and_without_clashes(chain):
    ca = chain.ca[chain.observed]
    true = pairwise_distances(ca)
    error = np.triu(np.random.default_rng(0).normal(scale=0.1, size=true.shape), 1)
    scores = score_trace(reconstruct(true * (1 + error + error.T)).coords, ca)
    assert scores.rmsd < 1.5
    assert scores.bonds_right >= 0.99
    assert scores.clashes <= 0.5
    assert scores.mds_pearson > 0.98


def test_rmsd_is_that_of_scipy_s_rotation(chain):
    ca = chain.ca[chain.observed]
    other = noisy(ca) @ Rotation.random(random_state=1).as_matrix() + 40.0
    _, rssd = Rotation.align_vectors(ca - ca.mean(0), other - other.mean(0))
    assert score_trace(other, ca).rmsd == pytest.approx(rssd / np.sqrt(len(ca)), rel=1e-6)


def test_a_mirror_image_is_wrong_unless_it_is_allowed(chain):
    ca = chain.ca[chain.observed]
    scores = score_trace(ca * [1, 1, -1], ca)
    assert scores.rmsd > 3
    assert scores.rmsd_mirror_allowed < 1e-6


def test_tm_score_is_at_least_what_biotite_gives_for_the_best_fit_of_all_residues(chain):
    ca = chain.ca[chain.observed]
    other = noisy(ca, amplitude=3)
    fitted = superpose(other, ca).coords
    arrays = []
    for coords in (ca, fitted):
        array = struc.AtomArray(len(ca))
        array.coord, array.atom_name[:], array.res_id = coords, "CA", np.arange(len(ca))
        array.element[:], array.res_name[:] = "C", "GLY"
        arrays.append(array)
    index = np.arange(len(ca))
    plain = struc.tm_score(*arrays, index, index, reference_length=len(ca))
    tm = score_trace(other, ca).tm
    assert plain - 1e-3 <= tm <= 1


def test_tm_score_agrees_with_tm_align_where_the_alignment_is_plain(chain):
    ca = chain.ca[chain.observed]
    other = noisy(ca, amplitude=1)
    sequence = "A" * len(ca)
    theirs = tmtools.tm_align(other, ca, sequence, sequence).tm_norm_chain2
    assert score_trace(other, ca).tm == pytest.approx(theirs, abs=0.02)


def test_lddt_is_biotite_s(chain):
    ca = chain.ca[chain.observed]
    other = noisy(ca)
    arrays = []
    for coords in (ca, other):
        array = struc.AtomArray(len(ca))
        array.coord, array.atom_name[:], array.res_id = coords, "CA", np.arange(len(ca))
        arrays.append(array)
    theirs = struc.lddt(*arrays)
    assert score_trace(other, ca).lddt == pytest.approx(theirs, abs=2e-3)
    assert score_map(pairwise_distances(other), ca).lddt == pytest.approx(theirs, abs=2e-3)


def test_errors_of_a_map_are_those_of_a_plain_loop():
    ca = CHAINS["cdc13"].ca
    n = len(ca)
    rng = np.random.default_rng(3)
    predicted = np.abs(rng.normal(20, 8, size=(n, n)))
    pairs = [
        (j - i, predicted[i, j], np.linalg.norm(ca[i] - ca[j]))
        for i in range(n)
        for j in range(i + 1, n)
        if np.isfinite(ca[i]).all() and np.isfinite(ca[j]).all()
    ]
    apart, p, d = np.array(pairs).T
    scores = score_map(predicted, ca)
    assert scores.pairs == len(pairs)
    assert scores.mae == pytest.approx(np.abs(p - d).mean())
    assert scores.rmse == pytest.approx(np.sqrt(((p - d) ** 2).mean()))
    assert scores.pearson == pytest.approx(np.corrcoef(p, d)[0, 1])
    medium = (apart >= 12) & (apart <= 23)
    assert scores.bands["medium"].mae == pytest.approx(np.abs(p - d)[medium].mean())
    assert scores.bands["medium"].pairs == medium.sum()
    distant = apart >= 24
    top = np.argsort(p[distant], kind="stable")[:n]
    assert scores.long_precision == pytest.approx((d[distant][top] < 8).mean())
    ceiling = min((d[distant] < 8).sum(), n) / min(n, distant.sum())
    assert scores.long_precision_ceiling == pytest.approx(ceiling)


def test_the_same_map_gives_the_same_trace_every_time(chain):
    ca = chain.ca[chain.observed][:80]
    rng = np.random.default_rng(5)
    error = np.triu(rng.normal(scale=2, size=(len(ca), len(ca))), 1)
    distances = np.abs(pairwise_distances(ca) + error + error.T)
    first, again = reconstruct(distances), reconstruct(distances)
    np.testing.assert_array_equal(first.coords, again.coords)


@pytest.mark.parametrize(
    "bad",
    [
        np.zeros((3, 4)),
        np.zeros((2, 2, 2)),
        np.zeros((0, 0)),
        np.zeros(5),
        np.array([["a", "b"], ["c", "d"]]),
        np.array([[0, -4.0], [-4.0, 0]]),
        np.full((6, 6), np.nan),
        np.full((6, 6), np.inf),
        np.zeros((12, 12)),
        np.full((12, 12), 7.0),
        "text",
        None,
    ],
    ids=lambda bad: str(getattr(bad, "shape", bad)),
)
def test_what_is_no_map_is_refused_in_one_sentence(bad):
    with pytest.raises(DistanceMapError) as error:
        reconstruct(bad)
    assert str(error.value).endswith(".")
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("n", [1, 2, 3, 4])
def test_the_shortest_chains_come_back(n):
    ca = np.array([[0, 0, 0], [3.8, 0, 0], [5.0, 3.6, 0], [5.0, 3.6, 3.8]], dtype=float)[:n]
    result = reconstruct(pairwise_distances(ca))
    np.testing.assert_allclose(pairwise_distances(result.coords), pairwise_distances(ca), atol=1e-6)


@pytest.mark.parametrize("axes", [1, 2], ids=["collinear", "planar"])
def test_flat_chains_have_no_hand_and_come_back(axes):
    ca = np.zeros((30, 3))
    ca[:, 0] = 3.3 * np.arange(30)
    if axes == 2:
        ca[::2, 1] = 1.9
    result = reconstruct(pairwise_distances(ca))
    assert result.hand == "flat"
    np.testing.assert_allclose(pairwise_distances(result.coords), pairwise_distances(ca), atol=1e-5)
