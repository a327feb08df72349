"""Folders as the published training scripts write them, against a network written out here."""

import json
import pickle

import numpy as np
import pytest
import torch
from torch import nn
from transformers import Qwen2Config, Qwen2ForCausalLM

from distmat.errors import CheckpointError, SequenceError
from distmat.model.checkpoint import load_checkpoint
from distmat.model.predictor import load
from distmat.model.published import is_published
from distmat.scoring.map_scores import score_map

from .tiny_encoders import letter_pairs_tokenizer, tiny_config

pytestmark = pytest.mark.filterwarnings("ignore:.*is_gradient_checkpointing:FutureWarning")

LONGEST = 20
SEQUENCE = "MALKTGSALWYGS"
"""With five of the byte pairs that the tokenizer joins."""


class Published(nn.Module):
    """What the second script trains: its names, its arithmetic."""

    def __init__(self, base: nn.Module, width: int, names=("dist_proj", "dist_head"), outputs=None):
        super().__init__()
        self.base_model = base
        attention = nn.Module()
        attention.U = nn.Linear(width, LONGEST)
        self.names = names
        setattr(self, names[0], attention)
        setattr(self, names[1], nn.Linear(width, outputs or LONGEST))

    def rows(self, ids: torch.Tensor, n: int) -> torch.Tensor:
        last = self.base_model(input_ids=ids, output_hidden_states=True).hidden_states[-1][0]
        states = torch.cat([last[:-n].max(dim=0, keepdim=True).values, last[-n:]])
        weights = torch.softmax(getattr(self, self.names[0]).U(states), dim=0)
        return getattr(self, self.names[1])(weights.T @ states)[:n]

    def distances(self, ids: torch.Tensor, n: int) -> np.ndarray:
        table = self.rows(ids, n)[:, :n]
        scaled = (table + table.T) / 2 * (1 - torch.eye(n))
        # Ours lets no distance be negative, nor beyond 500 Å.
        return np.expm1(4.0 * scaled.detach().double().numpy()).clip(0, 500)


def qwen(config=None) -> nn.Module:
    """Qwen2 with adapters that say something, as peft wraps them."""
    from peft import LoraConfig, get_peft_model

    base = Qwen2ForCausalLM(config or tiny_config("qwen2"))
    layers = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]
    lora = LoraConfig(r=4, lora_alpha=8, target_modules=layers, task_type="CAUSAL_LM")
    wrapped = get_peft_model(base, lora)
    for name, weight in wrapped.named_parameters():
        if "lora_B" in name:
            nn.init.normal_(weight, std=0.3)
    return wrapped.eval()


def write(model: nn.Module, folder, base="", **settings):
    folder.mkdir(parents=True, exist_ok=True)
    torch.save(model.state_dict(), folder / "model.pt")
    letter_pairs_tokenizer().save_pretrained(folder)
    content = {
        "model_name": str(base),
        "max_seq_len": LONGEST,
        "lora_rank": 4,
        "lora_alpha": 8,
        "model_type": "distance_matrix",
        "norm_config": {"max_seq_len": LONGEST, "norm_method": "log_scale"},
        **settings,
    }
    (folder / "training_config.json").write_text(json.dumps(content))
    return folder


@pytest.fixture
def published(tmp_path):
    torch.manual_seed(0)
    base = tmp_path / "base"
    tiny_config("qwen2").save_pretrained(base)
    model = Published(qwen(), 32)
    # Distances of a protein's size, some of them beyond its own maximum.
    nn.init.normal_(model.dist_head.bias, 0.7, 0.1)
    return model, write(model, tmp_path / "published", base)


def tokens() -> torch.Tensor:
    source = letter_pairs_tokenizer()
    ids = source(SEQUENCE)["input_ids"]
    assert len(ids) < len(SEQUENCE)
    return torch.tensor([ids + [source.unk_token_id] * len(SEQUENCE)])


def test_it_predicts_what_the_published_network_predicts(published):
    model, folder = published
    predicted = load(folder).predict(SEQUENCE)
    expected = model.distances(tokens(), len(SEQUENCE))
    np.testing.assert_allclose(predicted.distances, expected, rtol=2e-4, atol=1e-4)
    assert np.isfinite(predicted.std).all() and predicted.std[0, 9] > 1
    likeliest = np.argsort(-predicted.contacts[0, 1:])
    np.testing.assert_array_equal(likeliest, np.argsort(predicted.distances[0, 1:]))


def test_it_is_scored_beside_a_baseline_like_any_other(published):
    predictor = load(published[1])
    rng = np.random.default_rng(0)
    ca = np.cumsum(rng.normal(size=(len(SEQUENCE), 3)) * 2.2, axis=0)
    predicted = predictor.predict(SEQUENCE)
    model = score_map(predicted.distances, ca, predicted.contacts)
    baseline = score_map(predictor.baseline.predict(len(ca)), ca)
    assert np.isfinite([model.mae, model.rmse, baseline.mae]).all()
    assert predictor.card["published_model"] and predictor.card["max_length"] == LONGEST
    assert predictor.card["std_from"] == "known chains"


