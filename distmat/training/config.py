"""Every setting of a training run, checked, and read from and written to a file."""

import dataclasses
import json
import typing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from distmat.errors import ConfigError


@dataclass(frozen=True)
class TrainingConfig:
    """All that decides how a run goes; saved beside its weights as ``training_config.json``."""

    train: str = "train"
    """Dataset to train on: a Parquet file or a name in the workspace."""

    val: str = "val"
    """Dataset to choose the checkpoint by; never one that scores are reported on."""

    chains: str = ""
    """CSV with the columns ``id`` and ``split``: use only these chains of the two datasets."""

    output: str = "run"
    """Folder for checkpoints and the final model: a path, or a name in the workspace."""

    start: str = ""
    """Checkpoint whose weights training starts from, of the same shape; empty: random ones."""

    hidden_size: int = 128
    """Width of the encoder's residue states."""

    layers: int = 4
    """Layers of the encoder."""

    attention_heads: int = 4
    """Attention heads of each encoder layer; they divide `hidden_size`."""

    pair_width: int = 32
    """Width of a pair's state in the head."""

    triangle_rank: int = 16
    """Rank of the head's triangle products."""

    dilations: tuple[int, ...] = (1, 2, 4, 1, 2)
    """Dilation of each pair block's first convolution; as many blocks as numbers."""

    bins: int = 64
    """Distance bins of the distogram."""

    dropout: float = 0.1
    """Dropout in encoder and head."""

    crops: tuple[int, ...] = (96, 128, 192)
    """Residues of the longest stretch taken from a chain; drawn anew for each batch."""

    pairs_per_batch: int = 4 * 96 * 96
    """Residue pairs in a batch, so that long crops come in small batches."""

    masked_residues: float = 0.1
    """Share of the residues that are hidden from the encoder in training."""

    max_steps: int = 10_000
    """Optimizer steps."""

    accumulation: int = 1
    """Batches whose gradients are added up before a step."""

    learning_rate: float = 1e-3
    """Peak learning rate of AdamW."""

    schedule: str = "cosine"
    """Shape of the learning rate after warm-up: cosine, linear or constant."""

    warmup_steps: int = 300
    """Steps in which the learning rate rises from zero."""

    weight_decay: float = 0.05
    """Weight decay of AdamW."""

    max_grad_norm: float = 1.0
    """Gradients longer than this are shortened to it."""

    log_every: int = 50
    """Steps between two logged losses."""

    evaluate_every: int = 1_000
    """Steps between two evaluations, each of which writes a checkpoint."""

    evaluation_chains: int = 100
    """Validation chains, one of each cluster, that an evaluation scores."""

    evaluation_max_length: int = 256
    """Residues of the longest chain that is evaluated."""

    keep_checkpoints: int = 2
    """Checkpoints kept beside the best one."""

    seed: int = 0
    """Seed of weights, crops, masks and dropout."""

    def __post_init__(self) -> None:
        for name, low, high in _RANGES:
            values = getattr(self, name)
            for value in values if isinstance(values, tuple) else (values,):
                if not low <= value <= high:
                    raise ConfigError(
                        f"{name} is {value}; it must lie between {low:g} and {high:g}."
                    )
        if not self.crops or not self.dilations:
            empty = "crops" if not self.crops else "dilations"
            raise ConfigError(f"{empty} is empty; give at least one number.")
        if self.hidden_size % self.attention_heads:
            raise ConfigError(
                f"hidden_size is {self.hidden_size}, which {self.attention_heads} attention heads "
                "don't divide; change one of the two."
            )
        if self.schedule not in ("cosine", "linear", "constant"):
            raise ConfigError(
                f"schedule is '{self.schedule}'; it must be cosine, linear or constant."
            )

    def with_settings(self, settings: dict) -> "TrainingConfig":
        """A copy with some fields changed.

        Parameters
        ----------
        settings : dict
            Field names and values; a text is read as the field's type, so ``"2e-4"`` will do.

        Raises
        ------
        ConfigError
            If a field doesn't exist, or its value has another type or lies outside its range.
        """
        types = typing.get_type_hints(TrainingConfig)
        for name in settings:
            if name not in types:
                known = ", ".join(sorted(types))
                raise ConfigError(f"There is no setting '{name}'; the settings are {known}.")
        read: dict[str, Any] = {
            name: _read(name, value, types[name]) for name, value in settings.items()
        }
        return dataclasses.replace(self, **read)

    def as_dict(self) -> dict:
        """For JSON and YAML."""
        return json.loads(json.dumps(dataclasses.asdict(self)))


def read_config(path: Path) -> TrainingConfig:
    """Read a config from JSON or YAML; what it doesn't name keeps its default.

    Raises
    ------
    ConfigError
        If the file is missing or no mapping of settings, or a setting is wrong.
    """
    import yaml

    try:
        content = yaml.safe_load(Path(path).read_text(encoding="utf-8"))
    except OSError:
        raise ConfigError(f"There is no config at {path}; check the path.") from None
    except (UnicodeDecodeError, yaml.YAMLError) as error:
        reason = " ".join(str(error).split())
        raise ConfigError(f"{path} is neither YAML nor JSON: {reason}.") from None
    if not isinstance(content, dict):
        raise ConfigError(f"{path} holds no settings; write lines such as 'learning_rate: 0.001'.")
    return TrainingConfig().with_settings(content)


def _read(name: str, value: object, kind: type) -> object:
    """`value` as the field's type; a text from the command line is parsed, nothing is guessed."""
    try:
        if kind is int and not isinstance(value, bool):
            if float(value) != int(float(value)):  # type: ignore[arg-type]
                raise ValueError
            return int(float(value))  # type: ignore[arg-type]
        if kind is float and not isinstance(value, bool):
            return float(value)  # type: ignore[arg-type]
        if kind is str and isinstance(value, str):
            return value
        if typing.get_origin(kind) is tuple:
            parts = value.split(",") if isinstance(value, str) else list(value)  # type: ignore
            return tuple(_read(name, part, int) for part in parts)
    except (TypeError, ValueError, OverflowError):
        pass
    word = {int: "a whole number", float: "a number", str: "a text"}.get(
        kind, "whole numbers separated by commas"
    )
    raise ConfigError(f"{name} is {value!r}; it must be {word}.")


_RANGES: tuple[tuple[str, float, float], ...] = (
    ("hidden_size", 8, 4096),
    ("layers", 1, 64),
    ("attention_heads", 1, 64),
    ("pair_width", 4, 512),
    ("triangle_rank", 1, 256),
    ("dilations", 1, 64),
    ("bins", 48, 512),
    ("dropout", 0, 0.9),
    ("crops", 16, 1024),
    ("pairs_per_batch", 256, 10**9),
    ("masked_residues", 0, 0.9),
    ("max_steps", 1, 10**9),
    ("accumulation", 1, 10_000),
    ("learning_rate", 1e-8, 1),
    ("warmup_steps", 0, 10**9),
    ("weight_decay", 0, 1),
    ("max_grad_norm", 1e-6, 1e6),
    ("log_every", 1, 10**9),
    ("evaluate_every", 1, 10**9),
    ("evaluation_chains", 1, 10**9),
    ("evaluation_max_length", 16, 1024),
    ("keep_checkpoints", 1, 1000),
    ("seed", 0, 2**32 - 1),
)
"""Lowest and highest value of each number, both allowed."""
