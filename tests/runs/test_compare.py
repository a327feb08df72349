"""Runs beside each other."""

import math

import pytest

from distmat.runs.compare import RunScore, compare_settings, scores
from distmat.runs.store import RunStore
from distmat.training.config import TrainingConfig


@pytest.fixture
def store(tmp_path):
    with RunStore(tmp_path) as opened:
        yield opened


def test_scores_are_the_last_and_the_best_beside_the_baseline(store):
    run = store.add(TrainingConfig())
    rows = {10: (7.0, 0.3), 20: (5.0, 0.6), 30: (math.nan, 0.5), 40: (6.0, 0.4)}
    for step, (mae, pearson) in rows.items():
        metrics = {"eval_mae": mae, "eval_pearson": pearson, "eval_baseline_mae": 6.5}
        store.log(run.id, step, 0.0, metrics)
    found = scores(store, run)
    assert found["mae"] == RunScore(last=6.0, best=5.0, best_step=20, baseline=6.5)
    assert found["pearson"] == RunScore(last=0.4, best=0.6, best_step=20, baseline=None)
    assert found["lddt"] == RunScore(None, None, None, None)


def test_only_settings_that_differ_are_listed(store):
    one = store.add(TrainingConfig(seed=1, crops=(64,)))
    two = store.add(TrainingConfig(seed=2, crops=(64,)))
    assert compare_settings([one, two]) == {"seed": [1, 2]}
    assert compare_settings([one]) == {} == compare_settings([])