def test_weights_in_half_precision_and_of_several_processes_open_too(published, tmp_path):
    model, folder = published
    state = {f"module.{key}": value.half() for key, value in model.state_dict().items()}
    torch.save(state, folder / "model.pt")
    predicted = load(folder).predict(SEQUENCE)
    expected = model.distances(tokens(), len(SEQUENCE))
    np.testing.assert_allclose(predicted.distances, expected, rtol=0.1, atol=0.1)


def test_a_checkpoint_of_the_trainer_takes_the_config_of_the_folder_above(published):
    model, folder = published
    part = folder / "checkpoint-500"
    part.mkdir()
    torch.save(model.state_dict(), part / "pytorch_model.bin")
    letter_pairs_tokenizer().save_pretrained(part)
    np.testing.assert_array_equal(
        load(part).predict(SEQUENCE).distances, load(folder).predict(SEQUENCE).distances
    )


def test_the_first_scripts_coordinates_open_too(tmp_path):
    torch.manual_seed(1)
    base = tmp_path / "base"
    tiny_config("qwen2").save_pretrained(base)
    model = Published(qwen(), 32, ("coord_proj", "coord_head"), outputs=3)
    folder = write(model, tmp_path / "published", base, model_type=None, norm_config=None)
    predicted = load(folder).predict(SEQUENCE)
    ca = 10.0 * model.rows(tokens(), len(SEQUENCE)).detach().double().numpy()
    expected = np.linalg.norm(ca[:, None] - ca[None], axis=-1)
    np.testing.assert_allclose(predicted.distances, expected, rtol=1e-3, atol=1e-3)


def test_the_shape_of_a_base_out_of_reach_is_read_from_its_weights(tmp_path):
    torch.manual_seed(2)
    shape = {"hidden_size": 128, "intermediate_size": 64, "num_hidden_layers": 2, "vocab_size": 64}
    heads = {"num_attention_heads": 2, "num_key_value_heads": 1, "rms_norm_eps": 1e-6}
    rope = {"rope_parameters": {"rope_type": "default", "rope_theta": 1_000_000.0}}
    model = Published(qwen(Qwen2Config(**shape, **heads, **rope)), 128)
    folder = write(model, tmp_path, tmp_path / "not" / "here")
    predicted = load(folder).predict(SEQUENCE)
    expected = model.distances(tokens(), len(SEQUENCE))
    np.testing.assert_allclose(predicted.distances, expected, rtol=2e-4, atol=1e-4)


def test_a_chain_longer_than_its_head_is_refused_with_both_numbers(published):
    with pytest.raises(SequenceError, match=r"21 residues, .* has places for 20"):
        load(published[1]).predict("A" * 21)


def test_a_weight_with_an_unknown_name_is_named(published):
    model, folder = published
    torch.save({**model.state_dict(), "extra.weight": torch.ones(1)}, folder / "model.pt")
    with pytest.raises(CheckpointError, match=r"a weight named 'extra\.weight', which neither"):
        load(folder)


def test_a_lacking_weight_and_one_of_another_shape_are_named(published):
    model, folder = published
    state = model.state_dict()
    lacking = {k: v for k, v in state.items() if k != "dist_head.bias"}
    torch.save(lacking, folder / "model.pt")
    with pytest.raises(CheckpointError, match=r"lacks the weight head\.distance\.bias"):
        load(folder)
    torch.save({**state, "dist_head.bias": torch.zeros(7)}, folder / "model.pt")
    with pytest.raises(CheckpointError, match=r"shape \(7,\) where its config asks for \(20,\)"):
        load(folder)


def test_four_bit_weights_and_another_normalisation_are_refused_in_a_sentence(published, tmp_path):
    model, folder = published
    name = "base_model.base_model.model.model.layers.0.mlp.up_proj.base_layer.weight.absmax"
    torch.save({**model.state_dict(), name: torch.ones(1)}, folder / "model.pt")
    with pytest.raises(CheckpointError, match="holds 4-bit weights"):
        load(folder)
    write(model, folder, tmp_path / "base", norm_config={"norm_method": "zscore"})
    with pytest.raises(CheckpointError, match="normalised by 'zscore'"):
        load(folder)


def test_code_in_the_weights_is_not_run(published):
    _, folder = published
    trap = folder / "trap"

    class Trap:
        def __reduce__(self):
            return (open, (str(trap), "w"))

    with (folder / "model.pt").open("wb") as file:
        pickle.dump({"weight": Trap()}, file)
    with pytest.raises(CheckpointError, match="can't be read as tensors"):
        load(folder)
    assert not trap.exists()


@pytest.mark.parametrize("content", ["{", "[]", '{"max_seq_len": "long"}', '{"max_seq_len": 20}'])
def test_a_damaged_config_is_refused_in_a_sentence(published, content):
    _, folder = published
    (folder / "training_config.json").write_text(content)
    with pytest.raises(CheckpointError, match=r"training_config\.json|has no config\.json"):
        load_checkpoint(folder)


def test_a_folder_without_its_tokenizer_is_refused_in_a_sentence(published):
    _, folder = published
    for path in folder.glob("tokenizer*"):
        path.unlink()
    with pytest.raises(CheckpointError, match="tokenizer of the published checkpoint"):
        load(folder)


def test_our_own_checkpoints_are_not_taken_for_published_ones():
    from distmat.workspace import checkpoint_path

    assert not is_published(checkpoint_path("mini"))
