"""Scores of a predictor beside its baseline's."""

import json
from functools import partial

import numpy as np
import pytest
import torch
from scipy.spatial.distance import pdist, squareform

from distmat.library.templates import lay
from distmat.library.training_sequences import TrainingSequences
from distmat.model.build import build_network
from distmat.model.checkpoint import Checkpoint
from distmat.model.predictor import Predictor
from distmat.protein.chain import Chain
from distmat.scoring.baseline import fit_baseline
from distmat.scoring.map_scores import MAP_SCORES
from distmat.training.config import TrainingConfig
from distmat.training.evaluation import Evaluation, concatenate, evaluate, interleave
from distmat.training.network_arguments import network_arguments
from tests.training.conftest import helix, strand

CONFIG = TrainingConfig(
    hidden_size=16, layers=1, attention_heads=2, pair_width=8, triangle_rank=4, dilations=(1,)
)


@pytest.fixture(scope="module")
def chains() -> list[Chain]:
    rng = np.random.default_rng(3)
    return [
        Chain(f"c{n}", "".join(rng.choice(list("ACDEFGHIKL"), n)), shape(n).astype(np.float32))
        for n, shape in ((30, helix), (41, strand), (52, helix), (35, strand), (28, helix))
    ]


@pytest.fixture(scope="module")
def predictor(chains) -> Predictor:
    torch.manual_seed(0)
    network = build_network(**network_arguments(CONFIG)).eval()
    predictor = Predictor(Checkpoint(network, fit_baseline(chains)))
    # A network that knows nothing: points for its medians lie elsewhere with every rounding.
    for name in ("predict", "predict_many"):
        setattr(predictor, name, partial(getattr(predictor, name), readout="median"))
    return predictor


def test_the_loss_is_what_the_network_says_of_each_whole_chain(predictor, chains):
    losses = evaluate(predictor, chains, with_loss=True).losses
    for chain, loss in zip(chains, losses, strict=True):
        n = len(chain)
        with torch.inference_mode():
            answer = predictor.network(
                input_ids=torch.from_numpy(predictor.network.tokens.encode(chain.sequence))[None],
                attention_mask=torch.ones(1, n, dtype=torch.int64),
                position=torch.arange(n)[None],
                chain_length=torch.tensor([n]),
                ca=torch.from_numpy(chain.ca)[None],
            )
        assert loss == pytest.approx(float(answer.loss), rel=1e-5)
    assert evaluate(predictor, chains).losses == ()


def test_mds_correlation_is_that_of_the_points_with_the_true_distances(predictor, chains):
    result = evaluate(predictor, chains)
    for chain, mds in zip(chains, [s.mds_pearson for s in result.model], strict=True):
        distances = predictor.predict(chain.sequence).distances
        n = len(chain)
        centring = np.eye(n) - 1 / n
        values, vectors = np.linalg.eigh(-0.5 * centring @ distances**2 @ centring)
        points = vectors[:, -3:] * np.sqrt(np.clip(values[-3:], 0, None))
        expected = np.corrcoef(pdist(points), pdist(chain.ca))[0, 1]
        assert mds == pytest.approx(expected, abs=1e-6)


def test_a_perfect_map_has_no_error_and_a_perfect_mds(chains, predictor, monkeypatch):
    truth = {chain.sequence: squareform(pdist(chain.ca.astype(float))) for chain in chains}
    honest = predictor.predict

    def perfect(sequence, *args, **named):
        answer = honest(sequence, *args, **named)
        return type(answer)(sequence, truth[sequence], answer.std, answer.contacts)

    monkeypatch.setattr(predictor, "predict", perfect)
    scores = evaluate(predictor, chains, with_loss=True).as_dict()["model"]
    assert scores["mae"] == pytest.approx(0, abs=1e-5)
    assert scores["pearson"] == scores["mds_pearson"] == pytest.approx(1, abs=1e-6)


def test_metrics_have_the_names_that_a_run_logs(predictor, chains):
    metrics = evaluate(predictor, chains, with_loss=True).metrics()
    logged = {"mae", "rmse", "pearson", "lddt", "long_precision", "mds_pearson"}
    assert logged <= {score.key for score in MAP_SCORES.list_shown("metric")}
    for name in ("mae", "rmse", "pearson", "lddt", "mds_pearson"):
        assert f"eval_{name}" in metrics and f"eval_baseline_{name}" in metrics
    assert {"eval_loss", "eval_seconds", "eval_chains_per_second"} <= metrics.keys()
    assert metrics["eval_chains_per_second"] == pytest.approx(5 / metrics["eval_seconds"])
    assert all(isinstance(value, float) for value in metrics.values())


