"""Training: transformers' Trainer on crops of a dataset, choosing by error in Å on another."""

import csv
import json
import signal
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import torch
from torch.utils.data import DataLoader
from transformers import ProgressCallback, Trainer, TrainerCallback, TrainingArguments, set_seed
from transformers.trainer_callback import PrinterCallback

from distmat.dataset.store import Dataset, read_dataset
from distmat.errors import CheckpointError, DatasetError, RunError
from distmat.geometry.calibration import Calibration, fit_calibration
from distmat.model.baseline import SeparationBaseline, fit_baseline
from distmat.model.checkpoint import (
    COMPANION,
    Checkpoint,
    load_checkpoint,
    save_checkpoint,
    save_companion,
)
from distmat.model.encoder import MiniConfig
from distmat.model.network import DistanceNetwork, DistanceNetworkConfig
from distmat.model.predictor import Predictor
from distmat.protein.chain import Chain
from distmat.training.config import CONFIG_FILE, TrainingConfig
from distmat.training.evaluation import Evaluation, evaluate
from distmat.training.observer import RunObserver, Unobserved
from distmat.training.sampling import ClusterBatches, CroppedChains, PadAndMask
from distmat.workspace import checkpoint_path, dataset_path, replace_file

TEMPERATURES = (0.7, 0.85, 1.0, 1.15)
"""Tried for reading distances from the distogram."""


class DistanceTrainer(Trainer):
    """The Trainer with our batches, and with evaluation in Å on whole chains."""

    def __init__(
        self,
        config: TrainingConfig,
        network: DistanceNetwork,
        train: Dataset,
        val: Dataset,
        baseline: SeparationBaseline,
        trained_on: dict,
    ) -> None:
        self.config, self.train_chains, self.val_chains = config, train, val.chains
        self.network, self.baseline, self.trained_on = network, baseline, trained_on
        super().__init__(
            model=network,
            args=_arguments(config),
            train_dataset=CroppedChains(train),
            eval_dataset=CroppedChains(val),
            data_collator=PadAndMask(config.masked_residues),
        )
        self.remove_callback(PrinterCallback)
        self.remove_callback(ProgressCallback)
        self.add_callback(TerminalProgress())
        self.add_callback(StopOnSignal())

    def get_train_dataloader(self) -> DataLoader:
        """Batches of crops, one chain of each cluster in an epoch."""
        batches = ClusterBatches(
            np.array([len(chain) for chain in self.train_chains.chains]),
            self.train_chains.clusters,
            self.config.crops,
            self.config.pairs_per_batch,
            self.config.seed,
        )
        return self.accelerator.prepare(
            DataLoader(
                CroppedChains(self.train_chains),
                batch_sampler=batches,
                collate_fn=self.data_collator,
            )
        )

    def evaluate(self, *args, **kwargs) -> dict[str, float]:
        """Scores on the validation chains, the baseline's beside them, logged as ``eval_…``."""
        checkpoint = Checkpoint(self.network, self.baseline)
        result = evaluate(Predictor(checkpoint), self.val_chains)
        self.network.train()
        metrics = {f"eval_{k}": v for k, v in result.as_dict()["model"].items() if v is not None}
        metrics["eval_baseline_mae"] = result.as_dict()["baseline"]["mae"]
        metrics["eval_seconds"] = result.seconds
        self.log(metrics)
        self.control = self.callback_handler.on_evaluate(
            self.args, self.state, self.control, metrics
        )
        return metrics

    def _save(self, output_dir: str | None = None, state_dict=None) -> None:
        super()._save(output_dir, state_dict)
        folder = Path(output_dir or self.config.output)
        trained_on = {**self.trained_on, "steps": self.state.global_step}
        save_companion(self.baseline, None, trained_on, folder)


class TerminalProgress(ProgressCallback):
    """A progress bar, and one readable line for every logged step."""

    def on_log(self, args, state, control, logs=None, **kwargs) -> None:
        if self.training_bar is None or not logs:
            return
        if "eval_mae" in logs:
            line = (
                f"step {state.global_step}: validation MAE {logs['eval_mae']:.2f} Å "
                f"(separation only {logs['eval_baseline_mae']:.2f}), "
                f"RMSE {logs['eval_rmse']:.2f} Å, r {logs['eval_pearson']:.3f}, "
                f"lDDT {logs['eval_lddt']:.3f}, long P@L {logs.get('eval_long_precision', 0):.3f}"
            )
        elif "loss" in logs:
            line = (
                f"step {state.global_step}: loss {float(logs['loss']):.4f}, gradient norm "
                f"{float(logs['grad_norm']):.2f}, learning rate {float(logs['learning_rate']):.2e}"
            )
        else:
            return
        self.training_bar.write(line)


