import numpy as np
import pytest
from scipy.spatial.distance import cdist

from distmat.geometry.consistency import make_consistent
from tests.geometry.ideal_chains import random_walk

NEAR = 14.0


def spread(table):
    """Symmetric noise with these deviations; the same each time."""
    noise = np.random.default_rng(0).normal(size=table.shape) * table
    return np.triu(noise, 1) + np.triu(noise, 1).T


def test_distances_of_points_stay_as_they_are():
    true = cdist(*[random_walk(60)] * 2)
    for known in (0.0, 1.0):
        moved = make_consistent(true, np.full_like(true, 0.5), known)
        np.testing.assert_allclose(moved, true, atol=0.01)


def test_what_templates_tell_of_some_pairs_reaches_those_beside_them():
    """Every fifth residue is none that a template covers: of its pairs a mean is all there is."""
    true = cdist(*[random_walk(80)] * 2)
    covered = np.arange(80) % 5 > 0
    told = np.outer(covered, covered)
    apart = np.abs(np.subtract.outer(np.arange(80), np.arange(80)))
    mean = np.bincount(apart.ravel(), true.ravel()) / np.bincount(apart.ravel())
    std = np.where(told, 0.5, 6.0)
    given = np.where(told, true, mean[apart]) + spread(0.5 * told)
    moved = make_consistent(given, std, float(told.mean()))
    off, was = np.abs(moved - true), np.abs(given - true)
    assert off[~told].mean() < 0.7 * was[~told].mean()
    assert off[told].mean() < was[told].mean()


def test_without_templates_near_pairs_stay_and_far_ones_lose_what_no_others_agree_on():
    true = cdist(*[random_walk(120)] * 2)
    given = np.maximum(true + spread(np.full_like(true, 3.0)), 0.0)
    np.fill_diagonal(given, 0.0)
    moved = make_consistent(given, np.full_like(true, 3.0))
    near = given < NEAR
    np.testing.assert_array_equal(moved[near], given[near])
    far = given > NEAR + 4
    assert np.abs(moved - true)[far].mean() < 0.8 * np.abs(given - true)[far].mean()


@pytest.mark.parametrize("residues", [1, 2, 3, 4, 5, 6])
def test_a_few_residues_are_no_matter(residues):
    distances = 3.8 * np.abs(np.subtract.outer(np.arange(residues), np.arange(residues))) ** 0.8
    std = np.ones((residues, residues))
    moved = make_consistent(distances, std, known=1.0)
    assert moved.shape == distances.shape and np.isfinite(moved).all()
    np.testing.assert_array_equal(moved, moved.T)
    np.testing.assert_array_equal(np.diag(moved), 0.0)