def test_what_several_processes_score_is_one_evaluation(predictor, chains):
    whole = evaluate(predictor, chains, with_loss=True)
    parts = [evaluate(predictor, chains[first::2], with_loss=True) for first in (0, 1)]
    together = interleave(parts)
    assert together.chains == whole.chains
    assert together.model == whole.model and together.losses == whole.losses
    assert together.seconds == max(part.seconds for part in parts)


def test_each_chain_is_told_with_its_scores(predictor, chains):
    seen = []
    content = evaluate(
        predictor, chains, seen=lambda chain, predicted: seen.append((chain.name, len(predicted)))
    ).as_dict(per_chain=True)
    assert sorted(seen) == sorted((chain.name, len(chain)) for chain in chains)
    assert [row["id"] for row in content["per_chain"]] == [chain.name for chain in chains]
    mean = np.mean([row["model"]["mds_pearson"] for row in content["per_chain"]])
    assert content["model"]["mds_pearson"] == pytest.approx(mean)


def test_chains_that_the_model_knows_are_scored_apart(predictor, chains, monkeypatch):
    known = TrainingSequences(["learned"], [chains[1].sequence])
    monkeypatch.setattr(predictor, "training_sequences", known)
    content = evaluate(predictor, chains).as_dict(per_chain=True)
    related = [row["training_overlap"]["relatives"] > 0 for row in content["per_chain"]]
    found = content["training_overlap"]
    assert related[1] and found["related"]["chains"] == sum(related)
    for name, wanted in (("related", True), ("unrelated", False)):
        errors = [
            row["model"]["mae"]
            for row, is_related in zip(content["per_chain"], related, strict=True)
            if is_related is wanted
        ]
        mean = pytest.approx(np.mean(errors)) if errors else None
        assert found[name]["model_mae"] == mean and found[name]["chains"] == len(errors)


def test_intervals_hold_the_mean_and_narrow_with_more_chains(predictor, chains):
    few = evaluate(predictor, chains).as_dict(intervals=True)
    many = evaluate(predictor, chains * 4).as_dict(intervals=True)
    for name in ("mae", "rmse", "pearson", "lddt", "mds_pearson", "mae_local"):
        (low, high), mean = few["interval"][name], few["model"][name]
        assert low < mean < high
        assert np.diff(many["interval"][name]) < 0.8 * (high - low)
    assert evaluate(predictor, chains[:1]).as_dict(intervals=True)["interval"]["mae"] is None


def test_deviations_are_checked_on_the_pairs_of_all_chains(predictor, chains):
    found = evaluate(predictor, chains).as_dict(intervals=True)["coverage"]
    errors, std = [], []
    for chain in chains:
        predicted = predictor.predict(chain.sequence)
        i, j = np.triu_indices(len(chain), 24)
        errors.append(np.abs(predicted.distances - chain.distances)[i, j])
        std.append(predicted.std[i, j])
    ratio = np.concatenate(errors) / np.concatenate(std)
    assert found["long"]["within_1_std"] == pytest.approx((ratio <= 1).mean(), abs=1e-4)


def test_parts_that_were_written_and_joined_are_the_whole(predictor, chains):
    whole = evaluate(predictor, chains, detailed=True)
    order = [2, 1, 3, 0, 4]
    parts = [
        evaluate(predictor, [chains[place] for place in places], detailed=True)
        for places in (order[:2], order[2:])
    ]
    read = [Evaluation.from_json(json.loads(json.dumps(part.to_json()))) for part in parts]
    again = concatenate(read).reorder(order)
    # Batches of other chains round differently.
    for name, ours in whole.tables.items():
        for one, two in zip(ours, again.tables[name], strict=True):
            assert two.values == pytest.approx(one.values, abs=1e-3, nan_ok=True)
            assert two.bands["short"].mae == pytest.approx(one.bands["short"].mae, abs=1e-3)
    assert (again.chains, again.facts) == (whole.chains, whole.facts)
    np.testing.assert_allclose(again.pooled.separation, whole.pooled.separation, 1e-3, 1e-3)


def test_copying_the_nearest_template_is_scored_beside_and_counts_as_the_table_without_one(
    predictor, chains
):
    first = chains[0]
    own = lay(first.sequence, first, np.arange(len(first)), 1e-9)
    templates = [[own], *([] for _ in chains[1:])]
    result = evaluate(predictor, chains, templates=templates, detailed=True)
    content = result.as_dict(per_chain=True)
    perfect, *rest = content["per_chain"]
    assert perfect["copy_nearest"]["mae"] == pytest.approx(0, abs=1e-4)
    assert perfect["template"] == "c30" and perfect["template_identity"] == 1
    assert perfect["class"] == "mainly α"
    for row in rest:
        assert row["copy_nearest"]["mae"] == row["baseline"]["mae"] and row["template"] is None
    assert "copy_nearest" not in evaluate(predictor, chains).as_dict()
