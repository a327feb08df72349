"""Chains and distance maps."""

import numpy as np
import pytest
from scipy.spatial.distance import cdist

from distmat.protein.chain import Chain
from distmat.protein.distance_map import BANDS, in_band, pairwise_distances, separation

CA = np.random.default_rng(0).normal(scale=10, size=(40, 3))


def test_distances_are_those_of_scipy():
    np.testing.assert_allclose(pairwise_distances(CA), cdist(CA, CA), atol=1e-12)


def test_an_unobserved_residue_has_no_distances():
    ca = CA.copy()
    ca[3] = np.nan
    chain = Chain("a", "A" * 40, ca)
    assert len(chain) == 40
    assert np.flatnonzero(~chain.observed).tolist() == [3]
    unknown = np.isnan(chain.distances)
    assert unknown[3].all()
    assert unknown[:, 3].all()
    assert unknown.sum() == 79


def test_a_chain_needs_a_coordinate_for_each_residue():
    with pytest.raises(ValueError, match="5 residues"):
        Chain("a", "AAAAA", CA)


def test_every_pair_from_a_separation_of_three_is_in_one_band():
    n = 60
    apart = np.arange(n)[None, :] - np.arange(n)[:, None]
    bands = sum(in_band(n, band).astype(int) for band in BANDS)
    np.testing.assert_array_equal(bands, apart >= 3)
    assert in_band(n, "long").sum() == sum(n - d for d in range(24, n))
    np.testing.assert_array_equal(separation(n), np.abs(apart))
