"""What a run will take, before it starts."""

import subprocess
import sys

import pytest
import torch
from torch.autograd.graph import saved_tensors_hooks
from transformers import EsmcConfig, EsmConfig, Qwen2Config

from distmat.model.adapters import lora_parameters
from distmat.model.build import (
    build_network,
    total_parameters,
    trainable_parameters,
)
from distmat.model.encoders import shape_of
from distmat.training.config import TrainingConfig
from distmat.training.memory import (
    advice,
    encoder_parameters,
    encoder_shape,
    estimate_activations,
    estimate_memory,
    is_out_of_memory,
    low_rank_parameters,
)
from distmat.training.network_arguments import network_arguments
from distmat.training.presets import PRESETS, preset


def kept_for_backward(config: TrainingConfig, chains: int, residues: int) -> int:
    """Bytes that PyTorch itself keeps between forward and backward, weights left out."""
    network = build_network(**network_arguments(config)).train()
    if config.activation_checkpointing:
        network.activation_checkpointing_enable({"use_reentrant": False})
    weights = {w.untyped_storage().data_ptr() for w in network.parameters()}
    sizes, alive = {}, []

    def keep(tensor):
        alive.append(tensor)
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in weights:
            sizes[storage.data_ptr()] = storage.nbytes()
        return tensor

    ids = torch.randint(2, 20, (chains, residues))
    with saved_tensors_hooks(keep, lambda tensor: tensor):
        network(
            input_ids=ids,
            attention_mask=torch.ones_like(ids),
            position=torch.arange(residues).repeat(chains, 1),
            chain_length=torch.full((chains,), residues),
            ca=torch.randn(chains, residues, 3) * 10,
        )
    return sum(sizes.values())


def encoder_folder(kind: str, folder) -> str:
    shape = {"hidden_size": 96, "num_hidden_layers": 3, "num_attention_heads": 4}
    if kind == "qwen2":
        Qwen2Config(
            vocab_size=40, intermediate_size=256, num_key_value_heads=2, **shape
        ).save_pretrained(folder)
    elif kind == "esmc":
        EsmcConfig(intermediate_size=256, **shape).save_pretrained(folder)
    else:
        EsmConfig(
            vocab_size=33,
            intermediate_size=384,
            pad_token_id=1,
            mask_token_id=32,
            position_embedding_type="rotary",
            **shape,
        ).save_pretrained(folder)
    return str(folder)


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"pair_width": 16, "triangle_rank": 24, "dilations": (1, 2), "bins": 96},
        {"pair_patch": 2, "fine_width": 24, "pair_width": 48},
        {"pair_patch": 3, "fine_width": 48, "dilations": (1,)},
        {"head": "placeholder", "evaluation_max_length": 64},
        {"encoder": "qwen2", "mode": "lora"},
        {"encoder": "qwen2", "head": "coordinates", "evaluation_max_length": 64},
        {"encoder": "esm", "dilations": (1,)},
        {"encoder": "esm", "mode": "frozen"},
    ],
    ids=lambda changes: "-".join(map(str, changes.values())) or "mini",
)
def test_estimated_activations_are_what_pytorch_keeps(changes, tmp_path):
    changes = {"crops": (64,), "pairs_per_batch": 2 * 64**2, **changes}
    if "encoder" in changes:
        changes |= {"encoder": encoder_folder(changes["encoder"], tmp_path), "pretrained": False}
    config = TrainingConfig(**changes)
    measured = kept_for_backward(config, chains=2, residues=64)
    shape = encoder_shape(config)
    assert shape is not None
    assert estimate_activations(config, shape, 64) == pytest.approx(measured, rel=0.2)


