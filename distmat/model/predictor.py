"""From a sequence to a distance map."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import psutil
import torch
from torch.nn.utils.rnn import pad_sequence

from distmat.errors import CheckpointError, SequenceError
from distmat.geometry.calibration import Calibration
from distmat.library.covariation import count_effective, gather_covariation, hears_covariation
from distmat.library.evidence import gather_evidence
from distmat.library.templates import Template, share_of_pairs
from distmat.model.checkpoint import Checkpoint, load_checkpoint
from distmat.model.network import DistanceNetwork
from distmat.model.output import NetworkOutput
from distmat.model.passes import NETWORK_SHARE, Report, few_threads, report_layers
from distmat.model.readout import (
    CONSISTENT,
    bin_bounds,
    check_readout,
    read_distances,
    read_distogram,
    whole_distogram,
)
from distmat.model.relatives import hear_templates, pad_relatives, profile_features
from distmat.model.residuals import Residuals, spread_of_known_chains
from distmat.protein.alignment import LEAST_ALIGNED, LEAST_IDENTITY, MOST_IDENTITY, Alignment
from distmat.protein.distance_map import DistanceMap
from distmat.protein.distogram import Distogram
from distmat.protein.sequence import check_letters
from distmat.scoring.baseline import SeparationBaseline
from distmat.scoring.deviations import most_std, scale_std
from distmat.workspace import checkpoint_path

BYTES_PER_PAIR_STATE = 16
"""Peak memory of a prediction for each pair and each channel of its state, measured at N = 500
and 1,000 and rounded up."""

PAIRS_TOGETHER = {False: 2**12, True: 2**19}
"""Residue pairs that `predict_many` puts into one batch, on a CPU and on a GPU. A core is slower
on batches that leave its cache: eight chains of 256 residues took twice as long as one by one."""

MOST_HOMOLOGUES = 8
"""Of an alignment that a network is asked about besides the chain. On 40 chains of families that it
had never seen, r rose from 0.626 to 0.654 with four, 0.658 with eight and 0.660 with 32."""

_HOMOLOGUE_PAIRS = 2**21
"""Residue pairs of all of them together: eight of up to 512 residues, two of 1,000."""


class Predictor:
    """A checkpoint that answers.

    Parameters
    ----------
    checkpoint : Checkpoint

    Attributes
    ----------
    baseline : SeparationBaseline
    calibration : Calibration or None
    training_sequences : TrainingSequences or None
        The chains it was trained on, where the checkpoint tells.
    card : dict
        ``max_length``, the residues of the longest stretch it was trained on; ``std_from``,
        where the standard deviations of its maps come from; and what the checkpoint tells of
        its training.
    """

    def __init__(self, checkpoint: Checkpoint) -> None:
        self.network: DistanceNetwork = checkpoint.network.eval()
        self.baseline: SeparationBaseline = checkpoint.baseline
        self.calibration: Calibration | None = checkpoint.calibration
        self.residuals: Residuals = checkpoint.residuals or spread_of_known_chains()
        self.training_sequences = checkpoint.training_sequences
        self.card = {
            **checkpoint.trained_on,
            "max_length": self.network.config.max_trained_length,
            "parameters": self.network.count_parameters(),
            "std_from": _source_of_std(checkpoint),
        }

    @torch.inference_mode()
    def predict(
        self,
        sequence: str,
        progress: Report | None = None,
        templates: Sequence[Template] = (),
        readout: str = CONSISTENT,
        alignment: Alignment | None = None,
    ) -> DistanceMap:
        """Predict the distance map of one chain.

        Parameters
        ----------
        sequence : str
            One letter per residue; lower case and white space are forgiven.
        progress : callable, optional
            Called with the share that is done, 0 to 1, and what is being done: after each
            layer of the encoder and each block of the head.
        templates : sequence of Template
            Known structures laid on the sequence, the surest first; heard by a head that gives a
            distogram (see `takes_templates`).
        readout : str
            Which distance a distogram stands for, one of `distmat.model.readout.READOUTS`.
        alignment : Alignment, optional
            Of the sequence's relatives. A network that was trained with profiles reads theirs (see
            `reads_relatives`); another one that gives a distogram is asked about some of them, too
            (see `homologues_of`), and the mean of what it says counts: they fold alike, and its
            errors are others for each. What its couplings tell is added to any distogram (see
            `hears_couplings`).

        Returns
        -------
        DistanceMap
            The distances, their standard deviations and the probabilities of contact; see
            `distmat.model.readout.read_distogram`. From a head that gives distances alone, the
            deviation is the error on validation chains at that separation (see `Residuals`), and
            contacts are likelier the smaller the distance.

        Raises
        ------
        SequenceError
            If a letter is no amino acid, or the chain is too long for the head or for the
            memory there is.
        ConfigError
            If there is no such readout.
        """
        check_readout(readout)
        sequence = check_letters(sequence)
        self.check_length(len(sequence))
        report = progress or (lambda share, text: None)
        report(0.0, f"Predicting {len(sequence):,} residues")
        passes = 1 + len(self.homologues_of(alignment))
        with few_threads(len(sequence)), report_layers(self.network, report, len(sequence), passes):
            answer = self._answer([sequence], [templates], [alignment])
        report(NETWORK_SHARE, "Reading the distances")
        return self._read(answer, 0, sequence, templates, alignment, readout)

    @torch.inference_mode()
    def distogram(
        self,
        sequence: str,
        templates: Sequence[Template] = (),
        alignment: Alignment | None = None,
    ) -> Distogram:
        """How likely each distance of one chain is.

        It says so of each pair by itself; the distances that `predict` gives are also such that
        points can have, and no longer its medians (see `distmat.model.readout.READOUTS`).

        Parameters
        ----------
        sequence : str
        templates : sequence of Template
        alignment : Alignment, optional
            As for `predict`.

        Raises
        ------
        SequenceError
            As of `predict`.
        CheckpointError
            If the checkpoint's head gives distances alone.
        """
        sequence = check_letters(sequence)
        self.check_length(len(sequence))
        if not self.takes_templates:
            raise CheckpointError(
                "The checkpoint's head gives distances, no distogram; choose one with the head "
                "'pair'."
            )
        with few_threads(len(sequence)):
            answer = self._answer([sequence], [templates], [alignment])
        logits_LLK = self._logits(answer, 0, len(sequence), templates, alignment)
        return whole_distogram(sequence, logits_LLK, self.network.edges)

    @torch.inference_mode()
    def predict_many(
        self,
        sequences: Sequence[str],
        templates: Sequence[Sequence[Template]] | None = None,
        alignments: Sequence[Alignment | None] | None = None,
        readout: str = CONSISTENT,
    ) -> Iterator[tuple[int, DistanceMap]]:
        """Predict many chains, those of like length together where that is faster.

        Parameters
        ----------
        sequences : sequence of str
            As for `predict`.
        templates : sequence of sequence of Template, optional
        alignments : sequence of Alignment or None, optional
            Those of each sequence.
        readout : str
            As for `predict`.

        Yields
        ------
        int
            Place of the chain in `sequences`; the longest chain comes first, so that memory
            that isn't enough is noticed at once.
        DistanceMap
            As of `predict`, but for rounding.

        Raises
        ------
        SequenceError, ConfigError
            As of `predict`, before anything is predicted.
        """
        check_readout(readout)
        checked = [
            check_letters(sequence, f"Sequence {number}")
            for number, sequence in enumerate(sequences, start=1)
        ]
        self.check_length(max(map(len, checked), default=0))
        batched = not self.network.kind.reads_placeholders
        pairs = PAIRS_TOGETHER[self.network.device.type == "cuda"] if batched else 0
        for places in _of_like_length([len(sequence) for sequence in checked], pairs):
            together = [checked[place] for place in places]
            with few_threads(len(together[0])):
                laid = [() if templates is None else templates[place] for place in places]
                families = [None if alignments is None else alignments[p] for p in places]
                answer = self._answer(together, laid, families)
            for row, place in enumerate(places):
                known = laid[row], families[row]
                yield place, self._read(answer, row, checked[place], *known, readout)

    def _answer(
        self,
        sequences: list[str],
        templates: Sequence[Sequence[Template]],
        alignments: Sequence[Alignment | None],
    ) -> NetworkOutput:
        """Of chains that are padded to the longest, with their relatives if they have any."""
        answer = self._ask(sequences, self._known(templates, alignments, max(map(len, sequences))))
        for row, alignment in enumerate(alignments):
            homologues = self.homologues_of(alignment)
            if homologues and answer.logits is not None:
                n = len(sequences[row])
                mean_LLK = answer.logits[row, :n, :n]
                for number, homologue in enumerate(homologues, start=2):
                    other = self._ask([homologue]).logits
                    assert other is not None  # noqa: S101  as for the chain itself
                    mean_LLK += (other[0] - mean_LLK) / number
        return answer

    def homologues_of(self, alignment: Alignment | None) -> list[str]:
        """Sequences of an alignment that the network is asked about besides the chain's own.

        Returns
        -------
        list of str
            As long as the chain; none for a network that reads profiles, or gives no distogram.
        """
        if alignment is None or self.reads_relatives or not self.network.gives_distogram:
            return []
        room = _HOMOLOGUE_PAIRS // alignment.rows.shape[1] ** 2
        return alignment.list_homologues(min(MOST_HOMOLOGUES, room))

    def hears_couplings(self, alignment: Alignment | None) -> bool:
        """Whether an alignment's couplings count in a prediction; see `hears_covariation`."""
        if alignment is None or not self.network.gives_distogram:
            return False
        return hears_covariation(alignment)

    def describe_use(self, alignment: Alignment | None) -> str:
        """What is made of an alignment, for a person; empty where there is none."""
        if alignment is None or len(alignment) < 2:
            return ""
        said = self._describe_network_use(alignment)
        if not self.hears_couplings(alignment):
            return said
        return (
            f"{said} Couplings of {count_effective(alignment):,.0f} effective sequences count, too."
        )

    def _describe_network_use(self, alignment: Alignment) -> str:
        if self.reads_relatives:
            return "The network read its profile."
        if count := len(self.homologues_of(alignment)):
            return (
                f"The network was asked about {count} of its sequences, too; the map is the mean "
                "of what it said."
            )
        why = "its head gives no distogram"
        if self.network.gives_distogram:
            why = (
                f"none of the others is {LEAST_IDENTITY:.0%} to {MOST_IDENTITY:.0%} identical to "
                f"it over {LEAST_ALIGNED:.0%} of its residues, or it is too long for that"
            )
        return f"The network saw the query alone: {why}."

    def _ask(
        self, sequences: list[str], known: Mapping[str, torch.Tensor] | None = None
    ) -> NetworkOutput:
        """One pass through the network, with what it is told of relatives."""
        device = self.network.device
        tokens = [torch.from_numpy(self.network.tokens.encode(sequence)) for sequence in sequences]
        lengths = torch.tensor([len(sequence) for sequence in sequences])
        return self.network(
            input_ids=pad_sequence(tokens, True, self.network.tokens.pad).to(device),
            attention_mask=pad_sequence([torch.ones_like(t) for t in tokens], True).to(device),
            position=torch.arange(int(lengths.max()), device=device).expand(len(sequences), -1),
            chain_length=lengths.to(device),
            **(known or {}),
        )

    def _known(
        self,
        templates: Sequence[Sequence[Template]],
        alignments: Sequence[Alignment | None],
        longest: int,
    ) -> dict[str, torch.Tensor]:
        """What the network is told of the chains' relatives; nothing if there is nothing."""
        if not self.reads_relatives or not (any(templates) or any(alignments)):
            return {}
        bounds = bin_bounds(self.network.edges).cpu().numpy()
        evidence = [gather_evidence(laid, bounds) if laid else None for laid in templates]
        profiles = [
            profile_features(each.frequencies, 1 - each.coverage) if each else None
            for each in alignments
        ]
        told = pad_relatives(evidence, profiles, longest, len(bounds) - 1)
        return {name: each.to(self.network.device) for name, each in told.items()}

    @property
    def reads_relatives(self) -> bool:
        """Whether the network itself was trained with templates and profiles."""
        return self.network.reads_relatives

    @property
    def takes_templates(self) -> bool:
        """Whether known structures can add to what the network says."""
        return self.network.gives_distogram

    def _read(
        self,
        answer: NetworkOutput,
        row: int,
        sequence: str,
        templates: Sequence[Template] = (),
        alignment: Alignment | None = None,
        readout: str = CONSISTENT,
    ) -> DistanceMap:
        """The map of one of the chains that were answered for."""
        n = len(sequence)
        if answer.logits is not None:
            logits_LLK = self._logits(answer, row, n, templates, alignment)
            known = share_of_pairs(templates)
            predicted = read_distogram(sequence, logits_LLK, self.network.edges, readout, known)
            factors = self.network.config.std_factors
            # Of two residues alone the network has seen too little to know that they are bonded.
            return replace(
                predicted, std=np.minimum(scale_std(predicted.std, factors), most_std(n))
            )
        assert answer.distances is not None  # noqa: S101  every head gives one or the other
        return read_distances(sequence, answer.distances[row, :n, :n], self.residuals)

    def _logits(
        self,
        answer: NetworkOutput,
        row: int,
        residues: int,
        templates: Sequence[Template],
        alignment: Alignment | None,
    ) -> torch.Tensor:
        """The distogram of one chain that was answered for, after templates and couplings."""
        assert answer.logits is not None  # noqa: S101  asked of heads that give them
        logits_LLK = answer.logits[row, :residues, :residues]
        logits_LLK = logits_LLK.div_(self.network.config.distogram_temperature)
        bounds = bin_bounds(self.network.edges).cpu().numpy()
        if templates and not self.reads_relatives:
            logits_LLK = hear_templates(logits_LLK, templates, bounds)
        if alignment is not None and self.hears_couplings(alignment):
            told = torch.from_numpy(gather_covariation(alignment, bounds))
            logits_LLK = logits_LLK.float().log_softmax(dim=-1).add_(told.to(logits_LLK.device))
        return logits_LLK

    def check_length(self, residues: int) -> None:
        """Raise a SequenceError if the head or the free memory is too small for such a chain."""
        longest = self.network.longest
        if longest is not None and residues > longest:
            raise SequenceError(
                f"The sequence has {residues:,} residues, and this checkpoint's head has places "
                f"for {longest:,}; cut it into domains, or choose another checkpoint."
            )
        most = self._most_residues()
        if residues > most:
            raise SequenceError(
                f"The sequence has {residues:,} residues, and the memory that is free now is "
                f"enough for {most:,}; cut it into domains."
            )

    def _most_residues(self) -> int:
        """As many as the tables of all pairs leave memory for."""
        network = self.network
        channels = network.kind.channels(network.head, network.config.encoder)
        available = psutil.virtual_memory().available
        return int((0.8 * available / (BYTES_PER_PAIR_STATE * channels)) ** 0.5)


