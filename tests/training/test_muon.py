"""The optimizer whose updates are orthogonal, against PyTorch's own for plain matrices."""

import pytest
import torch
from torch import nn

from distmat.model.build import build_network
from distmat.training import muon
from distmat.training.config import TrainingConfig
from distmat.training.muon import Muon, orthogonalise
from distmat.training.network_arguments import network_arguments


class Network(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.embedding = nn.Embedding(20, 16)
        self.wide, self.tall = nn.Linear(16, 40), nn.Linear(40, 12)


def steps(network: nn.Module, optimizers: list[torch.optim.Optimizer], count: int = 3) -> None:
    torch.manual_seed(2)
    for _ in range(count):
        for weight in network.parameters():
            # Of gradients with small singular values rounding would decide the update.
            weight.grad = torch.randn_like(weight) if weight.requires_grad else None
        for optimizer in optimizers:
            optimizer.step()


@pytest.mark.parametrize("has_bf16", [True, False], ids=["bfloat16", "float32"])
@pytest.mark.parametrize("shape", [(12, 30), (30, 12), (16, 16)])
def test_the_update_is_near_the_nearest_orthogonal_matrix(shape, has_bf16, monkeypatch):
    monkeypatch.setattr(muon, "processor_has_bf16", lambda: has_bf16)
    torch.manual_seed(1)
    matrix = torch.randn(shape)
    u, _, v = torch.linalg.svd(matrix, full_matrices=False)
    found = orthogonalise(matrix)
    values = torch.linalg.svdvals(found)
    assert values.min() > 0.6 and values.max() < 1.3
    cosine = (found * (u @ v)).sum() / found.norm() / (u @ v).norm()
    assert cosine > 0.97


def test_matrices_move_as_with_pytorchs_own_and_the_rest_as_with_adamw():
    mine, theirs = Network(), Network()
    began = {name: weight.clone() for name, weight in mine.named_parameters()}
    steps(mine, [Muon(mine, learning_rate=0.01, weight_decay=0.1)])
    matrices = [theirs.wide.weight, theirs.tall.weight]
    rest = [theirs.embedding.weight], [theirs.wide.bias, theirs.tall.bias]
    groups = [{"params": group, "weight_decay": d} for group, d in zip(rest, (0.1, 0), strict=True)]
    other = torch.optim.Muon(matrices, 0.01, 0.1, adjust_lr_fn="match_rms_adamw")
    steps(theirs, [other, torch.optim.AdamW(groups, lr=0.01)])
    for name, weight in theirs.named_parameters():
        # Muon rounds to bfloat16, not everywhere in the same order.
        moved, apart = weight - began[name], weight - mine.get_parameter(name)
        assert apart.norm() < 0.05 * moved.norm()


def test_convolutions_are_matrices_and_the_logits_are_not():
    network = build_network(**network_arguments(TrainingConfig(pair_patch=2)))
    groups = Muon(network, 1e-3, 0.1).param_groups
    orthogonal = {id(w) for group in groups if group["orthogonal"] for w in group["params"]}
    head, layer = network.head, network.encoder.layers[0]
    inside = (head.blocks[0].convolution.wide, head.patches.merge, layer.qkv, layer.up)
    outside = (head.logits, head.offset, network.encoder.embedding, layer.conv, layer.offset_bias)
    assert all(id(module.weight) in orthogonal for module in inside)
    assert not any(id(module.weight) in orthogonal for module in outside)
    everything = [weight for group in groups for weight in group["params"]]
    assert len(everything) == len(list(network.parameters()))
    assert all(w.ndim < 2 for group in groups if not group["weight_decay"] for w in group["params"])


def test_weights_that_do_not_learn_are_left_alone():
    network = Network()
    network.wide.weight.requires_grad_(False)
    before = network.wide.weight.clone()
    steps(network, [Muon(network, 0.01, 0.1)])
    torch.testing.assert_close(network.wide.weight, before, atol=0, rtol=0)
