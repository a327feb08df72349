"""From a checkpoint to a distance map."""

import json
from threading import Thread

import numpy as np
import psutil
import pytest
import torch

from distmat.errors import CheckpointError, SequenceError
from distmat.geometry.calibration import Calibration
from distmat.library.covariation import gather_covariation
from distmat.model import predictor as predictor_module
from distmat.model.build import build_network
from distmat.model.checkpoint import Checkpoint, load_checkpoint, save_checkpoint
from distmat.model.heads import HEADS as KINDS_OF_HEADS
from distmat.model.heads import pair_modules as heads
from distmat.model.network import DistanceNetworkConfig
from distmat.model.predictor import Predictor, load
from distmat.model.residuals import Residuals
from distmat.prediction import predict_chain
from distmat.protein.alignment import Alignment, align_rows
from distmat.protein.examples import examples
from distmat.protein.sequence import ALPHABET
from distmat.scoring.baseline import SeparationBaseline

from .test_network import tiny_network
from .tiny_encoders import BASELINE, HEADS, batch, tiny_config


@pytest.fixture
def checkpoint() -> Checkpoint:
    return Checkpoint(
        tiny_network(),
        SeparationBaseline(np.arange(40.0)[None].repeat(30, axis=0)),
        Calibration(np.array([0.0, 3.8]), np.array([1.0, 0.9])),
        {"train": "some chains"},
    )


def test_a_map_is_symmetric_zero_on_the_diagonal_and_in_angstrom(checkpoint):
    predicted = Predictor(checkpoint).predict("mktay iakqrqis\n")
    assert predicted.sequence == "MKTAYIAKQRQIS"
    for table in (predicted.distances, predicted.std, predicted.contacts):
        assert table.shape == (13, 13) and np.isfinite(table).all()
        np.testing.assert_allclose(table, table.T, atol=1e-5)
    assert (np.diag(predicted.distances) == 0).all() and (np.diag(predicted.std) == 0).all()
    off = ~np.eye(13, dtype=bool)
    assert (predicted.distances[off] > 1).all() and (predicted.distances[off] < 120).all()
    assert ((predicted.contacts >= 0) & (predicted.contacts <= 1.0001)).all()


def test_a_checkpoint_comes_back_as_it_was(checkpoint, tmp_path):
    save_checkpoint(checkpoint, tmp_path / "model")
    again = load(tmp_path / "model")
    before = Predictor(checkpoint).predict("MKTAYIAKQR")
    np.testing.assert_array_equal(again.predict("MKTAYIAKQR").distances, before.distances)
    np.testing.assert_array_equal(again.baseline.mean, checkpoint.baseline.mean)
    np.testing.assert_array_equal(again.calibration.rho, checkpoint.calibration.rho)
    assert again.card["train"] == "some chains"
    told = json.loads((tmp_path / "model" / "config.json").read_text())
    assert told["architectures"] == ["DistanceNetwork"]


def test_deviations_are_multiplied_by_the_factors_of_the_checkpoint(
    checkpoint, tmp_path, monkeypatch
):
    # An untrained network's are as wide as the chain allows.
    monkeypatch.setattr("distmat.model.predictor.most_std", lambda n: np.inf)
    before = Predictor(checkpoint).predict("MKTAYIAKQRQISACDEFGHIKLMNPQ")
    checkpoint.network.config.std_factors = {"local": 2.0, "long": 3.0}
    save_checkpoint(checkpoint, tmp_path)
    checkpoint.network.config.std_factors = {}
    after = load(tmp_path).predict("MKTAYIAKQRQISACDEFGHIKLMNPQ")
    np.testing.assert_array_equal(after.distances, before.distances)
    np.testing.assert_allclose(
        after.std[0, [1, 5, 9, 25]] / before.std[0, [1, 5, 9, 25]], [2, 2, 1, 3]
    )


@pytest.mark.parametrize("missing", ["config.json", "model.safetensors", "distmat.json"])
def test_an_incomplete_checkpoint_is_refused_by_naming_the_file(checkpoint, tmp_path, missing):
    save_checkpoint(checkpoint, tmp_path)
    (tmp_path / missing).unlink()
    with pytest.raises(CheckpointError, match=missing):
        load_checkpoint(tmp_path)


