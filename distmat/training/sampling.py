"""Which stretch of which chain a batch holds.

Families are uneven, so an epoch draws one chain of every sequence cluster. Crops of
similar length share a batch, and a batch holds a bounded number of residue pairs, for
their number is what time and memory go by. Everything follows from the seed and the
epoch: a run that was stopped and resumed sees the batches it would have seen.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch.utils.data import Dataset as TorchDataset
from torch.utils.data import Sampler

from distmat.dataset.store import Dataset
from distmat.model.tokens import MASK, PAD, encode


@dataclass(frozen=True)
class Crop:
    """Residues `start` to `start + length` of chain number `chain`, with a seed for its masks."""

    chain: int
    start: int
    length: int
    seed: int


class ClusterBatches(Sampler[list[Crop]]):
    """Batches of crops; one chain of each cluster in an epoch.

    Parameters
    ----------
    lengths, clusters : ndarray, shape=(chains,), dtype=int
    crops : sequence of int
        A batch's chains are cut to one of these lengths.
    pairs : int
        Residue pairs of a batch, at the length of its longest crop.
    seed : int
    """

    def __init__(
        self,
        lengths: np.ndarray,
        clusters: np.ndarray,
        crops: tuple[int, ...],
        pairs: int,
        seed: int,
    ) -> None:
        self.lengths, self.crops, self.pairs, self.seed = lengths, crops, pairs, seed
        order = np.argsort(clusters, kind="stable")
        starts = np.flatnonzero(np.diff(clusters[order], prepend=clusters[order][0] - 1))
        self.members = np.split(order, starts[1:])
        self.epoch = 0

    def set_epoch(self, epoch: int) -> None:
        """Draw the batches of this epoch from now on."""
        self.epoch = epoch

    def __len__(self) -> int:
        # An estimate that the seed decides alone: transformers counts epochs with it.
        return len(self._batches(epoch=0))

    def __iter__(self) -> Iterator[list[Crop]]:
        return iter(self._batches(self.epoch))

    def _batches(self, epoch: int) -> list[list[Crop]]:
        rng = np.random.default_rng([self.seed, epoch])
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
            if batch and (len(batch) + 1) * longest**2 > self.pairs:
                batches.append(batch)
                batch, longest = [], length
            start = int(rng.integers(self.lengths[chain] - length + 1))
            batch.append(Crop(chain, start, length, int(rng.integers(2**32))))
        batches.append(batch)
        return [batches[index] for index in rng.permutation(len(batches))]


class CroppedChains(TorchDataset):
    """Crops of a dataset's chains, as arrays; indexed by `Crop`."""

    def __init__(self, dataset: Dataset) -> None:
        self.chains = dataset.chains

    def __len__(self) -> int:
        return len(self.chains)

    def __getitem__(self, crop: Crop) -> dict:
        chain = self.chains[crop.chain]
        cut = slice(crop.start, crop.start + crop.length)
        return {
            "input_ids": encode(chain.sequence[cut]),
            "position": np.arange(crop.start, crop.start + crop.length),
            "chain_length": len(chain),
            "ca": chain.ca[cut],
            "seed": crop.seed,
        }


class PadAndMask:
    """Crops of different length as one batch, with a share of the residues hidden.

    Parameters
    ----------
    masked_residues : float
        Share of the residues whose token becomes `MASK`.
    """

    def __init__(self, masked_residues: float) -> None:
        self.masked_residues = masked_residues

    def __call__(self, crops: list[dict]) -> dict[str, torch.Tensor]:
        shape = (len(crops), max(len(crop["input_ids"]) for crop in crops))
        input_ids = np.full(shape, PAD)
        attention_mask = np.zeros(shape, dtype=np.int64)
        position = np.zeros(shape, dtype=np.int64)
        ca = np.full((*shape, 3), np.nan, dtype=np.float32)
        for row, crop in enumerate(crops):
            n = len(crop["input_ids"])
            hidden = np.random.default_rng(crop["seed"]).random(n) < self.masked_residues
            input_ids[row, :n] = np.where(hidden, MASK, crop["input_ids"])
            attention_mask[row, :n] = 1
            position[row, :n] = crop["position"]
            ca[row, :n] = crop["ca"]
        return {
            "input_ids": torch.from_numpy(input_ids),
            "attention_mask": torch.from_numpy(attention_mask),
            "position": torch.from_numpy(position),
            "chain_length": torch.tensor([crop["chain_length"] for crop in crops]),
            "ca": torch.from_numpy(ca),
        }
