"""Every kind of encoder, mode and head on one engine: tiny models of each class, made on the spot.

Nine combinations hold every pair of an encoder and a mode, an encoder and a head, and a mode
and a head; a Latin square.
"""

import itertools

import numpy as np
import pytest
from safetensors.numpy import load_file
from transformers import EsmcConfig, EsmConfig, Qwen2Config, Qwen3Config

import distmat
from distmat.training.trainer import train

SHAPE = {
    "hidden_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "intermediate_size": 48,
}
ENCODERS = {
    "mini": None,
    "qwen2": Qwen2Config(vocab_size=40, num_key_value_heads=2, **SHAPE),
    "esm": EsmConfig(
        vocab_size=33,
        pad_token_id=1,
        mask_token_id=32,
        position_embedding_type="rotary",
        token_dropout=True,
        **SHAPE,
    ),
}
MODES = ("full", "lora", "frozen")
HEADS = (("pair", ""), ("placeholder", ""), ("coordinates", "fape"))
SQUARE = [
    (encoder, MODES[row], *HEADS[(row + column) % 3])
    for (column, encoder), row in itertools.product(enumerate(ENCODERS), range(3))
]
OTHERS = [
    ("qwen3", "lora", "pair", ""),
    ("esmc", "lora", "pair", ""),
    ("mini", "full", "coordinates", "coordinate_mse"),
    ("mini", "full", "pair", "log_huber"),
]


@pytest.mark.parametrize(("encoder", "mode", "head", "loss"), SQUARE + OTHERS)
def test_it_learns_saves_resumes_exactly_and_predicts(
    encoder, mode, head, loss, make_config, tmp_path, watch
):
    changes = {"mode": mode, "head": head, "loss": loss, "max_steps": 20, "evaluate_every": 10}
    changes |= {"evaluation_chains": 2, "bidirectional": encoder in ("qwen2", "qwen3")}
    if encoder != "mini":
        known = ENCODERS | {
            "qwen3": Qwen3Config(vocab_size=40, num_key_value_heads=2, head_dim=8, **SHAPE),
            "esmc": EsmcConfig(**SHAPE),
        }
        known[encoder].save_pretrained(tmp_path / encoder)
        changes |= {"encoder": str(tmp_path / encoder), "pretrained": False}
    config = make_config(tmp_path / "run", **changes)
    whole, resumed = watch(), watch()
    train(config, observer=whole)
    losses = list(whole.of("loss").values())
    assert np.mean(losses[-4:]) < np.mean(losses[:4])
    final = tmp_path / "run" / "checkpoint-20"
    names = {file.name for file in final.glob("*.safetensors")}
    wanted = {"full": {"model.safetensors"}, "frozen": {"head.safetensors"}}
    assert names == wanted.get(mode, {"adapter_model.safetensors", "head.safetensors"})
    before = {name: load_file(final / name) for name in names}
    train(config, resume=tmp_path / "run" / "checkpoint-10", observer=resumed)
    assert resumed.of("loss") == {k: v for k, v in whole.of("loss").items() if k > 10}
    for name in names:
        after = load_file(final / name)
        for key, array in before[name].items():
            np.testing.assert_array_equal(after[key], array)
    predicted = distmat.load(tmp_path / "run").predict("ALVTALVTALVT")
    assert predicted.distances.shape == (12, 12) and np.isfinite(predicted.distances).all()


def test_a_run_can_start_from_the_weights_of_another_and_adapt_them(make_config, tmp_path, watch):
    train(make_config(tmp_path / "first", max_steps=20))
    observer = watch()
    config = make_config(
        tmp_path / "second",
        init_from=str(tmp_path / "first"),
        mode="lora",
        learning_rate=1e-8,
        dropout=0.0,
    )
    train(config, observer=observer)
    first = distmat.load(tmp_path / "first")
    second = distmat.load(tmp_path / "second")
    first.network.config.distogram_temperature = second.network.config.distogram_temperature
    np.testing.assert_allclose(
        second.predict("ALALALALAL").distances, first.predict("ALALALALAL").distances, atol=0.05
    )
    assert observer.facts["trainable_parameters"] < observer.facts["parameters"]
