"""The baseline that knows separation and length only."""

import json

import numpy as np
import pytest

from distmat.protein.chain import Chain
from distmat.scoring.baseline import (
    LENGTH_EDGES,
    SeparationBaseline,
    fit_baseline,
    reference_baseline,
)


def straight(name: str, residues: int, step: float) -> Chain:
    ca = np.zeros((residues, 3))
    ca[:, 0] = step * np.arange(residues)
    return Chain(name, "A" * residues, ca)


def test_it_predicts_the_mean_distance_at_each_separation_of_chains_of_that_length():
    chains = [straight("a", 40, 3.0), straight("b", 40, 4.0), straight("c", 120, 1.0)]
    baseline = fit_baseline(chains)
    index = np.arange(40)
    expected = 3.5 * np.abs(index[:, None] - index)
    # Near the chain's ends too few pairs are left; there the mean over all lengths serves.
    near = np.abs(index[:, None] - index) <= 25
    np.testing.assert_allclose(baseline.predict(40)[near], expected[near])
    np.testing.assert_allclose(baseline.predict(120)[0, :80], np.arange(80), atol=1e-9)


def test_unobserved_residues_do_not_count():
    chain = straight("a", 60, 2.0)
    chain.ca[10:20] = np.nan
    assert fit_baseline([chain]).predict(60)[0, 1] == pytest.approx(2.0)


def test_chains_longer_than_any_it_was_fitted_on_still_get_a_finite_symmetric_map():
    baseline = fit_baseline([straight("a", 50, 3.8)])
    predicted = baseline.predict(LENGTH_EDGES[-1] + 200)
    assert np.isfinite(predicted).all() and (predicted == predicted.T).all()
    assert (np.diag(predicted) == 0).all() and predicted[0, -1] == pytest.approx(3.8 * 49)


def test_it_survives_json():
    baseline = fit_baseline([straight("a", 80, 3.8)])
    again = SeparationBaseline.from_dict(json.loads(json.dumps(baseline.as_dict())))
    np.testing.assert_allclose(again.predict(80), baseline.predict(80), atol=1e-3)


def test_the_table_that_ships_is_one_of_natural_chains():
    table = reference_baseline()
    assert table.is_like(reference_baseline())
    assert not table.is_like(fit_baseline([straight("a", 80, 3.8)]))
    predicted = table.predict(200)
    assert predicted[0, 1] == pytest.approx(3.8, abs=0.05)
    assert 15 < predicted[0, 100] < 30
    # A helix's own rise and a strand's lie on either side of the mean.
    assert 5.0 < predicted[0, 3] < 10.0