@pytest.mark.parametrize("damaged", ["config.json", "model.safetensors", "distmat.json"])
def test_a_damaged_checkpoint_is_refused_in_a_sentence(checkpoint, tmp_path, damaged):
    save_checkpoint(checkpoint, tmp_path)
    data = (tmp_path / damaged).read_bytes()
    (tmp_path / damaged).write_bytes(data[: len(data) // 2])
    with pytest.raises(CheckpointError, match="can't be loaded"):
        load_checkpoint(tmp_path)


def test_a_model_of_another_kind_is_refused_by_its_name(checkpoint, tmp_path):
    save_checkpoint(checkpoint, tmp_path)
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "bert"}))
    with pytest.raises(CheckpointError, match="'bert'"):
        load_checkpoint(tmp_path)


def test_pickled_weights_are_never_opened(checkpoint, tmp_path):
    save_checkpoint(checkpoint, tmp_path)
    (tmp_path / "model.safetensors").rename(tmp_path / "pytorch_model.bin")
    with pytest.raises(CheckpointError, match=r"model\.safetensors"):
        load_checkpoint(tmp_path)


def test_a_chain_too_long_for_the_free_memory_is_refused_with_both_numbers(checkpoint, monkeypatch):
    memory = type("Memory", (), {"available": 5_000_000})
    monkeypatch.setattr(psutil, "virtual_memory", lambda: memory)
    with pytest.raises(SequenceError, match=r"900 residues.*enough for \d+"):
        Predictor(checkpoint).predict("A" * 900)


def test_a_wrong_letter_is_refused_by_its_place(checkpoint):
    with pytest.raises(SequenceError, match="J"):
        Predictor(checkpoint).predict("MKJA")


def test_progress_is_told_after_every_layer_and_block_and_never_falls(checkpoint):
    told = []
    Predictor(checkpoint).predict("A" * 30, lambda share, text: told.append((share, text)))
    shares = [share for share, _ in told]
    # Two layers, two blocks, and before and after.
    assert len(told) == 6 and shares == sorted(shares) and shares[0] == 0 and shares[-1] <= 1
    assert told[3][1] == "Predicting 30 residues: step 3 of 4"
    told.clear()
    checkpoint.network(**batch(checkpoint.network.tokens, ["ACDEF"]))  # nothing listens any longer
    assert not told


def test_progress_is_that_of_ones_own_prediction_when_two_threads_share_a_network(checkpoint):
    predictor, told, other = Predictor(checkpoint), [], []

    def report(share, text):
        told.append(text)
        # In the middle of this prediction another thread makes one of its own.
        if len(told) == 2:
            thread = Thread(
                target=predictor.predict, args=("C" * 9, lambda *said: other.append(said))
            )
            thread.start()
            thread.join()

    predictor.predict("A" * 30, report)
    assert len(told) == len(other) == 6 and all("9 residues" not in text for text in told)


@pytest.mark.parametrize("mode", ["lora", "frozen"])
def test_progress_is_told_of_an_encoder_with_adapters_too(mode):
    config = DistanceNetworkConfig(
        encoder=tiny_config("qwen2"), encoder_name="random/qwen2", head=HEADS["pair"]
    )
    predictor = Predictor(Checkpoint(build_network(config, mode, pretrained=False), BASELINE))
    told = []
    predictor.predict("A" * 12, lambda share, text: told.append(text))
    assert told[-2].endswith("step 4 of 4")


def test_a_long_chain_is_predicted_a_few_rows_at_a_time_with_the_same_result(
    checkpoint, monkeypatch
):
    whole = Predictor(checkpoint).predict("MKTAYIAKQRQISACDEFGHIKLMNPQ", readout="median")
    monkeypatch.setattr(heads, "PAIRS_AT_ONCE", 27 * 4)
    rows = Predictor(checkpoint).predict("MKTAYIAKQRQISACDEFGHIKLMNPQ", readout="median")
    np.testing.assert_allclose(rows.distances, whole.distances, atol=1e-3)
    np.testing.assert_allclose(rows.contacts, whole.contacts, atol=1e-5)