def test_activation_checkpointing_is_estimated_to_take_less_and_does():
    plain = TrainingConfig(crops=(64,), pairs_per_batch=64**2)
    frugal = plain.with_settings({"activation_checkpointing": True})
    assert kept_for_backward(frugal, 1, 64) < 0.5 * kept_for_backward(plain, 1, 64)
    measured = kept_for_backward(frugal, 1, 64)
    assert estimate_activations(frugal, encoder_shape(frugal), 64) == pytest.approx(
        measured, rel=0.1
    )
    sizes = [estimate_memory(c, encoder_shape(c)).activations for c in (frugal, plain)]
    assert sizes[0] < 0.6 * sizes[1]


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"pair_width": 16, "bins": 96, "loss": "log_mse"},
        {"pair_patch": 3, "fine_width": 12, "pair_width": 20, "triangle_rank": 7},
        {"head": "placeholder"},
        {"head": "coordinates"},
        {"relatives": True},
    ],
)
def test_heads_have_as_many_weights_as_counted(changes):
    config = TrainingConfig(crops=(256,), **changes)
    head = build_network(**network_arguments(config)).head
    assert config.head_kind.parameters(config, 128) == total_parameters(head)


@pytest.mark.parametrize("kind", ["qwen2", "esm", "esmc"])
def test_encoders_have_about_as_many_weights_and_exactly_as_many_low_rank_ones(kind, tmp_path):
    config = TrainingConfig(
        encoder=encoder_folder(kind, tmp_path), pretrained=False, mode="lora", lora_rank=4
    )
    network, shape = build_network(**network_arguments(config)), encoder_shape(config)
    assert low_rank_parameters(shape, 4) == lora_parameters(network)
    fixed = total_parameters(network.encoder) - lora_parameters(network)
    assert encoder_parameters(shape) == pytest.approx(fixed, rel=0.02)
    counted = estimate_memory(config, shape)
    assert counted.gradients == 4 * trainable_parameters(network)


def test_the_published_model_has_the_published_number_of_low_rank_weights():
    config = preset("paper-v2")
    shape = encoder_shape(config)
    assert low_rank_parameters(shape, config.lora_rank) == 4_399_104
    assert encoder_parameters(shape) == pytest.approx(494_032_768, rel=0.01)


def test_every_preset_can_be_estimated_without_pytorch():
    script = (
        "import sys\n"
        "from distmat.training.memory import encoder_shape, estimate_memory, free_memory\n"
        "from distmat.training.presets import PRESETS, preset\n"
        "for name in PRESETS:\n"
        "    config = preset(name)\n"
        "    estimate = estimate_memory(config, encoder_shape(config))\n"
        "    print(estimate.sentence(free_memory(), config))\n"
        "assert not {'torch', 'transformers', 'streamlit'} & set(sys.modules)\n"
    )
    ended = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.count("GiB of memory") == len(PRESETS)


def test_what_will_not_fit_is_said_with_what_to_change():
    config = preset("recommended-0.5b").with_settings({"activation_checkpointing": False})
    estimate = estimate_memory(config, encoder_shape(config))
    assert "It may not fit" not in estimate.sentence(estimate.total, config)
    sentence = estimate.sentence(estimate.total - 1, config)
    for words in (
        "It may not fit: halve pairs_per_batch to 131072 and double accumulation to 4",
        "turn on activation_checkpointing",
        "turn on use_4bit, which needs a GPU",
        "; or use crops below 256 residues",
    ):
        assert words in sentence
    smallest = TrainingConfig(crops=(32,), activation_checkpointing=True, pairs_per_batch=1024)
    assert "machine with more memory" in advice(smallest)


def test_lack_of_memory_is_told_from_bugs():
    assert is_out_of_memory(torch.OutOfMemoryError("x")) and is_out_of_memory(MemoryError())
    assert not is_out_of_memory(RuntimeError("mat1 and mat2 shapes cannot be multiplied"))
    assert not is_out_of_memory(ValueError("can't allocate memory"))


def test_an_encoder_of_unknown_shape_is_not_guessed(tmp_path, monkeypatch):
    monkeypatch.setenv("HF_HOME", str(tmp_path))
    assert encoder_shape(TrainingConfig(encoder="somebody/model")) is None
    snapshot = tmp_path / "hub" / "models--somebody--model" / "snapshots" / "abc"
    Qwen2Config(hidden_size=64).save_pretrained(snapshot)
    assert encoder_shape(TrainingConfig(encoder="somebody/model")).hidden_size == 64
    assert shape_of(Qwen2Config(hidden_size=64).to_dict()).hidden_size == 64
