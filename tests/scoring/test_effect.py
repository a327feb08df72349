import numpy as np
import pytest

from distmat.protein.distance_map import DistanceMap
from distmat.scoring.effect import mutation_effect


def test_a_change_stands_beside_both_deviations():
    n = 4
    zero = np.zeros((n, n))
    away = 1 - np.eye(n)
    wild = DistanceMap("MKTA", 10 * away, 3 * away, zero)
    moved = 10 * away
    moved[0, 3] = moved[3, 0] = 20.0
    mutant = DistanceMap("MKTG", moved, 4 * away, zero)
    effect = mutation_effect(wild, mutant)
    assert effect.change[0, 3] == 10 and effect.std[0, 3] == pytest.approx(5)
    assert effect.significance[0, 3] == pytest.approx(2) and effect.clear == 1
    assert effect.mean == pytest.approx(10 / 6) and effect.largest == 10
    np.testing.assert_allclose(effect.by_residue, [10 / 3, 0, 0, 10 / 3])
    assert (np.diagonal(effect.significance) == 0).all()
    assert mutation_effect(wild, wild).clear == 0
