"""Checkpoints whose files say what no network is."""

import json

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from distmat.errors import CheckpointError
from distmat.model.build import build_network
from distmat.model.checkpoint import Checkpoint, load_checkpoint, save_checkpoint
from distmat.model.network import DistanceNetworkConfig

from .tiny_encoders import BASELINE, HEADS, tiny_config


@pytest.fixture
def folder(tmp_path):
    torch.manual_seed(0)
    config = DistanceNetworkConfig(encoder=tiny_config("mini"), head=HEADS["pair"])
    network = build_network(config, pretrained=False)
    save_checkpoint(Checkpoint(network, BASELINE, trained_on={"train_chains": 3}), tmp_path / "a")
    assert load_checkpoint(tmp_path / "a").trained_on == {"train_chains": 3}
    return tmp_path / "a"


def change(path, place, value):
    content = json.loads(path.read_text())
    part = content
    for name in place[:-1]:
        part = part[name]
    part[place[-1]] = value
    path.write_text(json.dumps(content))


@pytest.mark.parametrize(
    ("place", "value", "words"),
    [
        (("head_kind",), "bert", "head_kind: Input should be 'pair'"),
        (("head", "bins"), 10**9, "head.bins: Input should be less than"),
        (("head", "dilations"), [1] * 1000, "head.dilations: List should have at most 64"),
        (("head", "color"), 1, "head.color: Extra inputs are not permitted"),
        (("encoder", "hidden_size"), 10**9, "encoder.hidden_size: Input should be less"),
        (("encoder", "hidden_size"), "32", "encoder.hidden_size: Input should be a valid integer"),
        (("encoder", "num_attention_heads"), 5, "doesn't divide hidden_size"),
        (("encoder", "kernel_size"), 4, "kernel_size is even"),
        (("encoder", "num_hidden_layers"), 3, "lacks the weight 'encoder.layers.2"),
        (("encoder", "intermediate_size"), 47, r"of shape \(32, 48\) where its config asks for"),
        (("encoder",), None, "encoder"),
        (("encoder",), {"model_type": "nothing"}, "encoder"),
        (("encoder",), {"model_type": "qwen2", "num_hidden_layers": 10**9}, "beyond any model's"),
        (("distogram_temperature",), 0, "distogram_temperature"),
        (("std_factors",), {"near": 1.0}, "std_factors names 'near'"),
        (("std_factors",), {"long": float("nan")}, "std_factors.long"),
        (("tokens", "letters", "A"), 22, "need a token of their own"),
        (("tokens", "letters", "A"), 99, "have the token 99, and its encoder knows 23"),
        (("max_trained_length",), "256", "max_trained_length"),
        (("loss_settings",), {"scaling": []}, "scaling"),
        (("loss_settings",), {"band_weights": [1]}, "loss_settings.band_weights"),
    ],
)
def test_a_config_that_fits_no_network_is_refused_by_its_place(folder, place, value, words):
    change(folder / "config.json", place, value)
    with pytest.raises(CheckpointError, match=words):
        load_checkpoint(folder)


@pytest.mark.parametrize(
    ("place", "value", "words"),
    [
        (("baseline", "mean"), [[1.0]], "other bins of chain length"),
        (("baseline", "mean", 3), [1.0], "aren't equally long"),
        (("baseline", "mean", 3, 2), "x", "baseline.mean.3.2"),
        (("baseline", "length_edges"), [1, 2], "other bins of chain length"),
        (("calibration",), {"mean": [1.0], "rho": []}, "1 separations and rho 0"),
        (("residuals",), {"rms": [float("inf")]}, "residuals.rms.0"),
        (("trained_on", "train_chains"), "three", "trained_on.train_chains"),
        (("trained_on",), 3, "trained_on"),
    ],
)
def test_facts_beside_the_weights_are_checked_before_a_page_shows_them(folder, place, value, words):
    change(folder / "distmat.json", place, value)
    with pytest.raises(CheckpointError, match=words):
        load_checkpoint(folder)


def test_weights_that_are_no_numbers_or_of_another_type_are_refused(folder):
    weights = load_file(folder / "model.safetensors")
    name = "head.logits.bias"
    for value, words in (
        (weights[name] * np.nan, "give no numbers"),
        (weights[name].long(), "of type I64"),
    ):
        save_file({**weights, name: value}, folder / "model.safetensors")
        with pytest.raises(CheckpointError, match=words):
            load_checkpoint(folder)


def test_a_checkpoint_whose_encoder_is_its_own_is_refused(folder, monkeypatch):
    monkeypatch.setenv("DISTMAT_HOME", str(folder.parent))
    (folder.parent / "checkpoints").mkdir()
    folder = folder.rename(folder.parent / "checkpoints" / "a")
    for name, value in (("mode", "frozen"), ("pretrained", True), ("encoder_name", "checkpoint:a")):
        change(folder / "config.json", (name,), value)
    with pytest.raises(CheckpointError, match="whose own is taken from it"):
        load_checkpoint(folder)
