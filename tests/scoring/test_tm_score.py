import biotite.structure as struc
import numpy as np
import pytest
import tmtools
from scipy.spatial.transform import Rotation

from distmat.geometry.superposition import superpose
from distmat.scoring.tm_score import GDT_CUTOFFS, tm_and_gdt, tm_scale
from tests.geometry.ideal_chains import helix, random_walk


def bent(ca, strength, seed=0):
    """The same chain, drifting away from itself."""
    return ca + np.cumsum(np.random.default_rng(seed).normal(scale=strength, size=ca.shape), axis=0)


def atoms_at(ca):
    atoms = struc.AtomArray(len(ca))
    atoms.coord, atoms.atom_name[:], atoms.res_id = ca.astype(np.float32), "CA", np.arange(len(ca))
    atoms.res_name[:], atoms.element[:] = "GLY", "C"
    return atoms


def brute_force(trace, truth):
    """The best of very many superpositions, of all windows and of random triples."""
    random = np.random.default_rng(1)
    n, scale = len(truth), tm_scale(len(truth))
    subsets = [np.arange(a, b) for a in range(n - 2) for b in range(a + 3, n + 1)]
    subsets += [random.choice(n, size=random.integers(3, n), replace=False) for _ in range(2000)]
    tm, kept = 0.0, np.zeros(len(GDT_CUTOFFS))
    for subset in subsets:
        x, y = trace[subset].mean(axis=0), truth[subset].mean(axis=0)
        rotation, _ = Rotation.align_vectors(truth[subset] - y, trace[subset] - x)
        error = np.linalg.norm(rotation.apply(trace - x) + y - truth, axis=1)
        tm = max(tm, (1 / (1 + (error / scale) ** 2)).mean())
        kept = np.maximum(kept, [(error <= cutoff).mean() for cutoff in GDT_CUTOFFS])
    return tm, kept.mean()


@pytest.mark.parametrize("strength", [0.3, 0.6, 1.2])
def test_the_search_finds_what_brute_force_finds(strength):
    truth = random_walk(30, seed=2)
    trace = bent(truth, strength)
    tm, gdt = tm_and_gdt(trace, truth, len(truth))
    best_tm, best_gdt = brute_force(trace, truth)
    assert tm >= best_tm - 1e-3
    assert gdt >= best_gdt - 1 / 30


@pytest.mark.parametrize("seed", range(4))
def test_tm_score_is_at_least_biotite_s_at_the_least_rmsd(seed):
    truth = random_walk(80, seed=seed)
    trace = bent(truth, 0.5, seed)
    fitted, every = superpose(trace, truth).coords, np.arange(80)
    theirs = struc.tm_score(atoms_at(truth), atoms_at(fitted), every, every, 80)
    assert theirs - 1e-4 <= tm_and_gdt(trace, truth, 80)[0] <= 1.0


@pytest.mark.parametrize("seed", range(4))
def test_tm_score_is_tm_align_s_where_no_gap_helps(seed):
    truth = random_walk(120, seed=seed)
    trace = bent(truth, 0.12, seed)
    theirs = tmtools.tm_align(trace, truth, "A" * 120, "A" * 120).tm_norm_chain2
    assert tm_and_gdt(trace, truth, 120)[0] == pytest.approx(theirs, abs=2e-3)


def test_a_good_half_is_found_though_the_other_half_is_elsewhere():
    truth = random_walk(100, seed=3)
    trace = truth.copy()
    trace[50:] = trace[50:] @ Rotation.random(random_state=0).as_matrix() + 60.0
    tm, gdt = tm_and_gdt(trace, truth, 100)
    assert 0.5 <= tm < 0.6
    assert 0.5 <= gdt < 0.6


def test_residues_that_the_trace_lacks_count_as_missed():
    truth = random_walk(60, seed=1)
    tm, gdt = tm_and_gdt(truth[:30], truth[:30], 60)
    assert tm == pytest.approx(0.5)
    assert gdt == pytest.approx(0.5)


def test_a_mirror_image_is_no_hit():
    truth = random_walk(100, seed=6)
    assert tm_and_gdt(truth * [1, 1, -1], truth, 100)[0] < 0.6


def test_the_scale_is_the_published_one_with_a_floor():
    assert tm_scale(100) == pytest.approx(1.24 * 85 ** (1 / 3) - 1.8)
    assert tm_scale(10) == tm_scale(16) == 0.5


@pytest.mark.parametrize("n", [1, 2, 3, 4, 5])
def test_the_shortest_chains_fit_themselves(n):
    assert tm_and_gdt(helix(n) + 9.0, helix(n), n) == pytest.approx((1.0, 1.0))
