"""Batches of crops."""

import numpy as np
import pytest
import torch

from distmat.dataset.store import Dataset
from distmat.library.evidence import gather_evidence
from distmat.library.templates import lay
from distmat.model.tokens import MASK, PAD, mini_tokenizer
from distmat.protein.chain import Chain
from distmat.training.sampling import ClusterBatches, Crop, CroppedChains, PadAndMask

LENGTHS = np.array([40, 300, 90, 128, 35, 500, 60])
CLUSTERS = np.array([2, 2, 2, 5, 9, 9, 11])


def batches(seed: int = 0, epoch: int = 0) -> list[list[Crop]]:
    sampler = ClusterBatches(LENGTHS, CLUSTERS, (64, 96), 2 * 96**2, seed)
    sampler.set_epoch(epoch)
    return list(sampler)


def test_every_pass_draws_one_chain_of_each_cluster_and_the_next_one_follows_at_once():
    crops = [crop for epoch in range(20) for batch in batches(epoch=epoch) for crop in batch]
    drawn = [int(CLUSTERS[crop.chain]) for crop in crops]
    whole = len(drawn) // 4
    assert whole >= 15
    for number in range(whole):
        assert sorted(drawn[4 * number : 4 * number + 4]) == [2, 5, 9, 11]


def test_in_the_long_run_every_chain_of_a_cluster_is_drawn_and_every_place_of_a_long_one():
    crops = [c for epoch in range(200) for batch in batches(epoch=epoch) for c in batch]
    assert {crop.chain for crop in crops} == set(range(7))
    starts = {crop.start for crop in crops if crop.chain == 5}
    assert min(starts) < 60 and max(starts) > 340


def test_crops_lie_inside_their_chain_and_batches_inside_their_bound():
    for epoch in range(50):
        for batch in batches(epoch=epoch):
            assert len(batch) * max(crop.length for crop in batch) ** 2 <= 2 * 96**2
            for crop in batch:
                assert crop.length == min(LENGTHS[crop.chain], crop.length)
                assert 0 <= crop.start <= LENGTHS[crop.chain] - crop.length


def test_the_seed_and_the_epoch_decide_everything():
    assert batches(seed=3, epoch=4) == batches(seed=3, epoch=4)
    assert batches(seed=3, epoch=4) != batches(seed=3, epoch=5)
    assert batches(seed=3, epoch=4) != batches(seed=4, epoch=4)


def test_a_batch_pads_with_what_no_loss_and_no_attention_sees():
    chain = Chain("a", "ACDEFGHIKL" * 5, np.arange(150.0).reshape(50, 3))
    dataset = CroppedChains(
        Dataset("d", (chain,), np.array([0]), np.array([True])), mini_tokenizer()
    )
    batch = PadAndMask(mini_tokenizer(), 0.0)(
        [dataset[Crop(0, 3, 10, 1)], dataset[Crop(0, 40, 6, 2)]]
    )
    assert batch["input_ids"].shape == (2, 10)
    assert (batch["input_ids"][1, 6:] == PAD).all() and (batch["attention_mask"][1, 6:] == 0).all()
    assert torch.isnan(batch["ca"][1, 6:]).all()
    torch.testing.assert_close(batch["ca"][1, :6], torch.tensor(chain.ca[40:46]).float())
    assert batch["position"][1, :6].tolist() == list(range(40, 46))
    assert batch["chain_length"].tolist() == [50, 50]


def test_the_wanted_share_of_residues_is_hidden_and_always_the_same_ones():
    chain = Chain("a", "ACDEFGHIKL" * 100, np.zeros((1000, 3)))
    dataset = CroppedChains(
        Dataset("d", (chain,), np.array([0]), np.array([True])), mini_tokenizer()
    )
    first, again = (
        PadAndMask(mini_tokenizer(), 0.2)([dataset[Crop(0, 0, 1000, 5)]])["input_ids"] for _ in "ab"
    )
    assert torch.equal(first, again)
    assert 0.15 < (first == MASK).float().mean() < 0.25


def shown(share: float, homologues=(("YYYYY", "WWWWW"),), crops: int = 400) -> list[str]:
    """What a chain of alanines shows in many draws, by its second residue."""
    chain = Chain("a", "AAAAA", np.zeros((5, 3)))
    dataset = Dataset("d", (chain,), np.array([0]), np.array([True]), homologues=homologues)
    crops_of = CroppedChains(dataset, mini_tokenizer(), share)
    letter = {int(mini_tokenizer().encode(x)[0]): x for x in "AYW"}
    drawn = [crops_of[Crop(0, 1, 3, seed)]["input_ids"] for seed in range(crops)]
    assert all(len(set(ids.tolist())) == 1 and len(ids) == 3 for ids in drawn)
    return [letter[int(ids[0])] for ids in drawn]


def test_the_wanted_share_of_draws_shows_a_homologue_and_always_the_same_ones():
    seen = shown(0.5)
    assert seen == shown(0.5)
    counts = {letter: seen.count(letter) / len(seen) for letter in "AYW"}
    assert counts == pytest.approx({"A": 0.5, "Y": 0.25, "W": 0.25}, abs=0.07)


def test_a_chain_without_homologues_and_a_share_of_zero_show_its_own_sequence():
    assert set(shown(1.0)) == {"Y", "W"}
    assert set(shown(0.0)) == set(shown(1.0, homologues=((),))) == set(shown(1.0, None)) == {"A"}


