import json

import numpy as np
import pytest

from distmat.errors import DistanceMapError
from distmat.geometry.calibration import Calibration, fit_calibration
from tests.geometry.ideal_chains import distances_of, random_walk


def mean_by_separation(maps, reach):
    return np.array(
        [np.concatenate([np.diagonal(one, s) for one in maps]).mean() for s in range(reach)]
    )


@pytest.fixture(scope="module")
def true_maps():
    return [distances_of(random_walk(60, seed=seed)) for seed in range(8)]


def shrunk(true_maps, gain):
    mean = mean_by_separation(true_maps, 60)
    apart = np.abs(np.subtract.outer(np.arange(60), np.arange(60)))
    return [mean[apart] + gain * (one - mean[apart]) for one in true_maps], mean


def test_a_shrunk_predictor_is_stretched_back_exactly(true_maps):
    predicted, mean = shrunk(true_maps, 0.6)
    calibration = fit_calibration(predicted, true_maps)
    np.testing.assert_allclose(calibration.mean, mean)
    np.testing.assert_allclose(calibration.rho, 0.36, rtol=1e-6)
    np.testing.assert_allclose(calibration.stretch(predicted[0]), true_maps[0], atol=1e-6)


def test_a_perfect_predictor_is_left_alone(true_maps):
    calibration = fit_calibration(true_maps, true_maps)
    np.testing.assert_allclose(calibration.stretch(true_maps[1]), true_maps[1])


def test_the_power_says_how_far_to_stretch(true_maps):
    predicted, _ = shrunk(true_maps, 0.6)
    fitted = fit_calibration(predicted, true_maps)
    np.testing.assert_allclose(fitted.raise_to(0.0).stretch(predicted[0]), predicted[0])
    assert fitted.changes_maps and not fitted.raise_to(0.0).changes_maps
    np.testing.assert_allclose(fitted.raise_to(0.5).rho, fitted.rho)
    np.testing.assert_allclose(fitted.raise_to(1.0).rho, 0.36**2)


def test_unknown_pairs_do_not_count(true_maps):
    holes = [one.copy() for one in true_maps]
    for one in holes:
        one[10] = one[:, 10] = np.nan
    calibration = fit_calibration(true_maps, holes)
    assert np.isfinite(calibration.mean).all()
    np.testing.assert_allclose(calibration.rho, 1.0)


def test_separations_beyond_the_longest_take_its_values():
    calibration = Calibration(np.array([0.0, 3.8, 6.0]), np.array([1.0, 1.0, 0.25]))
    distances = np.full((6, 6), 5.0)
    stretched = calibration.stretch(distances)
    np.testing.assert_allclose(stretched[0, 2:], 6.0 + (5.0 - 6.0) * 2.0)
    skipped = calibration.stretch(distances[:2, :2], residue=np.array([3, 9]))
    assert skipped[0, 1] == pytest.approx(4.0)


def test_nothing_is_stretched_below_zero_or_without_end():
    calibration = Calibration(np.array([0.0, 20.0]), np.array([1.0, 0.0]))
    stretched = calibration.stretch(np.array([[0.0, 1.0], [1.0, 0.0]]))
    assert stretched[0, 1] == 0.0
    assert calibration.stretch(np.array([[0.0, 21.0], [21.0, 0.0]]))[0, 1] == pytest.approx(25.0)


def test_it_travels_as_json(true_maps):
    fitted = fit_calibration(shrunk(true_maps, 0.5)[0], true_maps)
    again = Calibration.from_dict(json.loads(json.dumps(fitted.as_dict())))
    np.testing.assert_allclose(again.mean, fitted.mean, atol=1e-4)
    np.testing.assert_allclose(again.rho, fitted.rho, atol=1e-4)


def test_without_a_pair_there_is_nothing_to_fit():
    with pytest.raises(DistanceMapError, match="no pair"):
        fit_calibration([np.full((4, 4), np.nan)], [np.ones((4, 4))])


def test_arrays_of_different_length_are_a_mistake_of_the_caller():
    with pytest.raises(ValueError, match="shape"):
        Calibration(np.zeros(3), np.zeros(4))