FAMILY = ("MKTAYIAKQRQIS", "MKTAYLLLLLQIS", "MKTWWIAKQ----", "MKTAYIAKQRQIS")
"""The third has no residue at the end, where the first one's count; the last is the first again."""


def test_relatives_that_fold_alike_are_asked_about_too_and_the_mean_counts(checkpoint):
    predictor, family = Predictor(checkpoint), align_rows(FAMILY)
    asked = (FAMILY[0], FAMILY[1], "MKTWWIAKQRQIS")
    alone = np.stack([predictor.distogram(each).probabilities for each in asked])
    mean = np.exp(np.log(alone).mean(axis=0))
    found = predictor.distogram(FAMILY[0], alignment=family).probabilities
    np.testing.assert_allclose(found, mean / mean.sum(axis=-1, keepdims=True), atol=1e-4)
    assert predictor.homologues_of(family) == list(asked[1:])
    assert "asked about 2 of its sequences" in predictor.describe_use(family)
    # One after the other, or with others that have no alignment.
    predicted = predictor.predict(FAMILY[0], alignment=family, readout="median").distances
    many = dict(predictor.predict_many(["MKTAY", FAMILY[0]], None, [None, family], "median"))
    np.testing.assert_allclose(many[1].distances, predicted, atol=1e-3)
    alone = predictor.predict("MKTAY", readout="median").distances
    np.testing.assert_allclose(many[0].distances, alone, atol=1e-3)


def test_what_the_network_makes_of_an_alignment_is_said(checkpoint):
    predictor = Predictor(checkpoint)
    assert predictor.describe_use(None) == predictor.describe_use(align_rows(FAMILY[:1])) == ""
    alone = predictor.describe_use(align_rows((FAMILY[0], FAMILY[0])))
    assert alone.startswith("The network saw the query alone: none of the others is 25% to 95%")


def test_couplings_of_a_deep_alignment_count_by_bayes_rule(checkpoint, monkeypatch):
    monkeypatch.setattr(predictor_module, "MOST_HOMOLOGUES", 0)
    rows = np.random.default_rng(0).integers(0, 20, (60, 13)).astype(np.uint8)
    rows[:, 10] = rows[:, 2]
    predictor, family = Predictor(checkpoint), Alignment(rows)
    sequence = "".join(ALPHABET[code] for code in rows[0])
    alone = predictor.distogram(sequence)
    expected = alone.probabilities * np.exp(gather_covariation(family, alone.bounds))
    found = predictor.distogram(sequence, alignment=family).probabilities
    expected /= expected.sum(axis=-1, keepdims=True)
    np.testing.assert_allclose(found, expected, atol=1e-4)
    assert np.abs(found - alone.probabilities).max() > 1e-3
    assert "couplings of 60 effective sequences" in predictor.describe_use(family).lower()
    assert predictor.hears_couplings(family) and not predictor.hears_couplings(None)
    told = predict_chain(predictor, sequence, alignment=family).as_dict()["alignment"]
    assert told["couplings_used"] and told["use"] == predictor.describe_use(family)
    many = dict(predictor.predict_many(["MKTAY", sequence], None, [None, family], "median"))
    predicted = predictor.predict(sequence, alignment=family, readout="median").distances
    np.testing.assert_allclose(many[1].distances, predicted, atol=1e-3)


def test_progress_is_told_of_all_passes(checkpoint):
    shares = []
    predictor = Predictor(checkpoint)
    predictor.predict(
        FAMILY[0], lambda share, _: shares.append(share), alignment=align_rows(FAMILY)
    )
    assert shares == sorted(shares) and shares[-1] <= 1.0
    assert len(set(shares)) > 3 * 2


