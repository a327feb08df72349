"""The network: encoder, pair head and loss."""

import numpy as np
import pytest
import torch
from scipy.spatial.distance import pdist, squareform

from distmat.model.encoders.mini_modules import MiniConfig
from distmat.model.heads.pair_modules import OFFSET_BUCKETS, PairPatches, bin_edges, offset_bucket
from distmat.model.losses import distogram_cross_entropy, pairs_of
from distmat.model.network import DistanceNetwork, DistanceNetworkConfig
from distmat.model.tokens import encode


def tiny_network(patch: int = 1) -> DistanceNetwork:
    """A network of the real class, small enough for a test, with every weight drawn at random."""
    torch.manual_seed(0)
    encoder = MiniConfig(hidden_size=16, num_hidden_layers=2, num_attention_heads=2)
    head = {"width": 8, "rank": 4, "dilations": [1, 2], "bins": 48}
    head |= {"patch": patch, "fine_width": 6}
    network = DistanceNetwork(DistanceNetworkConfig(encoder=encoder, head=head))
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.add_(0.1 * torch.randn_like(parameter))
    return network.eval()


def run(network, sequences: list[str], start: int = 0, chain_length: int | None = None):
    longest = max(map(len, sequences))
    input_ids, mask = torch.zeros(2, len(sequences), longest, dtype=torch.long)
    for row, sequence in enumerate(sequences):
        input_ids[row, : len(sequence)] = torch.from_numpy(encode(sequence))
        mask[row, : len(sequence)] = 1
    lengths = torch.tensor([chain_length or len(sequence) for sequence in sequences])
    position = (start + torch.arange(longest)).expand(len(sequences), -1)
    with torch.no_grad():
        return network(input_ids, mask, position, lengths).logits


@pytest.mark.parametrize("patch", [1, 3])
def test_logits_are_symmetric_in_the_residues(patch):
    logits = run(tiny_network(patch), ["ACDEFGHIKLMNPQRSTVWY"])
    torch.testing.assert_close(logits, logits.transpose(1, 2))


