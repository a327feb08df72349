"""Every encoder, mode and head: it learns, is saved, comes back to the bit and predicts."""

import numpy as np
import pytest
import torch
from safetensors import safe_open

from distmat.errors import CheckpointError
from distmat.model.build import MODES, build_network
from distmat.model.checkpoint import (
    Checkpoint,
    load_checkpoint,
    save_checkpoint,
)
from distmat.model.heads import HEADS as KINDS_OF_HEADS
from distmat.model.network import DistanceNetworkConfig
from distmat.model.predictor import Predictor, load
from distmat.model.weights import load_weights, save_network

from .tiny_encoders import BASELINE, HEADS, batch, tiny_config, write_encoder

KINDS = ("mini", "qwen2", "esm")
SEQUENCES = ["ACDEFGHIKLMNPQRS", "SRQPNMLKIHGF"]


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """Encoders on disk; the mini is one of our own checkpoints."""
    root = tmp_path_factory.mktemp("encoders")
    places = {kind: write_encoder(kind, root / kind) for kind in ("qwen2", "esm")}
    torch.manual_seed(0)
    config = DistanceNetworkConfig(encoder=tiny_config("mini"), head=HEADS["pair"])
    save_checkpoint(Checkpoint(build_network(config), BASELINE), root / "mini")
    return places | {"mini": root / "mini"}


def network(folder, mode, head="pair", loss="", seed=0):
    torch.manual_seed(seed)
    config = DistanceNetworkConfig(
        encoder_name=str(folder), head_kind=head, head=HEADS[head], loss=loss, bidirectional=True
    )
    return build_network(config, mode)


def learn(net, steps, rate=1e-2):
    net.train()
    optimizer = torch.optim.AdamW([w for w in net.parameters() if w.requires_grad], lr=rate)
    losses = []
    for _ in range(steps):
        loss = net(**batch(net.tokens, SEQUENCES)).loss
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
        losses.append(loss.item())
    net.eval()
    return losses


LEARNING = [
    (head, loss) for head in KINDS_OF_HEADS.names() for loss in KINDS_OF_HEADS.get(head).losses
]
SQUARE = [
    (kind, MODES[(column + row) % len(MODES)], *LEARNING[row])
    for row in range(len(LEARNING))
    for column, kind in enumerate(KINDS)
]
"""Each way to learn with each kind of encoder and each mode, and every pair of the latter two."""


@pytest.mark.parametrize(("kind", "mode", "head", "loss"), SQUARE)
def test_it_learns_is_saved_comes_back_to_the_bit_and_predicts(
    folders, tmp_path, kind, mode, head, loss
):
    net = network(folders[kind], mode, head, loss)
    losses = learn(net, 20, rate=3e-3 if loss == "fape" else 1e-2)
    assert np.mean(losses[-3:]) < losses[0]
    checkpoint = Checkpoint(net, BASELINE)
    save_checkpoint(checkpoint, tmp_path / "model")
    again = load(tmp_path / "model")
    for name, weight in net.state_dict().items():
        assert torch.equal(weight, again.network.state_dict()[name]), name
    ours, theirs = (p.predict(SEQUENCES[0]) for p in (Predictor(checkpoint), again))
    for name in ("distances", "std", "contacts"):
        np.testing.assert_array_equal(getattr(theirs, name), getattr(ours, name))
    table = theirs.distances
    assert np.isfinite(table).all() and (table >= 0).all() and (np.diag(table) == 0).all()
    np.testing.assert_allclose(table, table.T, atol=1e-5)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("mode", ["lora", "frozen"])
def test_what_did_not_learn_is_not_saved(folders, tmp_path, kind, mode):
    net = network(folders[kind], mode)
    save_network(net, tmp_path)
    weights = sorted(path.name for path in tmp_path.glob("*.safetensors"))
    assert weights == ["adapter_model.safetensors", "head.safetensors"][mode == "frozen" :]
    keys = set()
    for name in weights:
        with safe_open(tmp_path / name, "pt") as file:
            keys |= {f"{name}/{key}" for key in file.keys()}  # noqa: SIM118
    assert all("lora_" in key for key in keys if key.startswith("adapter"))
    learned = sum(4 * w.numel() for w in net.parameters() if w.requires_grad)
    size = sum((tmp_path / name).stat().st_size for name in weights)
    # A safetensors file begins with the names, at most 200 bytes for each here.
    assert learned <= size < learned + 200 * len(keys) + 100


@pytest.mark.filterwarnings("ignore:.*is_gradient_checkpointing:FutureWarning")
def test_the_adapters_open_with_peft_alone_on_the_bare_encoder(folders, tmp_path):
    from peft import PeftModel
    from transformers import AutoModel

    net = network(folders["qwen2"], "lora")
    learn(net, 2)
    save_network(net, tmp_path)
    bare = AutoModel.from_pretrained(folders["qwen2"])
    theirs = PeftModel.from_pretrained(bare, str(tmp_path)).eval()
    for (name, weight), (_, other) in zip(
        net.encoder.named_parameters(), theirs.named_parameters(), strict=True
    ):
        assert torch.equal(weight, other), name


