"""The main job in one call."""

import numpy as np
import pytest

from distmat.prediction import predict_chain
from distmat.protein.examples import examples
from distmat.scoring.baseline import SeparationBaseline, reference_baseline
from distmat.scoring.map_scores import score_map
from tests.pages.conftest import StandIn


def test_the_verdict_is_the_same_whichever_checkpoint_s_own_table_there_is():
    chain = next(example for example in examples() if example.key == "hiv-protease").read()
    found = []
    for power in (0.45, 0.6):
        model = StandIn(noise=4.0)
        model.baseline = SeparationBaseline(np.tile(3.8 * np.arange(500) ** power, (30, 1)))
        found.append(predict_chain(model, chain.sequence, "a", chain).comparison)
    one, other = found
    shipped = score_map(reference_baseline().predict(len(chain)), chain.ca)
    assert one.baseline.mae == other.baseline.mae == pytest.approx(shipped.mae)
    assert one.verdict == other.verdict
    assert one.verdict.baseline == pytest.approx(shipped.mae)
    # A checkpoint's own stands beside it, under its own name.
    assert one.own_baseline.mae != other.own_baseline.mae
