import numpy as np
import pytest
from scipy.optimize import approx_fprime

from distmat.geometry import refinement
from distmat.geometry.chain_geometry import bonds_right, clashes
from distmat.geometry.refinement import (
    Places,
    Targets,
    chain_term,
    error_variance,
    helix_term,
    helix_windows,
    minimize_energy,
    pair_term,
    resolve_clashes,
)
from tests.geometry.ideal_chains import distances_of, helix, random_walk, strand


def crowded(n=14, seed=0):
    """Points so close that every term has something to say."""
    return np.random.default_rng(seed).normal(scale=3.0, size=(n, 3))


def targets(n=14, seed=1):
    random = np.random.default_rng(seed)
    distances, weights = random.uniform(2, 20, size=(2, n, n))
    distances, weights = distances + distances.T, weights + weights.T
    np.fill_diagonal(weights, 0.0)
    weights[2, 5] = weights[5, 2] = 0.0
    return Targets(distances, weights)


TERMS = {
    "stress": lambda: pair_term(targets()),
    "stress and repulsion": lambda: pair_term(targets(), repulsion=30.0),
    "chain": lambda: chain_term(Places(np.arange(14)), 7.0),
    "broken chain": lambda: chain_term(Places(np.array([*range(6), *range(9, 17)])), 7.0),
    "helix": lambda: helix_term(np.array([0, 1, 2, 7]), 3.0),
    "overlap": lambda: refinement._overlap_term(np.array([[0, 4], [0, 9], [3, 12]]), 5.0),
    "anchor": lambda: refinement._anchor_term(crowded(seed=9)),
}


@pytest.mark.parametrize("block", [4, 5, 128])
@pytest.mark.parametrize("name", TERMS)
def test_the_gradient_is_that_of_finite_differences(name, block, monkeypatch):
    monkeypatch.setattr(refinement, "BLOCK", block)
    term, points = TERMS[name](), crowded()
    gradient = np.zeros_like(points)
    term(points, gradient)
    numeric = approx_fprime(
        points.ravel(), lambda flat: term(flat.reshape(-1, 3), np.zeros_like(points)), 1e-7
    )
    np.testing.assert_allclose(gradient.ravel(), numeric, rtol=1e-4, atol=2e-2)


def test_stress_and_repulsion_are_those_of_a_plain_loop(monkeypatch):
    monkeypatch.setattr(refinement, "BLOCK", 5)
    points, goal, expected = crowded(), targets(), 0.0
    for i in range(14):
        for j in range(i + 1, 14):
            length = np.linalg.norm(points[i] - points[j])
            expected += goal.weights[i, j] * (length - goal.distances[i, j]) ** 2
            if j - i >= 3:
                expected += 30.0 * max(4.0 - length, 0.0) ** 2
    energy = pair_term(goal, repulsion=30.0)(points, np.zeros_like(points))
    assert energy == pytest.approx(expected)


def test_refinement_reaches_an_exact_map_from_a_disturbed_trace():
    ca = random_walk(50)
    goal = Targets(distances_of(ca), 1.0 - np.eye(50))
    start = ca + np.random.default_rng(1).normal(scale=0.5, size=ca.shape)
    found = minimize_energy(start, [pair_term(goal)], 200)
    np.testing.assert_allclose(distances_of(found), goal.distances, atol=0.02)


@pytest.mark.parametrize("power", [0.0, 1.0])
def test_the_variance_of_the_errors_is_found_from_the_fit(power):
    ca, random = random_walk(150), np.random.default_rng(2)
    true = distances_of(ca)
    noise = np.triu(random.normal(size=true.shape), 1)
    std = 0.5 * np.maximum(true, 3.8) ** power
    variance = error_variance(ca, true + std * (noise + noise.T), np.arange(150))
    i, j = np.triu_indices(150, 2)
    ratio = np.log(variance[i, j] / std[i, j] ** 2)
    assert np.abs(ratio.mean()) < 0.15
    assert ratio.std() < 0.15


def test_helices_are_seen_in_either_hand_and_strands_are_not():
    places = Places(np.arange(12))
    np.testing.assert_array_equal(helix_windows(helix(12), places), np.arange(9))
    np.testing.assert_array_equal(helix_windows(helix(12) * [1, 1, -1], places), np.arange(9))
    assert not len(helix_windows(strand(12), places))
    assert not len(helix_windows(helix(5), Places(np.arange(5))))


def test_windows_across_a_gap_are_no_helix():
    residue = np.array([*range(8), *range(20, 28)])
    windows = helix_windows(helix(16), Places(residue))
    np.testing.assert_array_equal(windows, [*range(5), *range(8, 13)])


def test_a_left_handed_stretch_is_turned_to_the_right():
    left = helix(12) * [1, 1, -1]
    windows = helix_windows(left, Places(np.arange(12)))
    turned = minimize_energy(
        left, [helix_term(windows, 25.0), chain_term(Places(np.arange(12)), 5.0)], 300
    )
    bond = np.diff(turned, axis=0)
    triple = np.einsum("wx,wx->w", bond[:-2], np.cross(bond[1:-1], bond[2:]))
    assert (triple > 0).all()


def test_a_settled_trace_has_right_bonds_no_overlaps_and_hardly_moved():
    ca = random_walk(80) + np.random.default_rng(3).normal(scale=0.4, size=(80, 3))
    ca[60] += 0.7 * (ca[np.linalg.norm(ca - ca[60], axis=1)[:50].argmin()] - ca[60])
    moved = resolve_clashes(ca, Places(np.arange(80)), np.empty(0, dtype=int), 100.0, 200)
    assert bonds_right(ca) < 0.5 and bonds_right(moved) > 0.97
    assert clashes(ca) > 0 and clashes(moved) == 0
    assert np.median(np.linalg.norm(moved - ca, axis=1)) < 1.0