@pytest.mark.parametrize("kind", KINDS)
def test_a_base_of_random_weights_is_made_again_from_its_seed(tmp_path, kind):
    config = DistanceNetworkConfig(
        encoder=tiny_config(kind),
        encoder_name="mini" if kind == "mini" else "random/base",
        head=HEADS["pair"],
        encoder_seed=5,
    )
    net = build_network(config, "lora", pretrained=False)
    learn(net, 2)
    save_checkpoint(Checkpoint(net, BASELINE), tmp_path)
    torch.manual_seed(99)
    again = load_checkpoint(tmp_path).network
    for name, weight in net.state_dict().items():
        assert torch.equal(weight, again.state_dict()[name]), name


@pytest.mark.parametrize("mode", MODES)
def test_weights_are_read_into_a_network_that_is_there_as_when_a_run_resumes(
    folders, tmp_path, mode
):
    net = network(folders["esm"], mode)
    learn(net, 2)
    save_network(net, tmp_path)
    other = network(folders["esm"], mode, seed=1)
    learn(other, 3)
    load_weights(other, tmp_path)
    for name, weight in net.state_dict().items():
        assert torch.equal(weight, other.state_dict()[name]), name


def test_adapters_on_a_base_that_has_changed_are_refused(folders, tmp_path):
    folder = write_encoder("qwen2", tmp_path / "base")
    net = network(folder, "lora")
    save_checkpoint(Checkpoint(net, BASELINE), tmp_path / "model")
    write_encoder("qwen2", tmp_path / "base", seed=1)
    with pytest.raises(CheckpointError, match="its weights have changed"):
        load_checkpoint(tmp_path / "model")


def test_a_base_that_is_gone_is_named_beside_the_checkpoint(folders, tmp_path):
    folder = write_encoder("qwen2", tmp_path / "base")
    save_checkpoint(Checkpoint(network(folder, "lora"), BASELINE), tmp_path / "model")
    folder.rename(tmp_path / "elsewhere")
    words = "holds only what was trained beside an encoder.*base' can't be loaded"
    with pytest.raises(CheckpointError, match=words):
        load_checkpoint(tmp_path / "model")


@pytest.mark.parametrize("mode", MODES)
def test_a_run_may_start_from_a_checkpoint_of_the_same_shape(folders, tmp_path, mode):
    began = Predictor(load_checkpoint(folders["mini"]))
    config = DistanceNetworkConfig(encoder=tiny_config("mini"), head=HEADS["pair"])
    net = build_network(config, mode, init_from=folders["mini"])
    same = Predictor(Checkpoint(net, BASELINE)).predict(SEQUENCES[0]).distances
    np.testing.assert_array_equal(same, began.predict(SEQUENCES[0]).distances)
    learn(net, 2)
    save_checkpoint(Checkpoint(net, BASELINE), tmp_path)
    learned = Predictor(Checkpoint(net, BASELINE)).predict(SEQUENCES[0]).distances
    assert not np.array_equal(learned, same)
    np.testing.assert_array_equal(load(tmp_path).predict(SEQUENCES[0]).distances, learned)


def test_adapters_beside_the_shipped_mini_are_found_by_its_name(tmp_path, monkeypatch):
    monkeypatch.setenv("DISTMAT_HOME", str(tmp_path / "home"))
    from distmat.model.weights import read_network_config
    from distmat.workspace import checkpoint_path

    shape = read_network_config(checkpoint_path("mini"))
    config = DistanceNetworkConfig(encoder=shape.encoder, head=shape.head)
    net = build_network(config, "lora", init_from=checkpoint_path("mini")).eval()
    save_checkpoint(Checkpoint(net, BASELINE), tmp_path / "model")
    assert read_network_config(tmp_path / "model").encoder_name == "checkpoint:mini"
    shipped, adapted = load("mini"), load(tmp_path / "model")
    assert adapted.network.count_parameters() > shipped.network.count_parameters()
    shipped.network.config.distogram_temperature = 1.0
    np.testing.assert_array_equal(
        adapted.predict("MKTAYIAKQRQISFVK").distances, shipped.predict("MKTAYIAKQRQISFVK").distances
    )


def test_a_start_of_another_shape_is_refused(folders):
    head = {**HEADS["pair"], "width": 16}
    config = DistanceNetworkConfig(encoder=tiny_config("mini"), head=head)
    with pytest.raises(CheckpointError, match="has another shape than this run"):
        build_network(config, init_from=folders["mini"])
    config = DistanceNetworkConfig(encoder=tiny_config("esm"), head=HEADS["pair"])
    with pytest.raises(CheckpointError, match="has another shape than this run"):
        build_network(config, init_from=folders["mini"])


@pytest.mark.parametrize("name", ["head.safetensors", "adapter_model.safetensors"])
def test_a_missing_or_damaged_part_is_named(folders, tmp_path, name):
    save_checkpoint(Checkpoint(network(folders["qwen2"], "lora"), BASELINE), tmp_path)
    whole = (tmp_path / name).read_bytes()
    (tmp_path / name).write_bytes(whole[: len(whole) // 2])
    with pytest.raises(CheckpointError, match="can't be loaded"):
        load_checkpoint(tmp_path)
    (tmp_path / name).unlink()
    with pytest.raises(CheckpointError, match=name):
        load_checkpoint(tmp_path)


def test_the_same_seed_makes_the_same_network(folders):
    first, second = (learn(network(folders["qwen2"], "lora", seed=4), 3) for _ in range(2))
    assert first == second
