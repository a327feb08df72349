"""Encoders: what they read, in which order, and what of them learns."""

import json

import numpy as np
import pytest
import torch
from transformers import AutoModel, Qwen2Config

from distmat.errors import CheckpointError, ConfigError
from distmat.model.adapters import LoraSettings, lora_parameters
from distmat.model.build import (
    build_network,
    total_parameters,
    trainable_parameters,
)
from distmat.model.encoder import run_encoder
from distmat.model.network import DistanceNetworkConfig
from distmat.model.source import tokenizer_for

from .tiny_encoders import HEADS, NO_SPECIAL, batch, tiny_config, write_encoder

LONG, SHORT = "ACDEFGHIKLMNPQ", "MKTAY"


def network(kind, mode="full", head="pair", **options):
    config = DistanceNetworkConfig(
        encoder=tiny_config(kind),
        encoder_name="mini" if kind == "mini" else f"random/{kind}",
        head_kind=head,
        head=HEADS[head],
        **options,
    )
    torch.manual_seed(0)
    return build_network(config, mode, pretrained=False).eval()


def states(net, sequences, placeholders=False):
    given = batch(net.tokens, sequences)
    mask = given["attention_mask"].bool()
    with torch.no_grad():
        asked = mask if placeholders else None
        return run_encoder(net.encoder, net.tokens, given["input_ids"], mask, asked)


@pytest.mark.parametrize("kind", ["esm", "esmc"])
def test_esm_reads_a_chain_as_its_own_tokenizer_would_give_it(kind, tmp_path):
    from transformers import AutoTokenizer

    folder = write_encoder(kind, tmp_path)
    net = build_network(DistanceNetworkConfig(encoder_name=str(folder), head=HEADS["pair"])).eval()
    ours = states(net, [LONG, SHORT]).states
    plain = AutoModel.from_pretrained(folder).eval()
    given = AutoTokenizer.from_pretrained(folder)([LONG, SHORT], padding=True, return_tensors="pt")
    with torch.no_grad():
        theirs = plain(**given).last_hidden_state
    torch.testing.assert_close(ours[0], theirs[0, 1:-1], atol=1e-5, rtol=1e-4)
    torch.testing.assert_close(ours[1, :5], theirs[1, 1:6], atol=1e-5, rtol=1e-4)


def test_a_causal_encoder_from_a_folder_gives_the_states_of_its_own_weights(tmp_path):
    folder = write_encoder("qwen2", tmp_path)
    net = build_network(DistanceNetworkConfig(encoder_name=str(folder), head=HEADS["pair"])).eval()
    plain = AutoModel.from_pretrained(folder).eval()
    ids = torch.from_numpy(tokenizer_for(str(folder)).encode(LONG))[None]
    with torch.no_grad():
        torch.testing.assert_close(states(net, [LONG]).states, plain(ids).last_hidden_state)


@pytest.mark.parametrize("kind", ["mini", "esm", "esmc", "qwen2"])
@pytest.mark.parametrize("placeholders", [False, True])
def test_padding_changes_no_residues_state(kind, placeholders):
    net = network(kind, bidirectional=True)
    alone = states(net, [SHORT], placeholders)
    padded = states(net, [LONG, SHORT], placeholders)
    torch.testing.assert_close(padded.states[1, :5], alone.states[0], atol=1e-5, rtol=1e-4)
    if placeholders:
        for name in ("placeholders", "pooled"):
            ours, other = getattr(padded, name)[1, :5], getattr(alone, name)[0]
            torch.testing.assert_close(ours, other, atol=1e-5, rtol=1e-4)


def test_placeholders_follow_the_chain_as_the_published_script_appends_them():
    net = network("qwen2")
    chains = states(net, [SHORT], placeholders=True)
    ids = torch.from_numpy(net.tokens.encode(SHORT))
    appended = torch.cat([ids, torch.full((5,), net.tokens.placeholder)])[None]
    with torch.no_grad():
        last = net.encoder(appended).last_hidden_state
    torch.testing.assert_close(chains.placeholders, last[:, 5:])
    torch.testing.assert_close(chains.pooled, last[:, :5].amax(1, keepdim=True))