def shared(processes: int, accumulation: int, process: int, epochs: int = 3) -> list[list[Crop]]:
    sampler = ClusterBatches(
        LENGTHS, CLUSTERS, (64, 96), 96**2, 0, 10, accumulation, processes, process
    )
    seen = []
    for epoch in range(epochs):
        sampler.set_epoch(epoch)
        batches = list(sampler)
        assert len(batches) == len(sampler) == sampler.steps * accumulation
        seen += batches
    return seen


def test_processes_share_the_batches_that_one_would_accumulate():
    alone = shared(1, 2, 0)
    first, second = shared(2, 1, 0), shared(2, 1, 1)
    assert [batch for pair in zip(first, second, strict=True) for batch in pair] == alone


def test_an_epoch_can_be_entered_without_those_before():
    begun = ClusterBatches(LENGTHS, CLUSTERS, (64, 96), 96**2, 0)
    for epoch in range(5):
        begun.set_epoch(epoch)
        walked = list(begun)
    entered = ClusterBatches(LENGTHS, CLUSTERS, (64, 96), 96**2, 0)
    entered.set_epoch(4)
    assert list(entered) == walked


def test_more_accumulation_than_batches_takes_several_passes_for_a_step():
    sampler = ClusterBatches(LENGTHS, CLUSTERS, (64,), 10**9, 0, accumulation=3)
    assert sampler.steps == 1 and len(sampler) == 3
    assert [len(batch) for batch in sampler] == [4, 4, 4]


def test_a_batch_holds_no_more_chains_than_wanted():
    sampler = ClusterBatches(LENGTHS, np.arange(7), (64,), 10**9, 0, most_chains=1)
    assert [len(batch) for batch in sampler] == [1] * 7


def test_far_crops_leave_out_what_lies_between_two_stretches_of_one_chain():
    sampler = ClusterBatches(LENGTHS, CLUSTERS, (64,), 10**9, 0, far_share=1.0)
    crops = [crop for epoch in range(9) for batch in _epoch(sampler, epoch) for crop in batch]
    gaps = [crop.gap for crop in crops]
    for crop in crops:
        assert (crop.gap > 0) == (LENGTHS[crop.chain] > 64)
        assert crop.stretch.stop <= LENGTHS[crop.chain] and len(crop.residues) == crop.length
        steps = np.diff(crop.residues)
        assert sorted(steps)[:-1] == [1] * (crop.length - 2) and steps.max() == crop.gap + 1
    assert len(set(gaps)) > 5


def _epoch(sampler, epoch):
    sampler.set_epoch(epoch)
    return list(sampler)


def test_of_a_far_crop_the_encoder_reads_all_and_the_head_sees_the_ends():
    letters = "ACDEFGHIKL" * 5
    chain = Chain("a", letters, np.arange(150.0).reshape(50, 3))
    dataset = CroppedChains(
        Dataset("d", (chain,), np.array([0]), np.array([True])), mini_tokenizer()
    )
    batch = PadAndMask(mini_tokenizer(), 0.0)(
        [dataset[Crop(0, 3, 6, 1, gap=20)], dataset[Crop(0, 40, 8, 2)]]
    )
    ends = [3, 4, 5, 26, 27, 28]
    assert batch["attention_mask"].sum(dim=1).tolist() == [26, 8]
    assert batch["position"][0].tolist() == [*ends, 0, 0]
    assert batch["shown"].tolist() == [[0, 1, 2, 23, 24, 25, -1, -1], list(range(8))]
    torch.testing.assert_close(batch["ca"][0, :6], torch.tensor(chain.ca[ends]).float())
    assert torch.isnan(batch["ca"][0, 6:]).all()


def test_batches_are_padded_further_only_if_wanted():
    chain = Chain("a", "ACDEFGHIKL", np.zeros((10, 3)))
    dataset = CroppedChains(
        Dataset("d", (chain,), np.array([0]), np.array([True])), mini_tokenizer()
    )
    padded = PadAndMask(mini_tokenizer(), 0.0, pad_to=32)([dataset[Crop(0, 0, 10, 1)]])
    assert padded["input_ids"].shape == (1, 32) and int(padded["attention_mask"].sum()) == 10


class Shown:
    """What two chains are shown with: the first with a template, the second with a profile."""

    def __init__(self, template):
        self.template = template

    def draw_templates(self, number, rng):
        return [self.template] if number == 0 else []

    def draw_profile(self, number, rng):
        return np.full((50, 20), 0.05) if number == 1 else None


def test_a_batch_tells_what_is_known_of_the_crops_and_not_of_what_was_cut_off():
    rng = np.random.default_rng(0)
    letters = "ACDEFGHIKL" * 5
    chains = tuple(Chain(name, letters, rng.normal(size=(50, 3)) * 8) for name in "ab")
    template = lay(letters, chains[0], np.where(np.arange(50) < 30, np.arange(50), -1), 1e-9)
    bounds = np.linspace(2, 60, 9)
    dataset = CroppedChains(
        Dataset("d", chains, np.arange(2), np.ones(2, dtype=bool)),
        mini_tokenizer(),
        relatives=Shown(template),
        bounds=bounds,
    )
    batch = PadAndMask(mini_tokenizer(), 0.0, bins=8)(
        [dataset[Crop(0, 20, 20, 1)], dataset[Crop(1, 0, 24, 2)]]
    )
    whole = gather_evidence([template], bounds)
    expected = torch.from_numpy(whole.log_likelihood[20:40, 20:40])
    torch.testing.assert_close(batch["evidence"][0, :20, :20], expected, atol=1e-4, rtol=1e-4)
    assert batch["witnesses"][0, :10, :10].sum() == 90
    assert not batch["witnesses"][0, 10:].any() and not batch["witnesses"][1].any()
    assert not batch["profile"][0].any() and batch["profile"][1, :, :20].eq(0.05).all()
