"""Which stretch of which chain a batch holds.

Families are uneven, so an epoch draws one chain of every sequence cluster. Crops of
similar length share a batch, and a batch holds a bounded number of residue pairs, for
their number is what time and memory go by. Everything follows from the seed and the
step: a run that was stopped and resumed sees the batches it would have seen, and
several processes see together what one with as many more batches to a step would see.
"""

import bisect
import itertools
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch.utils.data import Dataset as TorchDataset
from torch.utils.data import Sampler

from distmat.dataset.store import Dataset
from distmat.library.evidence import gather_evidence
from distmat.library.training_relatives import TrainingRelatives
from distmat.model.relatives import pad_relatives, profile_features
from distmat.model.tokens import ResidueTokenizer


@dataclass(frozen=True)
class Crop:
    """`length` residues of chain number `chain` from `start` on, with a seed for its masks.

    With a `gap`, so many residues are left out halfway.
    """

    chain: int
    start: int
    length: int
    seed: int
    gap: int = 0

    @property
    def stretch(self) -> slice:
        """From the first residue to the last, those of the gap, too."""
        return slice(self.start, self.start + self.length + self.gap)

    @property
    def residues(self) -> np.ndarray:
        """Their indices in the chain; shape=(length,)."""
        index = np.arange(self.start, self.start + self.length)
        index[self.length // 2 :] += self.gap
        return index


class ClusterBatches(Sampler[list[Crop]]):
    """Batches of crops, one chain of each cluster in each pass over them.

    Passes differ in their number of batches, and what is left of one after its last whole step
    begins the next: so an epoch here is as many steps as the first pass has whole ones.

    Parameters
    ----------
    lengths, clusters : ndarray, shape=(chains,), dtype=int
    crops : sequence of int
        A batch's chains are cut to one of these lengths.
    pairs : int
        Residue pairs of a batch, at the length of its longest crop.
    seed : int
    most_chains : int
        Chains of a batch.
    accumulation : int
        Batches of one process to a step.
    processes, process : int
        How many share the batches, and which of them this one is.
    far_share : float
        Share of the crops, 0 to 1, of longer chains that have a gap, of any length there is room
        for.
    """

    def __init__(
        self,
        lengths: np.ndarray,
        clusters: np.ndarray,
        crops: tuple[int, ...],
        pairs: int,
        seed: int,
        most_chains: int = 1_000_000,
        accumulation: int = 1,
        processes: int = 1,
        process: int = 0,
        far_share: float = 0.0,
    ) -> None:
        self.lengths, self.crops, self.pairs, self.seed = lengths, crops, pairs, seed
        self.most_chains, self.far_share = most_chains, far_share
        self.processes, self.process = processes, process
        order = np.argsort(clusters, kind="stable")
        starts = np.flatnonzero(np.diff(clusters[order], prepend=clusters[order][0] - 1))
        self.members = np.split(order, starts[1:])
        self.epoch = 0
        # The step alone then tells the batch that a resumed run goes on with.
        self.steps = max(1, len(self._batches(0)) // (accumulation * processes))
        self.per_process = self.steps * accumulation
        self._begins = [0]

    def set_epoch(self, epoch: int) -> None:
        """Draw the batches of this epoch from now on."""
        self.epoch = epoch

    def __len__(self) -> int:
        return self.per_process

    def __iter__(self) -> Iterator[list[Crop]]:
        all_batches = self._from(self.epoch * self.per_process * self.processes)
        mine = itertools.islice(all_batches, self.process, None, self.processes)
        return itertools.islice(mine, self.per_process)

    def _from(self, first: int) -> Iterator[list[Crop]]:
        """The batches of all passes one after the other, from the so-manieth on."""
        number = bisect.bisect_right(self._begins, first) - 1
        while True:
            batches = self._batches(number)
            if number + 1 == len(self._begins):
                self._begins.append(self._begins[number] + len(batches))
            yield from batches[max(first - self._begins[number], 0) :]
            number += 1

    def _batches(self, number: int) -> list[list[Crop]]:
        """Those of one pass."""
        rng = np.random.default_rng([self.seed, number])
        drawn = np.array([rng.choice(members) for members in self.members])
        # The crop's length is drawn for each chain, the batches are cut from the sorted
        # chains, so that little of a batch is padding.
        cropped = np.minimum(self.lengths[drawn], rng.choice(self.crops, size=len(drawn)))
        order = np.lexsort((rng.random(len(drawn)), cropped))[::-1]
        batches: list[list[Crop]] = []
        batch: list[Crop] = []
        longest = 0
        for index in order:
            chain, length = int(drawn[index]), int(cropped[index])
            longest = max(longest, length)
            full = (len(batch) + 1) * longest**2 > self.pairs or len(batch) == self.most_chains
            if batch and full:
                batches.append(batch)
                batch, longest = [], length
            room = int(self.lengths[chain]) - length
            gap = 0
            if self.far_share and room and rng.random() < self.far_share:
                gap = int(rng.integers(1, room + 1))
            start = int(rng.integers(room - gap + 1))
            batch.append(Crop(chain, start, length, int(rng.integers(2**32)), gap))
        batches.append(batch)
        return [batches[index] for index in rng.permutation(len(batches))]


class CroppedChains(TorchDataset):
    """Crops of a dataset's chains, as arrays; indexed by `Crop`.

    Parameters
    ----------
    dataset : Dataset
    tokenizer : ResidueTokenizer
    homologue_share : float
        Share of the crops, 0 to 1, of chains with homologues that show one of those.
    relatives : TrainingRelatives, optional
        What is shown beside the chains.
    bounds : ndarray, shape=(K + 1,), optional
        Å: between which the distance bins lie that evidence is given for; with `relatives`.
    """

    def __init__(
        self,
        dataset: Dataset,
        tokenizer: ResidueTokenizer,
        homologue_share: float = 0.0,
        relatives: TrainingRelatives | None = None,
        bounds: np.ndarray | None = None,
    ) -> None:
        self.chains, self.tokenizer = dataset.chains, tokenizer
        self.homologues, self.homologue_share = dataset.homologues, homologue_share
        self.relatives, self.bounds = relatives, bounds

    def __len__(self) -> int:
        return len(self.chains)

    def __getitem__(self, crop: Crop) -> dict:
        chain = self.chains[crop.chain]
        residues = crop.residues
        return {
            "input_ids": self.tokenizer.encode(self._sequence(crop)[crop.stretch]),
            "position": residues,
            "chain_length": len(chain),
            "ca": chain.ca[residues],
            "seed": crop.seed,
            **self._relatives(crop),
        }

    def _relatives(self, crop: Crop) -> dict:
        """What is known of the chain's relatives."""
        if self.relatives is None or self.bounds is None:
            return {}
        rng = np.random.default_rng([crop.seed, 2])
        templates = self.relatives.draw_templates(crop.chain, rng)
        frequency = self.relatives.draw_profile(crop.chain, rng)
        return {
            "evidence": gather_evidence(templates, self.bounds, crop.residues)
            if templates
            else None,
            "profile": None if frequency is None else profile_features(frequency)[crop.residues],
        }

    def _sequence(self, crop: Crop) -> str:
        """The chain's own, or a homologue's."""
        others = self.homologues[crop.chain] if self.homologues else ()
        if others:
            # Not the stream that hides residues: they are the same ones whoever is shown.
            rng = np.random.default_rng([crop.seed, 1])
            if rng.random() < self.homologue_share:
                return others[rng.integers(len(others))]
        return self.chains[crop.chain].sequence


class PadAndMask:
    """Crops of different length as one batch, with a share of the residues hidden.

    Parameters
    ----------
    tokenizer : ResidueTokenizer
        Its `pad` fills, its `mask` hides.
    masked_residues : float
        Share of the residues that are hidden.
    pad_to : int
        Residues to pad to; 0 for those of the longest crop.
    bins : int
        Distance bins that evidence is given for; 0: none is.
    """

    def __init__(
        self, tokenizer: ResidueTokenizer, masked_residues: float, pad_to: int = 0, bins: int = 0
    ) -> None:
        self.tokenizer, self.masked_residues, self.pad_to = tokenizer, masked_residues, pad_to
        self.bins = bins

    def __call__(self, crops: list[dict]) -> dict[str, torch.Tensor]:
        longest = max(len(crop["position"]) for crop in crops)
        shape = (len(crops), max(longest, self.pad_to))
        read = max(shape[1], *(len(crop["input_ids"]) for crop in crops))
        input_ids = np.full((len(crops), read), self.tokenizer.pad)
        attention_mask = np.zeros((len(crops), read), dtype=np.int64)
        position = np.zeros(shape, dtype=np.int64)
        shown = np.full(shape, -1)
        ca = np.full((*shape, 3), np.nan, dtype=np.float32)
        for row, crop in enumerate(crops):
            n, m = len(crop["position"]), len(crop["input_ids"])
            hidden = np.random.default_rng(crop["seed"]).random(m) < self.masked_residues
            input_ids[row, :m] = np.where(hidden, self.tokenizer.mask, crop["input_ids"])
            attention_mask[row, :m] = 1
            position[row, :n] = crop["position"]
            shown[row, :n] = crop["position"] - crop["position"][0]
            ca[row, :n] = crop["ca"]
        evidence, profiles = (
            [crop.get(name) for crop in crops] for name in ("evidence", "profile")
        )
        batch = {
            "input_ids": torch.from_numpy(input_ids),
            "attention_mask": torch.from_numpy(attention_mask),
            "position": torch.from_numpy(position),
            "chain_length": torch.tensor([crop["chain_length"] for crop in crops]),
            "ca": torch.from_numpy(ca),
            **(pad_relatives(evidence, profiles, shape[1], self.bins) if self.bins else {}),
        }
        if any(len(crop["input_ids"]) > len(crop["position"]) for crop in crops):
            batch["shown"] = torch.from_numpy(shown)
        return batch