@pytest.mark.parametrize("kind", ["qwen2", "qwen3"])
@pytest.mark.parametrize("both_ways", [False, True])
@pytest.mark.parametrize("mode", ["full", "lora"])
def test_a_later_residue_changes_an_earlier_state_only_if_attention_goes_both_ways(
    kind, both_ways, mode
):
    net = network(kind, mode, bidirectional=both_ways)
    for sequences in (["MKTAYIAK"], ["MKTAYIAK", "ACDEFGHIKLM"]):
        changed = [sequences[0][:-1] + "W", *sequences[1:]]
        before, after = states(net, sequences).states, states(net, changed).states
        assert (before[0, 0] - after[0, 0]).abs().max().gt(1e-6).item() is both_ways
        # An earlier residue changes a later state in either case.
        changed = ["W" + sequences[0][1:], *sequences[1:]]
        after = states(net, changed).states
        assert (before[0, 7] - after[0, 7]).abs().max() > 1e-6


@pytest.mark.parametrize("kind", ["mini", "esm", "esmc"])
def test_an_encoder_that_is_not_causal_sees_both_ways_anyway(kind):
    net = network(kind)
    before, after = states(net, ["MKTAYIAK"]).states, states(net, ["MKTAYIAW"]).states
    assert (before[0, 0] - after[0, 0]).abs().max() > 1e-7


def test_qwen_of_the_published_size_gets_the_published_number_of_adapter_weights():
    """4,399,104 = 24 layers × 8 × the sum of inputs and outputs of seven linear layers."""
    shape = Qwen2Config(
        vocab_size=151936,
        hidden_size=896,
        intermediate_size=4864,
        num_hidden_layers=24,
        num_attention_heads=14,
        num_key_value_heads=2,
        **NO_SPECIAL,
    )
    with torch.device("meta"):
        config = DistanceNetworkConfig(encoder=shape, encoder_name="Qwen/Qwen2.5-0.5B")
        net = build_network(config, "lora", pretrained=False)
    assert lora_parameters(net) == 4_399_104
    head = sum(weight.numel() for weight in net.head.parameters())
    assert trainable_parameters(net) == 4_399_104 + head
    assert total_parameters(net) == 494_032_768 + 4_399_104 + head


def test_only_what_the_mode_says_learns():
    full, lora, frozen = (network("esm", mode) for mode in ("full", "lora", "frozen"))
    assert all(weight.requires_grad for weight in full.parameters())
    learning = {name for name, weight in lora.named_parameters() if weight.requires_grad}
    assert learning and all("lora_" in name or name.startswith("head.") for name in learning)
    learning = {name for name, weight in frozen.named_parameters() if weight.requires_grad}
    assert learning and all(name.startswith("head.") for name in learning)


def test_a_frozen_encoder_keeps_its_dropout_off_while_its_head_trains():
    net = network("mini", "frozen").train()
    assert net.head.training and not any(part.training for part in net.encoder.modules())


@pytest.mark.parametrize("kind", ["mini", "esm", "esmc", "qwen2"])
@pytest.mark.parametrize("mode", ["full", "lora"])
def test_every_weight_that_learns_gets_a_gradient(kind, mode):
    """A weight without one would stop training on several processes."""
    net = network(kind, mode, head="placeholder").train()
    net(**batch(net.tokens, [LONG, SHORT])).loss.backward()
    without = [
        name
        for name, weight in net.named_parameters()
        if weight.requires_grad and weight.grad is None
    ]
    assert not without


@pytest.mark.parametrize("kind", ["mini", "esm", "qwen2"])
@pytest.mark.parametrize("mode", ["full", "lora"])
@pytest.mark.parametrize("head", ["pair", "placeholder"])
def test_activation_checkpointing_changes_no_gradient(kind, mode, head):
    gradients = []
    for saving in (False, True):
        net = network(kind, mode, head).train()
        if saving:
            net.activation_checkpointing_enable()
            assert any(getattr(part, "gradient_checkpointing", False) for part in net.modules())
        torch.manual_seed(1)
        net(**batch(net.tokens, [LONG, SHORT])).loss.backward()
        gradients.append([w.grad for w in net.parameters() if w.grad is not None])
    for plain, saved in zip(*gradients, strict=True):
        torch.testing.assert_close(saved, plain)