class TellObserver(TrainerCallback):
    """Hands every metric and checkpoint on."""

    def __init__(self, observer: RunObserver) -> None:
        self.observer = observer

    def on_log(self, args, state, control, logs=None, **kwargs) -> None:
        metrics = {
            name: float(value)
            for name, value in (logs or {}).items()
            if name in ("loss", "grad_norm", "learning_rate") or name.startswith("eval_")
        }
        if metrics:
            self.observer.logged(state.global_step, float(state.epoch or 0), metrics)

    def on_save(self, args, state, control, **kwargs) -> None:
        folder = Path(args.output_dir) / f"checkpoint-{state.global_step}"
        self.observer.checkpoint(state.global_step, folder)


class StopOnSignal(TrainerCallback):
    """Ctrl-C and SIGTERM end the run after the present step, with a checkpoint to resume from."""

    def __init__(self) -> None:
        self.stopped = False

    def on_train_begin(self, args, state, control, **kwargs) -> None:
        self._previous = {
            number: signal.signal(number, self._stop) for number in (signal.SIGINT, signal.SIGTERM)
        }

    def _stop(self, *_) -> None:
        self.stopped = True

    def on_step_end(self, args, state, control, **kwargs) -> None:
        if self.stopped:
            control.should_save = control.should_training_stop = True

    def on_train_end(self, args, state, control, **kwargs) -> None:
        for number, handler in self._previous.items():
            signal.signal(number, handler)


def train(
    config: TrainingConfig,
    resume: bool = False,
    progress: Callable[[str], None] = lambda _text: None,
    observer: RunObserver | None = None,
) -> Evaluation | None:
    """Train a model and write it to `config.output`.

    Parameters
    ----------
    config : TrainingConfig
    resume : bool
        Go on from the newest checkpoint in the output folder.
    progress : callable
        Told what is being done, a sentence at a time.
    observer : RunObserver, optional
        Told of every metric and checkpoint.

    Returns
    -------
    Evaluation or None
        Of the best checkpoint on the validation chains; None if the run was stopped.

    Raises
    ------
    DatasetError
        If a dataset can't be read, or nothing of it is left to train on.
    RunError
        If the output folder holds another run, or there is nothing to resume.
    """
    watcher = observer or Unobserved()

    def say(text: str) -> None:
        progress(text)
        watcher.said(text)

    output = Path(config.output)
    newest = _newest_checkpoint(output)
    if resume and newest is None:
        raise RunError(f"There is no checkpoint in {output} to resume from; start a new run.")
    if not resume and newest is not None:
        raise RunError(
            f"{output} already holds a run; resume it with --resume, or choose another output."
        )
    say("Reading the datasets")
    training, validation = (chosen_chains(config, split) for split in ("train", "val"))
    say("Fitting the separation baseline")
    baseline = fit_baseline(training.chains)
    set_seed(config.seed)
    network = _first_network(config)
    trained_on = {
        "train": training.name,
        "train_chains": len(training),
        "train_clusters": len(np.unique(training.clusters)),
        "val": validation.name,
    }
    evaluated = validation.representatives().no_longer_than(config.evaluation_max_length)
    if not len(evaluated):
        raise DatasetError(
            f"{validation.name} has no chain of at most {config.evaluation_max_length} residues; "
            "raise evaluation_max_length."
        )
    trainer = DistanceTrainer(
        config,
        network,
        training,
        _spread(evaluated, config.evaluation_chains),
        baseline,
        trained_on,
    )
    _write_config(config, output)
    say(
        f"Training {network.num_parameters():,} parameters on {len(training):,} chains "
        f"of {trained_on['train_clusters']:,} clusters, in {_precision(trainer)}"
    )
    trainer.add_callback(TellObserver(watcher))
    watcher.started(
        {
            "total_steps": config.max_steps,
            "parameters": network.num_parameters(),
            "trainable_parameters": network.num_parameters(only_trainable=True),
            "device": str(trainer.args.device),
            "precision": "bf16" if trainer.args.bf16 else "fp32",
            "train_chains": len(training),
            "val_chains": len(evaluated),
        }
    )
    started = time.monotonic()
    trainer.train(resume_from_checkpoint=str(newest) if newest else None)
    if trainer.state.global_step < config.max_steps:
        say(f"Stopped at step {trainer.state.global_step}; resume with --resume.")
        return None
    say("Scoring the best checkpoint on all validation chains")
    trained_on |= {"steps": trainer.state.best_global_step, "hours": _hours(started)}
    predictor = Predictor(Checkpoint(network, baseline))
    fit_temperature(predictor, trainer.val_chains)
    result = evaluate(predictor, evaluated.chains)
    save_checkpoint(
        Checkpoint(network, baseline, calibrate(predictor, evaluated), trained_on), output
    )
    return result


