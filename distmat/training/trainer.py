"""A training run, from its config to its final weights."""

import dataclasses
import gc
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from accelerate import PartialState
from transformers import set_seed

from distmat.dataset.clustering import RELATED
from distmat.dataset.store import Dataset, fingerprint
from distmat.errors import OutOfMemoryError
from distmat.geometry.calibration import fit_calibration
from distmat.library.search import Exclusion, find_templates
from distmat.library.store import Library
from distmat.library.templates import Template
from distmat.library.training_relatives import TrainingRelatives
from distmat.library.training_sequences import TrainingSequences, read_training_sequences
from distmat.model.build import build_network, total_parameters, trainable_parameters
from distmat.model.checkpoint import save_companion
from distmat.model.encoders import shape_of
from distmat.model.residuals import fit_residuals
from distmat.model.weights import save_network
from distmat.protein.chain import Chain
from distmat.protein.distance_map import DistanceMap, pairwise_distances
from distmat.scoring.baseline import fit_baseline
from distmat.scoring.deviations import fit_std_factors, scale_std
from distmat.scoring.stretch import choose_stretch
from distmat.training.arguments import (
    PRECISIONS,
    choose_device,
    choose_precision,
    process,
    processes,
)
from distmat.training.chains import choose_chains, evaluation_chains, thin_out, training_chains
from distmat.training.config import TrainingConfig
from distmat.training.distance_trainer import DistanceTrainer, TrainingData, batches_of
from distmat.training.evaluation import Evaluation
from distmat.training.memory import (
    advice,
    estimate_memory,
    free_memory,
    is_out_of_memory,
)
from distmat.training.network_arguments import network_arguments
from distmat.training.observer import RunObserver, Unobserved
from distmat.training.run_folder import (
    check_data,
    checkpoint_to_resume,
    checkpoints,
    clean,
    find_changed_settings,
    step_of,
    write_config,
)
from distmat.workspace import checkpoint_path, library_path

TEMPERATURES = (0.7, 0.85, 1.0, 1.15)
"""Tried for reading distances from the distogram."""

POWERS = (0.0, 0.1, 0.25, 0.5)
"""Tried for stretching maps back before a trace is built; ½ is the spread of true maps."""

STRETCHED = 80
"""Validation chains whose traces the power is chosen by: of 20, chance chose another one."""


def train(
    config: TrainingConfig,
    resume: bool | str | Path = False,
    progress: Callable[[str], None] = lambda _text: None,
    observer: RunObserver | None = None,
    accept_changed_data: bool = False,
) -> Evaluation | None:
    """Train a model and write it to `config.output`.

    Parameters
    ----------
    config : TrainingConfig
    resume : bool, str or Path
        Go on from the newest checkpoint in the output folder, or from this checkpoint.
    progress : callable
        Told what is being done, a sentence at a time.
    observer : RunObserver, optional
        Told of the run's facts, every metric and every checkpoint.
    accept_changed_data : bool
        Resume even if the chains aren't those that the checkpoint was trained with.

    Returns
    -------
    Evaluation or None
        Of the best checkpoint on the validation chains; None if the run was stopped.

    Raises
    ------
    DatasetError
        If a dataset can't be read, or nothing of it is left to train on.
    ConfigError
        If a setting doesn't go with this machine.
    CheckpointError
        If the encoder, or the checkpoint to start from, can't be read or doesn't fit.
    RunError
        If the output folder holds another run, or there is nothing to resume;
        `DivergedError` if the loss became NaN or ran away, `OutOfMemoryError` if the memory
        there is isn't enough.
    """
    try:
        return _Run(config, progress, observer or Unobserved()).go(resume, accept_changed_data)
    # Memory that isn't enough comes in many classes; anything else goes on as it is.
    except Exception as error:
        if not is_out_of_memory(error):
            raise
        place = {"cpu": "this machine", "cuda": "the GPU"}[choose_device(config)]
        again = "resume" if checkpoints(Path(config.output)) else "start again"
        raise OutOfMemoryError(
            f"The memory of {place} isn't enough for this run; {advice(config)}, and {again}."
        ) from error