def test_lora_targets_may_be_named_and_a_wrong_name_is_refused_with_those_there_are():
    config = DistanceNetworkConfig(encoder=tiny_config("qwen2"), encoder_name="random/qwen2")
    net = build_network(
        config, "lora", LoraSettings(rank=2, targets="q_proj, v_proj"), pretrained=False
    )
    names = {name.split(".lora_")[0] for name, _ in net.named_parameters() if "lora_" in name}
    assert {name.rpartition(".")[2] for name in names} == {"q_proj", "v_proj"}
    assert lora_parameters(net) == 2 * 2 * (32 + 32 + 32 + 16)
    with pytest.raises(ConfigError, match=r"'x_proj'.*all-linear or some of: down_proj, gate_proj"):
        build_network(config, "lora", LoraSettings(targets="x_proj"), pretrained=False)


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"rank": 0}, "lora_rank is 0; it must lie between 1 and 1024"),
        ({"alpha": 0}, "lora_alpha is 0"),
        ({"dropout": 1.0}, "lora_dropout is 1.0"),
    ],
)
def test_wrong_adapter_settings_are_named(wrong, words):
    with pytest.raises(ConfigError, match=words):
        LoraSettings(**wrong)


def test_four_bits_without_cuda_are_refused_in_a_sentence(tmp_path, monkeypatch):
    folder = str(write_encoder("qwen2", tmp_path))
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(ConfigError, match="no CUDA device here"):
        build_network(DistanceNetworkConfig(encoder_name=folder), "lora", use_4bit=True)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(ConfigError, match=r"pip install 'distmat\[quant\]'"):
        build_network(DistanceNetworkConfig(encoder_name=folder), "lora", use_4bit=True)
    with pytest.raises(ConfigError, match="4-bit weights can't learn; choose mode lora"):
        build_network(DistanceNetworkConfig(encoder_name=folder), "full", use_4bit=True)


def test_an_encoder_that_is_not_there_or_gives_no_states_is_named(tmp_path):
    with pytest.raises(CheckpointError, match="nowhere' can't be loaded"):
        build_network(DistanceNetworkConfig(encoder_name=str(tmp_path / "nowhere")))
    (tmp_path / "config.json").write_text('{"model_type": "timm_wrapper"}')
    with pytest.raises(CheckpointError, match=r"can't be loaded|no state per residue"):
        build_network(DistanceNetworkConfig(encoder_name=str(tmp_path)))


def test_code_that_comes_with_an_encoder_is_not_run(tmp_path):
    content = {"model_type": "own", "auto_map": {"AutoConfig": "own.Own", "AutoModel": "own.Own"}}
    (tmp_path / "config.json").write_text(json.dumps(content))
    (tmp_path / "own.py").write_text(f"open({str(tmp_path / 'trap')!r}, 'w')\nclass Own: pass\n")
    with pytest.raises(CheckpointError, match="can't be loaded"):
        build_network(DistanceNetworkConfig(encoder_name=str(tmp_path)))
    assert not (tmp_path / "trap").exists()


def test_an_unknown_mode_is_refused():
    with pytest.raises(ConfigError, match="mode is 'half'; it must be one of full, lora, frozen"):
        build_network(DistanceNetworkConfig(), "half")


def test_a_base_in_bfloat16_answers_through_a_head_in_float32(tmp_path):
    folder = str(write_encoder("qwen2", tmp_path))
    config = DistanceNetworkConfig(encoder_name=folder, head=HEADS["pair"])
    net = build_network(config, "lora", dtype=torch.bfloat16)
    assert net.encoder.get_base_model().embed_tokens.weight.dtype == torch.bfloat16
    output = net(**batch(net.tokens, [LONG]))
    output.loss.backward()
    assert output.logits.dtype == torch.float32 and np.isfinite(output.loss.item())
