import numpy as np
import pytest

from distmat.geometry.embedding import embed
from tests.geometry.ideal_chains import distances_of, disturbed, helix, random_walk


def full_eigh(distances):
    """Classical scaling as the textbook writes it."""
    n = len(distances)
    centring = np.eye(n) - 1.0 / n
    return np.linalg.eigh(-0.5 * centring @ distances**2 @ centring)


@pytest.mark.parametrize("n", [5, 40, 64, 65, 150])
def test_an_exact_map_gives_its_own_distances(n):
    distances = distances_of(random_walk(n))
    embedding = embed(distances)
    assert embedding.exact
    np.testing.assert_allclose(distances_of(embedding.coords), distances, atol=1e-9)


@pytest.mark.parametrize("n", [20, 64, 65, 150])
def test_a_noisy_map_gives_the_eigenpairs_of_a_full_decomposition(n):
    distances = disturbed(distances_of(random_walk(n)), 0.2)
    values, vectors = full_eigh(distances)
    embedding = embed(distances)
    assert not embedding.exact
    assert embedding.eigenvalue_share == pytest.approx(values[-3:].sum() / np.abs(values).sum())
    expected = vectors[:, -3:] * np.sqrt(values[-3:])
    np.testing.assert_allclose(distances_of(embedding.coords), distances_of(expected), atol=1e-6)


@pytest.mark.parametrize("n", [40, 150])
@pytest.mark.parametrize("axes", [1, 2])
def test_collinear_and_planar_maps_leave_the_other_columns_empty(n, axes):
    ca = helix(n)
    ca[:, : 3 - axes] = 0.0
    coords = embed(distances_of(ca)).coords
    assert coords.shape == (n, 3)
    np.testing.assert_allclose(distances_of(coords), distances_of(ca), atol=1e-5)
    assert np.abs(coords[:, axes:]).max() < 1e-4


@pytest.mark.parametrize("n", [1, 2, 3])
def test_a_few_points_have_three_columns(n):
    ca = helix(n)
    coords = embed(distances_of(ca)).coords
    assert coords.shape == (n, 3)
    np.testing.assert_allclose(distances_of(coords), distances_of(ca), atol=1e-6)


def test_a_map_of_zeros_has_no_share_and_no_warning():
    embedding = embed(np.zeros((8, 8)))
    assert embedding.eigenvalue_share == 0.0
    np.testing.assert_array_equal(embedding.coords, np.zeros((8, 3)))