def fit_temperature(predictor: Predictor, chains: Sequence[Chain]) -> float:
    """Set the network's temperature to the one of `TEMPERATURES` with the least error in Å.

    Below 1 the distogram's main peak decides more and its tails less.
    """
    config = predictor.network.config
    errors = {}
    for config.distogram_temperature in TEMPERATURES:
        errors[config.distogram_temperature] = evaluate(predictor, chains).as_dict()["model"]["mae"]
    config.distogram_temperature = min(errors, key=lambda temperature: errors[temperature])
    return config.distogram_temperature


def calibrate(predictor: Predictor, dataset: Dataset) -> Calibration:
    """How much a predictor shrinks distances to their mean, by separation."""
    predicted = [predictor.predict(chain.sequence).distances for chain in dataset.chains]
    return fit_calibration(predicted, [chain.distances for chain in dataset.chains])


def _arguments(config: TrainingConfig) -> TrainingArguments:
    return TrainingArguments(
        output_dir=config.output,
        max_steps=config.max_steps,
        gradient_accumulation_steps=config.accumulation,
        learning_rate=config.learning_rate,
        lr_scheduler_type=config.schedule,
        warmup_steps=config.warmup_steps,
        weight_decay=config.weight_decay,
        max_grad_norm=config.max_grad_norm,
        logging_steps=config.log_every,
        logging_nan_inf_filter=False,
        eval_strategy="steps",
        eval_steps=config.evaluate_every,
        save_strategy="steps",
        save_steps=config.evaluate_every,
        save_total_limit=config.keep_checkpoints,
        load_best_model_at_end=True,
        metric_for_best_model="eval_mae",
        greater_is_better=False,
        label_names=["ca"],
        remove_unused_columns=False,
        dataloader_pin_memory=torch.cuda.is_available(),
        bf16=torch.cuda.is_available(),
        report_to="none",
        seed=config.seed,
        log_level="error",
    )


def _first_network(config: TrainingConfig) -> DistanceNetwork:
    """The network as it is before the first step."""
    network = DistanceNetwork(_network_config(config))
    if config.start:
        earlier = load_checkpoint(checkpoint_path(config.start)).network
        try:
            network.load_state_dict(earlier.state_dict())
        except RuntimeError:
            raise CheckpointError(
                f"The checkpoint '{config.start}' has another shape than this run; set layers, "
                "widths, dilations and bins as in its training_config.json."
            ) from None
    return network


def _network_config(config: TrainingConfig) -> DistanceNetworkConfig:
    return DistanceNetworkConfig(
        encoder=MiniConfig(
            hidden_size=config.hidden_size,
            num_hidden_layers=config.layers,
            num_attention_heads=config.attention_heads,
            intermediate_size=3 * config.hidden_size,
            dropout=config.dropout,
        ),
        head={
            "width": config.pair_width,
            "rank": config.triangle_rank,
            "dilations": list(config.dilations),
            "bins": config.bins,
            "dropout": config.dropout,
        },
        max_trained_length=max(config.crops),
    )


def chosen_chains(config: TrainingConfig, split: str) -> Dataset:
    """The chains of a split that the config lets in."""
    dataset = read_dataset(dataset_path(getattr(config, split)))
    if config.chains:
        dataset = dataset.named(_listed(Path(config.chains), split))
    if not len(dataset):
        raise DatasetError(f"No chain of {dataset.name} is listed as '{split}' in {config.chains}.")
    return dataset


def _listed(path: Path, split: str) -> set[str]:
    try:
        with path.open(encoding="utf-8", newline="") as file:
            return {row["id"] for row in csv.DictReader(file) if row["split"] == split}
    except OSError:
        raise DatasetError(f"There is no list of chains at {path}; check the path.") from None
    except KeyError as error:
        raise DatasetError(f"{path} has no column {error}; it needs 'id' and 'split'.") from None


def _spread(dataset: Dataset, most: int) -> Dataset:
    """At most so many chains, evenly taken from the whole file."""
    keep = np.zeros(len(dataset), dtype=bool)
    keep[np.linspace(0, len(dataset) - 1, min(most, len(dataset))).astype(int)] = True
    return dataset.where(keep)


def _newest_checkpoint(output: Path) -> Path | None:
    # The Trainer writes trainer_state.json last: a folder without it was cut short.
    finished = [
        path
        for path in output.glob("checkpoint-*")
        if (path / "trainer_state.json").is_file() and (path / COMPANION).is_file()
    ]
    return max(finished, key=lambda path: int(path.name.rpartition("-")[2]), default=None)


def _write_config(config: TrainingConfig, output: Path) -> None:
    output.mkdir(parents=True, exist_ok=True)
    with replace_file(output / CONFIG_FILE, "w") as file:
        json.dump(config.as_dict(), file, indent=2)


def _precision(trainer: Trainer) -> str:
    device = str(trainer.args.device)
    return f"{'bfloat16' if trainer.args.bf16 else 'float32'} on {device}"


def _hours(started: float) -> float:
    return round((time.monotonic() - started) / 3600, 2)
