"""What the transformers Trainer is told: device, precision, schedule and where things go."""

import importlib.util
import os
from pathlib import Path

import torch
from transformers import TrainingArguments

from distmat.errors import ConfigError
from distmat.jobs.hardware import processor_has_bf16
from distmat.scoring.map_scores import MAP_SCORES
from distmat.training.config import TrainingConfig

PRECISIONS = {"bf16": "bfloat16", "fp16": "float16", "fp32": "float32"}
"""The names of number formats, and how they are said aloud."""

_SCHEDULES = {"constant": "constant_with_warmup"}


def choose_device(config: TrainingConfig) -> str:
    """``"cuda"`` or ``"cpu"``.

    Raises
    ------
    ConfigError
        If a GPU is wanted and there is none.
    """
    there = torch.cuda.is_available()
    if config.device == "cuda" and not there:
        raise ConfigError("device is 'cuda', but PyTorch sees no GPU here; set it to auto or cpu.")
    return "cuda" if there and config.device != "cpu" else "cpu"


def choose_precision(config: TrainingConfig) -> str:
    """A key of `PRECISIONS`: the config's, or the best that the device has.

    On a processor that has no bfloat16 itself the emulated one is slower than float32, which is
    taken in its place.

    Raises
    ------
    ConfigError
        If the device can't compute in the one that is wanted.
    """
    on_gpu = choose_device(config) == "cuda"
    # Emulated bf16 is slower than fp16, which such a GPU has.
    has_bf16 = on_gpu and torch.cuda.is_bf16_supported(including_emulation=False)
    if config.precision == "auto":
        return "bf16" if has_bf16 else "fp16" if on_gpu else "fp32"
    if config.precision == "fp16" and not on_gpu:
        raise ConfigError("precision is 'fp16', which needs a GPU; set it to auto or fp32.")
    if config.precision == "bf16" and on_gpu and not has_bf16:
        raise ConfigError("precision is 'bf16', which this GPU lacks; set it to auto or fp16.")
    if config.precision == "bf16" and not on_gpu and not processor_has_bf16():
        return "fp32"
    return config.precision


def trainer_arguments(config: TrainingConfig) -> TrainingArguments:
    """The arguments of a run; making them joins the other processes that `torchrun` started."""
    precision = choose_precision(config)
    on_gpu = choose_device(config) == "cuda"
    _check_reports(config)
    return TrainingArguments(
        output_dir=config.output,
        run_name=Path(config.output).name,
        max_steps=config.max_steps,
        gradient_accumulation_steps=config.accumulation,
        learning_rate=config.learning_rate,
        lr_scheduler_type=_SCHEDULES.get(config.schedule, config.schedule),
        warmup_steps=config.warmup_steps,
        weight_decay=config.weight_decay,
        max_grad_norm=config.max_grad_norm,
        activation_checkpointing=config.activation_checkpointing,
        activation_checkpointing_kwargs={"use_reentrant": False},
        logging_steps=config.log_every,
        logging_nan_inf_filter=False,
        eval_strategy="steps",
        eval_steps=config.evaluate_every,
        save_strategy="steps",
        save_steps=config.evaluate_every,
        load_best_model_at_end=True,
        metric_for_best_model=f"eval_{config.monitor}",
        greater_is_better=config.monitor != "loss" and MAP_SCORES[config.monitor].higher_is_better,
        label_names=["ca"],
        remove_unused_columns=False,
        dataloader_pin_memory=on_gpu,
        use_cpu=not on_gpu,
        ddp_backend="gloo" if processes() > 1 and not on_gpu else None,
        # Every weight that learns takes part in every loss.
        ddp_find_unused_parameters=False,
        bf16=precision == "bf16",
        fp16=precision == "fp16",
        report_to=list(config.reports) or "none",
        seed=config.seed,
        log_level="error",
        log_level_replica="error",
    )


def processes() -> int:
    """How many processes share this run."""
    return int(os.environ.get("WORLD_SIZE", "1"))


def process() -> int:
    """Which of them this one is; the first one, 0, writes and tells."""
    return int(os.environ.get("RANK", "0"))


def _check_reports(config: TrainingConfig) -> None:
    for name in config.reports:
        if importlib.util.find_spec(name) is None:
            raise ConfigError(
                f"report_to is '{config.report_to}', but {name} isn't installed; "
                f"run pip install {name}, or set it to none."
            )