class _Run:
    """One call of `train`."""

    def __init__(
        self, config: TrainingConfig, progress: Callable[[str], None], observer: RunObserver
    ) -> None:
        self.config, self.progress, self.observer = config, progress, observer
        self.is_first = process() == 0

    def say(self, text: str) -> None:
        if self.is_first:
            self.progress(text)
            self.observer.say(text)

    def go(self, resume: bool | str | Path, accept_changed_data: bool) -> Evaluation | None:
        output = Path(self.config.output)
        checkpoint = checkpoint_to_resume(output, resume, self.say)
        precision = choose_precision(self.config)
        self.say("Reading the datasets")
        chosen = {split: choose_chains(self.config, split) for split in ("train", "val")}
        evaluated = evaluation_chains(self.config, chosen["val"])
        data = self._data(chosen, evaluated, checkpoint)
        self.config = _with_steps(self.config, data.train)
        if checkpoint is not None:
            changed = find_changed_settings(self.config, checkpoint)
            stale = check_data(checkpoint, data.fingerprints, accept_changed_data)
            self._say_changes(changed, stale)
        set_seed(self.config.seed)
        network = build_network(**network_arguments(self.config, precision))
        trainer = DistanceTrainer(self.config, network, data, self.observer, self.say)
        # Dropout must differ between processes; the first one is as it would be alone.
        torch.manual_seed(self.config.seed + trainer.args.process_index)
        if self.is_first:
            write_config(self.config, output)
            for name in clean(output):
                self.say(f"Removed {name}, which a killed run left half-written")
        self._tell(trainer, checkpoint, len(evaluated))
        return self._train(trainer, checkpoint, evaluated)

    def _data(
        self, chosen: dict[str, Dataset], evaluated: Dataset, checkpoint: Path | None
    ) -> TrainingData:
        train = training_chains(self.config, chosen["train"])
        self.say("Fitting the separation baseline")
        trained_on = {
            "train": train.name,
            "train_chains": len(train),
            "train_clusters": len(np.unique(train.clusters)),
            "val": chosen["val"].name,
        }
        relatives, templates = self._relatives(train, evaluated)
        return TrainingData(
            train,
            thin_out(evaluated, self.config.evaluation_chains).chains,
            fit_baseline(train.chains),
            {split: fingerprint(dataset) for split, dataset in chosen.items()},
            trained_on,
            _training_sequences(self.config, train, checkpoint),
            relatives,
            templates,
        )

    def _relatives(
        self, train: Dataset, evaluated: Dataset
    ) -> tuple[TrainingRelatives | None, dict[str, list[Template]]]:
        """What is shown beside the chains of a training, and beside those it is judged by."""
        config = self.config
        if not config.library:
            return None, {}
        library = Library(library_path(config.library))
        relatives = TrainingRelatives(
            train, library, config.template_share, config.profile_share, self.say
        )
        if not config.template_share:
            return relatives, {}
        self.say(f"Looking for templates of {len(evaluated):,} validation chains")
        names = [chain.name for chain in evaluated.chains]
        found = find_templates(
            library,
            [chain.sequence for chain in evaluated.chains],
            Exclusion(identity=RELATED),
            names,
        )
        return relatives, dict(zip(names, found, strict=True))

    def _say_changes(self, changed: dict[str, tuple], stale: list[str]) -> None:
        for name, (before, now) in changed.items():
            self.say(f"Resuming with {name} {now!r}, which was {before!r}")
        for name in stale:
            self.say(f"Resuming although the chains of '{name}' have changed")

    def _tell(self, trainer: DistanceTrainer, checkpoint: Path | None, val_chains: int) -> None:
        network, config = trainer.network, self.config
        device, precision = str(trainer.args.device), choose_precision(config)
        estimate = estimate_memory(
            config,
            shape_of(network.config.encoder.to_dict()),
            total_parameters(network),
            trainable_parameters(network),
            precision,
            choose_device(config),
        )
        free = free_memory(choose_device(config))
        facts = {
            **trainer.data.trained_on,
            "total_steps": config.max_steps,
            "first_step": 0 if checkpoint is None else step_of(checkpoint),
            "steps_per_epoch": trainer.batches().steps,
            "parameters": total_parameters(network),
            "trainable_parameters": trainable_parameters(network),
            "device": device,
            "device_name": torch.cuda.get_device_name() if "cuda" in device else "CPU",
            "precision": precision,
            "processes": trainer.args.world_size,
            "val_chains": val_chains,
            "train_fingerprint": trainer.data.fingerprints["train"],
            "val_fingerprint": trainer.data.fingerprints["val"],
            "memory": {"estimate": estimate.total, "free": free},
        }
        if self.is_first:
            self.observer.begin(facts)
        self.say(
            f"Training {facts['trainable_parameters']:,} of {facts['parameters']:,} parameters on "
            f"{facts['train_chains']:,} chains of {facts['train_clusters']:,} clusters, "
            f"{config.max_steps:,} steps, in {PRECISIONS[precision]} on {device}"
            + (f", {facts['processes']} processes" if facts["processes"] > 1 else "")
        )
        if config.precision == "bf16" and precision == "fp32":
            self.say("This processor has no bfloat16 and would emulate it slowly: float32 it is.")
        self.say(estimate.sentence(free, config))

    def _train(
        self, trainer: DistanceTrainer, checkpoint: Path | None, evaluated: Dataset
    ) -> Evaluation | None:
        started = time.monotonic()
        if checkpoint is not None and step_of(checkpoint) >= self.config.max_steps:
            trainer.take_up(checkpoint)
        else:
            try:
                trainer.train(resume_from_checkpoint=str(checkpoint) if checkpoint else None)
            finally:
                trainer.on_signal.restore()
        state = trainer.state
        if trainer.stopped and state.global_step < self.config.max_steps:
            self.say(f"Stopped at step {state.global_step}; it can be resumed.")
            return None
        self.say("Scoring the best checkpoint on all validation chains")
        best = state.best_global_step or state.global_step
        hours = round((time.monotonic() - started) / 3600, 2)
        trained_on = {**trainer.data.trained_on, "steps": best, "hours": hours}
        if trainer.network.gives_distogram:
            fit_temperature(trainer, trainer.data.val)
        return self._finish(trainer, evaluated.chains, trained_on)

    def _finish(
        self, trainer: DistanceTrainer, chains: tuple[Chain, ...], trained_on: dict
    ) -> Evaluation:
        """Score the final weights, and write them with what was learned from their errors."""
        trainer.network.config.std_factors = {}
        maps: dict[str, tuple[np.ndarray, np.ndarray, np.ndarray]] = {}

        def keep(chain: Chain, predicted: DistanceMap) -> None:
            seen = (predicted.distances, predicted.std, chain.ca)
            distances, std, ca = (array.astype(np.float32) for array in seen)
            maps[chain.name] = (distances, std, ca)

        # How far maps shrink and err was always told of the sequence alone.
        result = trainer.score(chains, seen=keep, alone=True)
        kept = trainer.gather(list(maps.values()))
        state = trainer.whole_state()
        if self.is_first:
            output, network = Path(self.config.output), trainer.network
            predicted, std, traces = zip(*kept, strict=True)
            true = [pairwise_distances(trace) for trace in traces]
            own_std = network.gives_distogram
            if own_std:
                factors = fit_std_factors(zip(predicted, std, true, strict=True))
                network.config.std_factors = factors
                std = tuple(scale_std(each, factors) for each in std)
            self.say("Choosing how far maps are stretched back")
            some = slice(None, None, -(-len(traces) // STRETCHED))
            stretch = choose_stretch(
                fit_calibration(predicted, true),
                predicted[some],
                traces[some],
                std[some] if own_std else None,
                powers=POWERS,
            )
            save_network(network, output, state)
            save_companion(
                trainer.data.baseline,
                stretch,
                trained_on,
                output,
                None if own_std else fit_residuals(predicted, true),
            )
            if trainer.data.sequences is not None:
                trainer.data.sequences.save(output)
            network.tokens.save(output)
        trainer.accelerator.wait_for_everyone()
        if processes() > 1:
            _end_group(trainer)
        return result


def _end_group(trainer: DistanceTrainer) -> None:
    """Close the connections to the other processes, whose threads can abort one that just ends.

    What uses the group goes first. The network's wrapper would end it with Python's lock in its
    hand, and wait for a thread that may wait for the lock, forever (PyTorch's issue 56297).
    """
    trainer.model_wrapped = trainer.model
    trainer.accelerator.free_memory()
    gc.collect()
    PartialState().destroy_process_group()


def _with_steps(config: TrainingConfig, train: Dataset) -> TrainingConfig:
    """With `max_steps` as many as `epochs` takes."""
    if not config.epochs:
        return config
    steps = batches_of(config, train, processes()).steps
    return dataclasses.replace(config, max_steps=config.epochs * steps)


def _training_sequences(
    config: TrainingConfig, train: Dataset, checkpoint: Path | None
) -> TrainingSequences | None:
    """All that the weights will have learned from, also before this run or its last stop."""
    own = TrainingSequences(
        [chain.name for chain in train.chains], [chain.sequence for chain in train.chains]
    )
    # With the same data it has the same chains; it may have been accepted that they changed.
    if checkpoint is not None and (before := read_training_sequences(checkpoint)) is not None:
        own = own.join(before)
    if not config.init_from:
        return own
    earlier = read_training_sequences(checkpoint_path(config.init_from))
    return None if earlier is None else own.join(earlier)


def fit_temperature(trainer: DistanceTrainer, chains: tuple[Chain, ...]) -> float:
    """Set the network's temperature to the one of `TEMPERATURES` with the least error in Å.

    Below 1 the distogram's main peak decides more and its tails less.
    """
    config = trainer.network.config
    errors = {}
    for config.distogram_temperature in TEMPERATURES:
        errors[config.distogram_temperature] = trainer.score(chains).as_dict()["model"]["mae"]
    config.distogram_temperature = min(errors, key=lambda temperature: errors[temperature])
    return config.distogram_temperature