@pytest.mark.parametrize("pairs", [0, 200, 10_000])
def test_many_chains_are_predicted_as_each_alone(checkpoint, monkeypatch, pairs):
    monkeypatch.setattr(predictor_module, "PAIRS_TOGETHER", {False: pairs})
    predictor = Predictor(checkpoint)
    sequences = ["MKTAYIAKQR", "A" * 25, "mkt ayiakqrqis", "WY", "ACDEFGHIKLMNPQRSTVWY"]
    calls = []
    predictor.network.register_forward_hook(lambda *_: calls.append(1))
    # A network that knows nothing: points for its medians lie elsewhere with every rounding.
    many = dict(predictor.predict_many(sequences, readout="median"))
    assert sorted(many) == [0, 1, 2, 3, 4] and list(many)[:2] == [1, 4]
    assert len(calls) == {0: 5, 200: 4, 10_000: 1}[pairs]
    for place, sequence in enumerate(sequences):
        alone = predictor.predict(sequence, readout="median")
        assert many[place].sequence == alone.sequence
        np.testing.assert_allclose(many[place].distances, alone.distances, atol=2e-3)
        np.testing.assert_allclose(many[place].std, alone.std, atol=2e-3)


def test_of_many_chains_a_wrong_one_is_refused_before_any_is_predicted(checkpoint):
    with pytest.raises(SequenceError, match="Sequence 2, residue 3"):
        next(Predictor(checkpoint).predict_many(["MKTAYIAKQR", "MK1"]))
    assert list(Predictor(checkpoint).predict_many([])) == []


def distance_checkpoint(residuals=None) -> Checkpoint:
    config = DistanceNetworkConfig(
        encoder=tiny_config("mini"), head_kind="placeholder", head=HEADS["placeholder"]
    )
    return Checkpoint(build_network(config), BASELINE, residuals=residuals)


def test_a_head_without_a_distogram_takes_its_deviations_from_validation():
    residuals = Residuals(np.array([0.0, 0.5, 1.5, 3.0]))
    predictor = Predictor(distance_checkpoint(residuals))
    predicted = predictor.predict("ACDEFGHIKL")
    np.testing.assert_array_equal(predicted.std[0, :5], [0.0, 0.5, 1.5, 3.0, 3.0])
    assert predictor.card["std_from"] == "validation"
    unknown = Predictor(distance_checkpoint())
    assert unknown.card["std_from"] == "known chains"
    assert unknown.predict("ACDEFGHIKL").std[0, 1] == pytest.approx(0.06)


def test_without_a_distogram_the_smallest_distance_is_the_likeliest_contact():
    predicted = Predictor(distance_checkpoint()).predict("ACDEFGHIKLMNPQRS")
    i, j = np.triu_indices(16, 1)
    by_contact = np.argsort(-predicted.contacts[i, j], kind="stable")
    assert (np.diff(predicted.distances[i, j][by_contact]) >= 0).all()
    assert ((predicted.contacts >= 0) & (predicted.contacts <= 1)).all()


def test_residuals_come_back_with_their_checkpoint(tmp_path):
    residuals = Residuals(np.array([0.0, 0.5, 1.5]))
    save_checkpoint(distance_checkpoint(residuals), tmp_path)
    np.testing.assert_array_equal(load(tmp_path).residuals.rms, residuals.rms)


def test_a_map_of_every_kind_of_head_is_rebuilt_and_scored():
    """All that the predict page does with it."""
    truth = examples()[0].read()
    for head in KINDS_OF_HEADS.names():
        losses = KINDS_OF_HEADS.get(head).losses
        arguments = {} if head == "pair" else {"max_length": len(truth)}
        config = DistanceNetworkConfig(
            encoder=tiny_config("mini"), head_kind=head, head=arguments, loss=losses[-1]
        )
        torch.manual_seed(0)
        predictor = Predictor(Checkpoint(build_network(config), BASELINE))
        prediction = predict_chain(predictor, truth.sequence, truth=truth)
        assert np.isfinite(prediction.backbone.coords).all()
        scores = prediction.as_dict()["scores"]["map"]["model"]
        assert scores["mae"] > 0 and scores["long_precision"] is not None


def test_two_residues_are_as_sure_of_each_other_as_their_bond_allows():
    predicted = load("mini").predict("MK")
    assert predicted.distances[0, 1] == pytest.approx(3.8, abs=0.3)
    assert predicted.std[0, 1] < 0.6
