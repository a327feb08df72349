import biotite.structure as struc
import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from distmat.geometry.superposition import superpose
from tests.geometry.ideal_chains import random_walk


@pytest.fixture
def pair():
    target = random_walk(40, seed=1)
    noise = np.random.default_rng(2).normal(scale=1.5, size=target.shape)
    return (target + noise) @ Rotation.random(random_state=3).as_matrix() + [9, -4, 30], target


def test_the_rmsd_is_that_of_scipy_s_align_vectors(pair):
    mobile, target = pair
    _, distance = Rotation.align_vectors(target - target.mean(axis=0), mobile - mobile.mean(axis=0))
    assert superpose(mobile, target).rmsd == pytest.approx(distance / np.sqrt(len(target)))


def test_the_moved_points_are_those_of_biotite_s_superimpose(pair):
    mobile, target = pair
    theirs, _ = struc.superimpose(target, mobile)
    np.testing.assert_allclose(superpose(mobile, target).coords, theirs, atol=1e-4)


def test_a_rotated_and_shifted_copy_comes_back_to_its_place():
    target = random_walk(25)
    mobile = target @ Rotation.random(random_state=0).as_matrix() + 100.0
    moved = superpose(mobile, target)
    assert moved.rmsd < 1e-10
    np.testing.assert_allclose(moved.coords, target, atol=1e-9)


def test_a_mirror_image_fits_only_where_it_is_allowed():
    target = random_walk(25)
    mirrored = target * [1.0, 1.0, -1.0]
    assert superpose(mirrored, target).rmsd > 1.0
    assert not superpose(mirrored, target).mirrored
    allowed = superpose(mirrored, target, allow_mirror=True)
    assert allowed.rmsd < 1e-10
    assert allowed.mirrored


def test_unobserved_residues_have_no_say_and_are_moved_along(pair):
    mobile, target = pair
    holes = target.copy()
    holes[[0, 7]] = np.nan
    kept = np.setdiff1d(np.arange(len(target)), [0, 7])
    moved = superpose(mobile, holes)
    alone = superpose(mobile[kept], target[kept])
    assert moved.rmsd == pytest.approx(alone.rmsd)
    np.testing.assert_allclose(moved.coords[kept], alone.coords)
    assert np.isfinite(moved.coords).all()


def test_without_a_common_residue_nothing_moves():
    mobile = random_walk(5)
    moved = superpose(mobile, np.full((5, 3), np.nan))
    np.testing.assert_array_equal(moved.coords, mobile)
    assert np.isnan(moved.rmsd)


@pytest.mark.parametrize("points", [1, 2, 3])
def test_a_few_points_are_laid_on_each_other(points):
    target = random_walk(points)
    assert superpose(target + 5.0, target).rmsd < 1e-10


def test_traces_of_different_length_are_refused():
    with pytest.raises(ValueError, match="superpose"):
        superpose(np.zeros((3, 3)), np.zeros((4, 3)))
