"""From a sequence to a distance map."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import torch

from distmat.errors import SequenceError
from distmat.geometry.calibration import Calibration
from distmat.model.baseline import SeparationBaseline
from distmat.model.checkpoint import Checkpoint, load_checkpoint
from distmat.model.network import DistanceNetwork
from distmat.model.tokens import encode
from distmat.protein.distance_map import CONTACT_CUTOFF, DistanceMap
from distmat.protein.sequence import check_letters
from distmat.workspace import checkpoint_path

BYTES_PER_PAIR_STATE = 16
"""Peak memory of a prediction for each pair and each channel of its state, measured at N = 500
and 1,000 and rounded up."""

_QUICK = 300
"""Residues up to which one thread takes less than a second."""

OPEN_BINS = (2.0, 110.0)
"""Å: where the first and the last distance bin, open in training, are taken to end."""


class Predictor:
    """A checkpoint that answers.

    Parameters
    ----------
    checkpoint : Checkpoint

    Attributes
    ----------
    baseline : SeparationBaseline
    calibration : Calibration or None
    card : dict
        ``max_length``, the residues of the longest stretch it was trained on, and what the
        checkpoint tells of its training.
    """

    def __init__(self, checkpoint: Checkpoint) -> None:
        self.network: DistanceNetwork = checkpoint.network.eval()
        self.baseline: SeparationBaseline = checkpoint.baseline
        self.calibration: Calibration | None = checkpoint.calibration
        self.card = {
            **checkpoint.trained_on,
            "max_length": self.network.config.max_trained_length,
            "parameters": self.network.num_parameters(),
        }

    @torch.inference_mode()
    def predict(
        self, sequence: str, progress: Callable[[float, str], None] | None = None
    ) -> DistanceMap:
        """Predict the distance map of one chain.

        Parameters
        ----------
        sequence : str
            One letter per residue; lower case and white space are forgiven.
        progress : callable, optional
            Called with the share that is done, 0 to 1, and what is being done.

        Returns
        -------
        DistanceMap
            The median distance, its standard deviation and the probability of contact.

        Raises
        ------
        SequenceError
            If a letter is no amino acid, or the chain is too long for the memory there is.
        """
        sequence = check_letters(sequence)
        self._check_memory(len(sequence))
        report = progress or (lambda share, text: None)
        report(0.0, f"Predicting {len(sequence)} residues")
        with _threads_for(len(sequence)):
            logits_LLK = self._logits(sequence)
        report(0.8, "Reading distances from the distogram")
        return _distance_map(sequence, logits_LLK, self.network.edges)

    def _logits(self, sequence: str) -> torch.Tensor:
        n = len(sequence)
        device = self.network.device
        tokens_1L = torch.from_numpy(encode(sequence)).to(device)[None]
        return (
            self.network(
                input_ids=tokens_1L,
                attention_mask=torch.ones_like(tokens_1L),
                position=torch.arange(n, device=device)[None],
                chain_length=torch.tensor([n], device=device),
            )
            .logits[0]
            .div_(self.network.config.distogram_temperature)
        )

    def _check_memory(self, residues: int) -> None:
        head = self.network.head
        channels = head.logits.in_features + head.logits.out_features
        available = psutil.virtual_memory().available
        most = int((0.8 * available / (BYTES_PER_PAIR_STATE * channels)) ** 0.5)
        if residues > most:
            raise SequenceError(
                f"The sequence has {residues:,} residues, and the memory that is free now is "
                f"enough for {most:,}; cut it into domains."
            )


@contextmanager
def _threads_for(residues: int) -> Iterator[None]:
    """One thread for what is quick anyway.

    Beside a busy process, such as a training on the same machine, threads that wait for each
    other made a prediction of 99 residues 50 times slower.
    """
    threads = torch.get_num_threads()
    torch.set_num_threads(1 if residues <= _QUICK else threads)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


def load(name_or_path: str | Path = "mini") -> Predictor:
    """Open a checkpoint for prediction.

    Parameters
    ----------
    name_or_path : str or Path
        A folder, or the name of a checkpoint in the workspace or of one that ships.

    Raises
    ------
    CheckpointError
        If there is no such checkpoint, or it can't be loaded.
    """
    return Predictor(load_checkpoint(checkpoint_path(name_or_path)))


def _distance_map(sequence: str, logits_LLK: torch.Tensor, edges: torch.Tensor) -> DistanceMap:
    n = len(sequence)
    low, high = OPEN_BINS
    bounds = torch.cat([edges.new_tensor([low]), edges, edges.new_tensor([high])])
    centres, widths = (bounds[1:] + bounds[:-1]) / 2, bounds[1:] - bounds[:-1]
    below_cutoff = int((edges <= CONTACT_CUTOFF).sum())
    median, std, contacts = (torch.empty(n, n) for _ in range(3))
    # A few rows at a time: probabilities of all pairs at once would double the memory.
    for rows in torch.arange(n).split(max(1, 2**18 // n)):
        probability_RLK = logits_LLK[rows].float().softmax(dim=-1)
        cumulative_RLK = probability_RLK.cumsum(dim=-1)
        bin_RL1 = (cumulative_RLK < 0.5).sum(dim=-1, keepdim=True).clamp(max=len(widths) - 1)
        inside_RL1 = probability_RLK.gather(-1, bin_RL1).clamp(min=1e-9)
        before_RL1 = cumulative_RLK.gather(-1, bin_RL1) - inside_RL1
        share_RL = ((0.5 - before_RL1) / inside_RL1).clamp(0, 1)[..., 0]
        bin_RL = bin_RL1[..., 0]
        median[rows] = (bounds[bin_RL] + share_RL * widths[bin_RL]).cpu()
        mean_RL = probability_RLK @ centres
        spread_K = centres.square() + widths.square() / 12
        std[rows] = (probability_RLK @ spread_K - mean_RL.square()).clamp(min=0).sqrt().cpu()
        contacts[rows] = probability_RLK[..., :below_cutoff].sum(dim=-1).cpu()
    for table, diagonal in ((median, 0.0), (std, 0.0), (contacts, 1.0)):
        table.fill_diagonal_(diagonal)
    return DistanceMap(sequence, *(t.double().numpy() for t in (median, std, contacts)))
