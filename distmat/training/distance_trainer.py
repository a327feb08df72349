"""transformers' Trainer with our batches, evaluation in Å, and checkpoints that are whole.

The same code runs in one process and in several that `torchrun` starts: each of those gets
its share of the batches and of the evaluation, and the first one alone writes and tells.
"""

import shutil
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from accelerate.data_loader import prepare_data_loader
from accelerate.utils import gather_object
from torch.utils.data import DataLoader
from transformers import ProgressCallback, Trainer, TrainerControl, TrainerState
from transformers.trainer_callback import PrinterCallback

from distmat.dataset.store import Dataset
from distmat.errors import ConfigError, RunError
from distmat.library.templates import Template
from distmat.library.training_relatives import TrainingRelatives
from distmat.library.training_sequences import TrainingSequences
from distmat.model.checkpoint import Checkpoint, save_companion
from distmat.model.network import DistanceNetwork
from distmat.model.predictor import Predictor
from distmat.model.readout import bin_bounds
from distmat.model.weights import load_weights, save_network
from distmat.protein.chain import Chain
from distmat.protein.distance_map import DistanceMap
from distmat.scoring.baseline import SeparationBaseline
from distmat.training.arguments import trainer_arguments
from distmat.training.callbacks import (
    StopDiverging,
    StopEarly,
    StopOnSignal,
    TellObserver,
    TerminalProgress,
)
from distmat.training.config import TrainingConfig
from distmat.training.evaluation import Evaluation, evaluate, interleave
from distmat.training.muon import Muon
from distmat.training.observer import RunObserver
from distmat.training.run_folder import (
    LAST_FILE,
    keep,
    publish,
    write_config,
    write_data,
    writing_place,
)
from distmat.training.sampling import ClusterBatches, CroppedChains, PadAndMask
from distmat.training.watched_maps import WatchedMap, choose_watched, write_step, write_truth


@dataclass(frozen=True)
class TrainingData:
    """What a run works on.

    Parameters
    ----------
    train : Dataset
        Chains to learn from.
    val : tuple of Chain
        Scored in every evaluation.
    baseline : SeparationBaseline
        Fitted on `train`.
    fingerprints : dict of str to str
        Of the datasets, by ``"train"`` and ``"val"``.
    trained_on : dict
        What a checkpoint tells of its origin.
    sequences : TrainingSequences or None
        Of `train`, and of the checkpoint it begins with; None where that one doesn't tell.
    relatives : TrainingRelatives or None
        What is shown beside the chains of `train`.
    templates : dict of str to list of Template
        What is shown beside each validation chain, by its name.
    """

    train: Dataset
    val: tuple[Chain, ...]
    baseline: SeparationBaseline
    fingerprints: dict[str, str]
    trained_on: dict
    sequences: TrainingSequences | None = None
    relatives: TrainingRelatives | None = None
    templates: dict[str, list[Template]] = field(default_factory=dict)


class EvaluationStopped(Exception):  # noqa: N818 - nothing went wrong
    """Somebody stopped the run in the middle of an evaluation."""