@pytest.mark.parametrize("patch", [1, 2, 3])
def test_padding_changes_nothing(patch):
    network = tiny_network(patch)
    alone = run(network, ["MKTAYIAK"])
    padded = run(network, ["MKTAYIAK", "ACDEFGHIKLMNPQRSTVWY"])
    torch.testing.assert_close(padded[0, :8, :8], alone[0], atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("patch", [1, 2])
def test_every_residue_tells_on_pairs_it_is_no_part_of(patch):
    network = tiny_network(patch)
    before, after = run(network, ["MKTAYIAKQR"]), run(network, ["MKTAYIAKQW"])
    assert (before[0, 0, 1] - after[0, 0, 1]).abs().max() > 1e-6


@pytest.mark.parametrize("width", [16, 24])
def test_gradients_in_bfloat16_are_finite_and_near_those_in_float32(width):
    encoder = MiniConfig(hidden_size=16, num_hidden_layers=1, num_attention_heads=2, dropout=0.0)
    head = {"width": width, "rank": 4, "dilations": [1, 2], "dropout": 0.0}
    network = DistanceNetwork(DistanceNetworkConfig(encoder=encoder, head=head))
    torch.nn.init.normal_(network.head.blocks[1].convolution.near.weight, std=0.1)
    ids = torch.randint(3, 22, (2, 40))
    place, ca = torch.arange(40).expand(2, -1), torch.randn(2, 40, 3).cumsum(dim=1) * 3
    gradients = []
    for halved in (False, True):
        network.zero_grad()
        with torch.autocast("cpu", torch.bfloat16, enabled=halved):
            loss = network(ids, torch.ones_like(ids), place, torch.tensor([40, 40]), ca).loss
        loss.backward()
        gradients.append(network.head.blocks[1].convolution.wide.weight.grad.clone())
    assert (gradients[0] - gradients[1]).norm() < 0.1 * gradients[0].norm()


def test_patches_are_squares_of_neighbouring_pairs_and_go_back_where_they_were():
    patches = PairPatches(fine=1, width=4, side=2)
    for layer in (patches.merge, patches.split):
        torch.nn.init.eye_(layer.weight)
        torch.nn.init.zeros_(layer.bias)
    patches.norm = torch.nn.Identity()
    torch.nn.init.zeros_(patches.finish.near.weight)
    torch.nn.init.zeros_(patches.finish.near.bias)
    z = torch.arange(25.0).reshape(1, 5, 5, 1)
    coarse, mask = patches.coarsen(z, torch.ones(1, 5, 5, 1))
    assert coarse.shape == (1, 3, 3, 4) and mask.all()
    assert coarse[0, 1, 0].tolist() == [10.0, 11.0, 15.0, 16.0]
    assert coarse[0, 2, 2].tolist() == [24.0, 0.0, 0.0, 0.0]
    torch.testing.assert_close(
        patches.refine(torch.zeros_like(z), torch.ones(1, 5, 5, 1), coarse), z
    )


def test_order_and_chain_length_matter():
    network = tiny_network()
    forward, backward = run(network, ["ACDEFG"]), run(network, ["GFEDCA"])
    assert not torch.allclose(forward, backward.flip(1, 2), atol=1e-4)
    assert not torch.allclose(run(network, ["ACDEFG"], chain_length=300), forward, atol=1e-4)


def test_bins_have_an_edge_on_the_contact_cutoff_and_rise():
    edges = bin_edges(64)
    assert len(edges) == 63 and 8.0 in edges.tolist() and (edges.diff() > 0).all()
    assert edges[0] == 3.0 and edges[-1] == pytest.approx(90.0)


def test_offset_buckets_tell_direction_and_near_offsets_apart():
    offsets = torch.arange(-3000, 3001)
    buckets = offset_bucket(offsets)
    assert buckets.min() == 0 and buckets.max() == OFFSET_BUCKETS - 1
    near = buckets[(offsets >= -24) & (offsets <= 24)]
    assert len(near.unique()) == 49
    assert (buckets[offsets > 0].diff() >= 0).all()


def test_loss_is_the_cross_entropy_of_the_true_bin_over_observed_pairs():
    rng = np.random.default_rng(0)
    ca = rng.normal(scale=15, size=(9, 3))
    ca[4] = np.nan
    logits = rng.normal(size=(9, 9, 64))
    edges = bin_edges(64)
    log_p = logits - np.log(np.exp(logits).sum(axis=-1, keepdims=True))
    truth = squareform(pdist(ca))
    expected = -np.mean(
        [
            log_p[i, j, np.searchsorted(edges.numpy(), truth[i, j])]
            for i in range(9)
            for j in range(i + 1, 9)
            if i != 4 and j != 4
        ]
    )
    loss = distogram_cross_entropy(
        torch.tensor(logits)[None], pairs_of(torch.tensor(ca, dtype=torch.float32)[None]), edges
    )
    assert loss.item() == pytest.approx(expected, rel=1e-5)


def test_loss_does_not_change_when_the_structure_is_turned_and_moved():
    rng = np.random.default_rng(1)
    ca = torch.tensor(rng.normal(scale=15, size=(1, 12, 3)))
    turn = torch.linalg.qr(torch.tensor(rng.normal(size=(3, 3)))).Q
    logits = torch.tensor(rng.normal(size=(1, 12, 12, 64)))
    edges = bin_edges(64).double()
    before = distogram_cross_entropy(logits, pairs_of(ca), edges)
    after = distogram_cross_entropy(logits, pairs_of(ca @ turn + 100.0), edges)
    torch.testing.assert_close(before, after)


def test_the_head_can_be_shown_some_residues_of_what_the_encoder_reads():
    network = tiny_network(patch=2)

    def far(sequence: str, shown: list[int]) -> torch.Tensor:
        ids = torch.from_numpy(encode(sequence))[None]
        place = torch.tensor([shown])
        lengths = torch.tensor([len(sequence)])
        with torch.no_grad():
            return network(ids, torch.ones_like(ids), place, lengths, shown=place).logits

    ends = [0, 1, 2, 9, 10, 11]
    whole = run(network, ["MKTAYIAKQRDE"])
    torch.testing.assert_close(far("MKTAYIAKQRDE", list(range(12))), whole, atol=1e-5, rtol=1e-4)
    before, after = far("MKTAYIAKQRDE", ends), far("MKTAYWAKQRDE", ends)
    assert before.shape == (1, 6, 6, 48) and (before - after).abs().max() > 1e-6
