"""How far off distances are, for heads that don't say so themselves."""

import json

import numpy as np
import pytest

from distmat.model.residuals import Residuals, fit_residuals, spread_of_known_chains


def test_it_is_the_root_mean_square_error_at_each_separation():
    rng = np.random.default_rng(0)
    true = [rng.uniform(4, 30, (60, 60)) for _ in range(20)]
    apart = np.abs(np.subtract.outer(np.arange(60), np.arange(60)))
    predicted = [t + rng.normal(size=t.shape) * (1 + 0.1 * apart) for t in true]
    true[0][3, 7] = np.nan
    std = fit_residuals(predicted, true).std(60)
    np.testing.assert_allclose(std[0, 1:40], 1 + 0.1 * np.arange(1, 40), rtol=0.12)
    assert std[0, 0] == 0 and (std == std.T).all()


def test_separations_that_were_seen_too_rarely_follow_their_neighbours():
    true = np.zeros((300, 300))
    std = fit_residuals([true + 2.0], [true]).std(500)
    np.testing.assert_allclose(std[0, 1:], 2.0)


def test_without_a_single_pair_it_is_the_spread_of_known_chains():
    nothing = np.full((5, 5), np.nan)
    np.testing.assert_array_equal(
        fit_residuals([nothing], [nothing]).rms, spread_of_known_chains().rms
    )


def test_the_spread_of_known_chains_grows_with_separation_from_almost_nothing():
    std = spread_of_known_chains().std(700)
    assert std[0, 1] == pytest.approx(0.06) and std[0, 24] == pytest.approx(9.29)
    assert (np.diff(std[0]) >= 0).all() and std[0, 699] == std[0, 500]


def test_it_survives_json():
    residuals = Residuals(np.array([0.0, 0.1234, 2.5]))
    again = Residuals.from_dict(json.loads(json.dumps(residuals.as_dict())))
    np.testing.assert_allclose(again.rms, residuals.rms, atol=1e-3)