def _source_of_std(checkpoint: Checkpoint) -> str:
    if checkpoint.network.gives_distogram:
        return "distogram"
    return "validation" if checkpoint.residuals else "known chains"


def _of_like_length(lengths: list[int], pairs: int) -> Iterator[list[int]]:
    """Places of chains, the longest first, in batches of so many pairs, or of one chain."""
    batch: list[int] = []
    for place in sorted(range(len(lengths)), key=lambda place: -lengths[place]):
        if batch and (len(batch) + 1) * lengths[batch[0]] ** 2 > pairs:
            yield batch
            batch = []
        batch.append(place)
    if batch:
        yield batch


def load(name_or_path: str | Path = "mini") -> Predictor:
    """Open a checkpoint for prediction.

    Parameters
    ----------
    name_or_path : str or Path
        A folder, or the name of a checkpoint in the workspace or of one that ships; by default the
        one for chains of up to 256 residues. A predictor is one network, so ``"auto"``, which the
        command begins with, isn't taken here:
        ``distmat.workspace.checkpoint_for("auto", len(sequence))`` tells the name.

    Raises
    ------
    CheckpointError
        If there is no such checkpoint, it is left to a chain's length, or it can't be loaded.
    """
    return Predictor(load_checkpoint(checkpoint_path(name_or_path)))