class DistanceTrainer(Trainer):
    """The Trainer with our batches, evaluation in Å on whole chains, and whole checkpoints.

    Parameters
    ----------
    config : TrainingConfig
    network : DistanceNetwork
    data : TrainingData
    observer : RunObserver
    say : callable
        Told a sentence at a time; in the first process alone.
    """

    optimizer: torch.optim.Optimizer | None
    control: TrainerControl

    def __init__(
        self,
        config: TrainingConfig,
        network: DistanceNetwork,
        data: TrainingData,
        observer: RunObserver,
        say: Callable[[str], None],
    ) -> None:
        self.config, self.network, self.data = config, network, data
        self.on_signal = StopOnSignal()
        self.diverging = StopDiverging(config)
        self.early = StopEarly(config.early_stopping_patience, say)
        self.watched = {chain.name: chain for chain in choose_watched(data.val)}
        self.residues_seen = 0
        self.window_started = time.perf_counter()
        args = trainer_arguments(config)
        told = network.reads_relatives and data.relatives is not None
        self.crops = CroppedChains(
            data.train,
            network.tokens,
            config.homologue_share,
            data.relatives if told else None,
            bin_bounds(network.edges).numpy() if told else None,
        )
        super().__init__(
            model=network,
            args=args,
            train_dataset=self.crops,
            data_collator=PadAndMask(
                network.tokens,
                config.masked_residues,
                config.pad_to,
                len(network.edges) + 1 if told else 0,
            ),
            # Only its presence matters, `evaluate` scores whole chains.
            eval_dataset=data.val,
        )
        self.remove_callback(PrinterCallback)
        self.remove_callback(ProgressCallback)
        for callback in (
            TerminalProgress(),
            self.diverging,
            TellObserver(observer),
            self.early,
            self.on_signal,
        ):
            self.add_callback(callback)

    @property
    def stopped(self) -> bool:
        """Whether somebody ended the run before its time."""
        return self.on_signal.stopped

    def batches(self) -> ClusterBatches:
        """What this process sees of the run."""
        return batches_of(
            self.config, self.data.train, self.args.world_size, self.args.process_index
        )

    def create_optimizer(self, *args, **kwargs) -> torch.optim.Optimizer:
        """The config's optimizer."""
        if self.config.optimizer == "adamw":
            return super().create_optimizer(*args, **kwargs)
        if self.is_fsdp_enabled:
            raise ConfigError(
                "optimizer is 'muon', which needs whole matrices, but FSDP cuts them up; "
                "set it to adamw."
            )
        if self.optimizer is None:
            config = self.config
            self.optimizer = Muon(self.network, config.learning_rate, config.weight_decay)
        return self.optimizer

    def get_train_dataloader(self) -> DataLoader:
        """Batches of crops, one chain of each cluster in an epoch."""
        loader = DataLoader(
            self.crops,
            batch_sampler=self.batches(),
            collate_fn=self.data_collator,
            pin_memory=self.args.dataloader_pin_memory,
        )
        self.window_started = time.perf_counter()
        # The batches are this process's own already: accelerate has nothing to deal out.
        return prepare_data_loader(loader, num_processes=1, process_index=0)

    # A mean over the batch, which the Trainer divides by the steps that it accumulates.
    loss_is_scaled_for_ga = False

    def compute_loss(self, model, inputs, return_outputs=False, num_items_in_batch=None):
        """The network's own loss."""
        answer = model(**inputs)
        return (answer.loss, answer) if return_outputs else answer.loss

    def training_step(self, model, inputs, num_items_in_batch=None) -> torch.Tensor:
        """One batch forward and backward; its loss."""
        self.residues_seen += int(inputs["attention_mask"].sum())
        loss = super().training_step(model, inputs, num_items_in_batch)
        self.diverging.watch(loss, self.state.global_step + 1)
        return loss

    def log(self, logs: dict[str, float], start_time: float | None = None) -> None:
        """Log metrics; beside a loss, how many residues a second it took to get there."""
        if "loss" in logs:
            seconds = time.perf_counter() - self.window_started
            seen = torch.tensor(float(self.residues_seen), device=self.args.device)
            every = float(self.accelerator.reduce(seen, "sum"))
            logs["residues_per_second"] = every / max(seconds, 1e-9)
            self.residues_seen, self.window_started = 0, time.perf_counter()
        super().log(logs, start_time)

    def evaluate(self, *args, **kwargs) -> dict[str, float]:
        """Scores on the validation chains, the baseline's beside them, logged as ``eval_…``."""
        self.diverging.check()
        started = time.perf_counter()
        seen: dict[str, np.ndarray] = {}

        def keep(chain: Chain, predicted: DistanceMap) -> None:
            if chain.name in self.watched:
                seen[chain.name] = predicted.distances

        result = self.score(self.data.val, self._go_on, keep)
        metrics = result.metrics()
        if f"eval_{self.config.monitor}" not in metrics:
            raise RunError(
                f"monitor is '{self.config.monitor}', which isn't defined on any of the "
                f"{len(self.data.val)} validation chains; monitor mae, or give longer chains."
            )
        self._keep_maps(result, seen)
        self.log(metrics)
        self.control = self.callback_handler.on_evaluate(
            self.args, self.state, self.control, metrics
        )
        self.window_started += time.perf_counter() - started
        return metrics

    def _keep_maps(self, result: Evaluation, seen: dict[str, np.ndarray]) -> None:
        """Write the maps of the watched chains, which other processes may have predicted."""
        maps = dict(self.gather(list(seen.items())))
        if not self.args.should_save:
            return
        errors = {
            name: (model.mae, baseline.mae)
            for name, model, baseline in zip(
                result.chains, result.model, result.baseline, strict=True
            )
        }
        found = {name: WatchedMap(maps[name], *errors[name]) for name in self.watched}
        output = Path(self.config.output)
        write_truth(output, list(self.watched.values()))
        write_step(output, self.state.global_step, found)

    def score(
        self,
        chains: Sequence[Chain],
        progress: Callable[[int, int], None] | None = None,
        seen: Callable[[Chain, DistanceMap], None] | None = None,
        alone: bool = False,
    ) -> Evaluation:
        """Scores of these chains, which all processes share out among themselves.

        Parameters
        ----------
        chains : sequence of Chain
        progress, seen : callable, optional
            As for `distmat.training.evaluation.evaluate`.
        alone : bool
            Without the chains' templates.
        """
        was_training = self.network.training
        predictor = Predictor(Checkpoint(self.network, self.data.baseline))
        mine = list(chains[self.args.process_index :: self.args.world_size])
        own = len(mine)
        if self.is_fsdp_enabled:
            # A sharded network computes only where all processes do so at the same time.
            most = -(-len(chains) // self.args.world_size)
            mine += [chains[0]] * (most - own)
        known = None if alone or not self.data.templates else self.data.templates
        part = evaluate(
            predictor,
            mine,
            progress,
            seen,
            with_loss=True,
            templates=None if known is None else [known[chain.name] for chain in mine],
        ).first(own)
        self.network.train(was_training)
        return interleave(gather_object([part])) if self.args.world_size > 1 else part

    def whole_state(self) -> dict[str, torch.Tensor] | None:
        """All weights, where they are spread over processes; else None."""
        return self.accelerator.get_state_dict(self.model) if self.is_fsdp_enabled else None

    def gather(self, mine: list) -> list:
        """The items of all processes, those of the first one first."""
        return gather_object(mine) if self.args.world_size > 1 else mine

    def _go_on(self, done: int, total: int) -> None:
        # Of several processes all would have to stop at the same chain.
        if self.stopped and self.args.world_size == 1:
            raise EvaluationStopped

    def _maybe_log_save_evaluate(self, *args, **kwargs) -> None:
        try:
            super()._maybe_log_save_evaluate(*args, **kwargs)
        except EvaluationStopped:
            # The resumed run evaluates first.
            self.control.should_evaluate = False
            self.control.should_save = self.control.should_training_stop = True
            super()._maybe_log_save_evaluate(*args, **kwargs)

    def take_up(self, checkpoint: Path) -> None:
        """Be where a run was when it had made its last step; the Trainer would make another."""
        self.state = TrainerState.load_from_json(str(checkpoint / LAST_FILE))
        self._find_best()
        load_weights(self.network, Path(self.state.best_model_checkpoint or checkpoint))

    def _find_best(self) -> None:
        # The run's folder may have moved since, and what isn't there can't be chosen.
        best = Path(self.config.output) / f"checkpoint-{self.state.best_global_step}"
        self.state.best_model_checkpoint = str(best) if best.is_dir() else None
        if self.state.best_model_checkpoint is None:
            self.state.best_global_step = self.state.best_metric = None

    def _init_training_state(self, *args, **kwargs):
        answer = super()._init_training_state(*args, **kwargs)
        self._find_best()
        step = self.state.global_step
        due = step > 0 and step % self.config.evaluate_every == 0
        self.args.eval_on_start = due and not any(
            "eval_mae" in entry and entry["step"] == step for entry in self.state.log_history
        )
        return answer

    def _evaluate(self, trial, ignore_keys_for_eval, skip_scheduler=False):
        metrics = super()._evaluate(trial, ignore_keys_for_eval, skip_scheduler)
        # What an evaluation at the start says of a resumed checkpoint counts as it would have.
        if skip_scheduler and self._determine_best_metric(metrics, trial):
            folder = Path(self.config.output) / f"checkpoint-{self.state.global_step}"
            self.state.best_model_checkpoint = str(folder) if folder.is_dir() else None
        return metrics

    def _save_checkpoint(self, model, trial) -> None:
        """Write a checkpoint beside its place, then give it its name."""
        self.diverging.check()
        started = time.perf_counter()
        step, output = self.state.global_step, Path(self.config.output)
        written = writing_place(output, step)
        if self.args.should_save:
            shutil.rmtree(written, ignore_errors=True)
        self.accelerator.wait_for_everyone()
        self.store_flos()
        self.save_model(str(written), _internal_call=True)
        self._save_optimizer_and_scheduler(str(written))
        self._save_scaler(str(written))
        self._save_rng_state(str(written))
        if self.state.best_global_step:
            best = output / f"checkpoint-{self.state.best_global_step}"
            self.state.best_model_checkpoint = str(best)
        self.accelerator.wait_for_everyone()
        if self.args.should_save:
            write_config(self.config, written)
            write_data(self.data.fingerprints, written)
            self.state.save_to_json(str(written / LAST_FILE))
            publish(written, output, step)
            keep(output, self.config.keep_checkpoints, self.state.best_global_step)
        self.accelerator.wait_for_everyone()
        self.window_started += time.perf_counter() - started

    def _save(self, output_dir: str | None = None, state_dict=None) -> None:
        folder = Path(output_dir or self.config.output)
        # The ids are in the config; the tokenizer's own files come with the final weights alone.
        save_network(self.network, folder, state_dict)
        trained_on = {**self.data.trained_on, "steps": self.state.global_step}
        save_companion(self.data.baseline, None, trained_on, folder)
        if self.data.sequences is not None:
            self.data.sequences.save(folder)

    def _load_from_checkpoint(self, resume_from_checkpoint: str, model=None) -> None:
        if self.is_fsdp_enabled:
            super()._load_from_checkpoint(resume_from_checkpoint, model)
        else:
            load_weights(self.network, Path(resume_from_checkpoint))

    def _load_best_model(self) -> None:
        if self.is_fsdp_enabled:
            super()._load_best_model()
        else:
            load_weights(self.network, Path(self.state.best_model_checkpoint or ""))

    def _load_optimizer_and_scheduler(self, checkpoint: str | None) -> None:
        super()._load_optimizer_and_scheduler(checkpoint)
        if checkpoint is not None:
            self._take_over_settings()

    def _take_over_settings(self) -> None:
        """A resumed run's own learning rate and decay, in place of the checkpoint's."""
        optimizer, scheduler, config = self.optimizer, self.lr_scheduler, self.config
        assert optimizer is not None and scheduler is not None  # noqa: S101 - for the types
        for group, shape in zip(optimizer.param_groups, scheduler.lr_lambdas, strict=True):
            group["initial_lr"] = config.learning_rate
            group["lr"] = config.learning_rate * shape(scheduler.last_epoch)
            if group["weight_decay"]:
                group["weight_decay"] = config.weight_decay
        scheduler.base_lrs = [config.learning_rate] * len(scheduler.base_lrs)
        scheduler._last_lr = [group["lr"] for group in optimizer.param_groups]


def batches_of(
    config: TrainingConfig, train: Dataset, processes: int = 1, process: int = 0
) -> ClusterBatches:
    """The batches that one of several processes sees of a run."""
    return ClusterBatches(
        np.array([len(chain) for chain in train.chains]),
        train.clusters if config.cluster_sampling else np.arange(len(train)),
        config.crops,
        config.pairs_per_batch,
        config.seed,
        config.chains_per_batch,
        config.accumulation,
        processes,
        process,
        config.far_share,
    )
