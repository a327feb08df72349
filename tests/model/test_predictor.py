"""From a checkpoint to a distance map."""

import json

import numpy as np
import psutil
import pytest
import torch

from distmat.errors import CheckpointError, SequenceError
from distmat.geometry.calibration import Calibration
from distmat.model.baseline import SeparationBaseline
from distmat.model.checkpoint import Checkpoint, load_checkpoint, save_checkpoint
from distmat.model.heads import bin_edges
from distmat.model.predictor import Predictor, _distance_map, load

from .test_network import tiny_network


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


def test_distances_are_medians_and_deviations_those_of_the_distogram():
    """Against a sample of a million distances drawn from the same distogram."""
    rng = np.random.default_rng(0)
    edges = bin_edges(64)
    logits = (-((torch.arange(64) - 20.0) ** 2) / 50).repeat(2, 2, 1)
    predicted = _distance_map("AC", logits, edges)
    bounds = np.concatenate([[2.0], edges.numpy(), [110.0]])
    probability = logits[0, 1].double().softmax(-1).numpy()
    bins = rng.choice(64, size=1_000_000, p=probability)
    sample = rng.uniform(bounds[bins], bounds[bins + 1])
    assert predicted.distances[0, 1] == pytest.approx(np.median(sample), abs=0.02)
    assert predicted.std[0, 1] == pytest.approx(sample.std(), abs=0.02)
    assert predicted.contacts[0, 1] == pytest.approx((sample < 8).mean(), abs=0.002)


def test_a_checkpoint_comes_back_as_it_was(checkpoint, tmp_path):
    save_checkpoint(checkpoint, tmp_path / "model")
    again = load(tmp_path / "model")
    before = Predictor(checkpoint).predict("MKTAYIAKQR")
    np.testing.assert_array_equal(again.predict("MKTAYIAKQR").distances, before.distances)
    np.testing.assert_array_equal(again.baseline.mean, checkpoint.baseline.mean)
    np.testing.assert_array_equal(again.calibration.rho, checkpoint.calibration.rho)
    assert again.card["train"] == "some chains"


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
