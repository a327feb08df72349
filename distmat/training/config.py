"""Every setting of a training run, checked, and read from and written to a file.

The form on the page, the file and the command line are three views of `TrainingConfig`;
`settings` describes it to them. Nothing here needs PyTorch.
"""

import ast
import dataclasses
import functools
import inspect
import itertools
import json
import typing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from distmat.documents import DocumentError, read_yaml
from distmat.errors import ConfigError

CONFIG_FILE = "training_config.json"
"""Name of the file in a run's folder and in each of its checkpoints."""


@dataclass(frozen=True)
class TrainingConfig:
    """All that decides how a run goes; saved beside its weights as ``training_config.json``."""

    train: str = "train"
    """Dataset to train on: a Parquet file or a name in the workspace; its chains of the split
    'train' where it has splits."""

    val: str = "val"
    """Dataset to choose the checkpoint by, never one that scores are reported on; its chains of
    the split 'val' where it has splits."""

    chains: str = ""
    """CSV with the columns 'id' and 'split': use only these chains of the two datasets."""

    longest_chain: int = 100_000
    """Longer training chains are left out."""

    output: str = "run"
    """Folder for checkpoints and the final model."""

    start: str = ""
    """Checkpoint whose weights training starts from, of the same shape; empty: none."""

    encoder: str = "mini"
    """Sequence network: 'mini', a name on the model hub, or a local folder."""

    pretrained: bool = True
    """Load the encoder's weights; false: its shape alone, with random weights."""

    mode: str = "full"
    """What is trained beside the head: the whole encoder ('full'), low-rank updates of its linear
    layers ('lora'), or nothing ('frozen')."""

    bidirectional: bool = False
    """Let each residue of a causal language model see what follows it, too."""

    lora_rank: int = 8
    """Rank of the low-rank updates."""

    lora_alpha: int = 16
    """The updates are scaled by this over their rank."""

    lora_dropout: float = 0.05
    """Dropout before the updates."""

    lora_targets: str = "all-linear"
    """Layers that get updates: 'all-linear', or names separated by commas."""

    use_4bit: bool = False
    """Hold the frozen encoder in 4-bit NF4; needs a GPU and the extra 'quant'."""

    hidden_size: int = 128
    """Width of mini's residue states."""

    layers: int = 4
    """Layers of mini."""

    attention_heads: int = 4
    """Attention heads of each layer of mini; they divide `hidden_size`."""

    dropout: float = 0.1
    """Dropout in mini and in the pair head."""

    head: str = "pair"
    """What turns residue states into distances: 'pair' looks at both residues of each pair,
    'placeholder' and 'coordinates' are the two published heads, for comparison."""

    pair_width: int = 32
    """Width of the states that the pair head's blocks work on."""

    pair_patch: int = 1
    """Pairs along the side of the squares that pair blocks take as one state; 1: every pair."""

    fine_width: int = 32
    """Width of a pair's own state, where `pair_patch` makes the blocks see squares of pairs."""

    triangle_rank: int = 16
    """Rank of the pair head's triangle products."""

    dilations: tuple[int, ...] = (1, 2, 4, 1, 2)
    """Dilation of each pair block's first convolution; as many blocks as numbers."""

    bins: int = 64
    """Distance bins of the pair head."""

    loss: str = ""
    """What is minimised; empty: the head's own."""

    scaling: str = "none"
    """What the placeholder head's log(1 + d) is divided by: nothing, a constant, or each chain's
    'own_maximum' as published, a fault, for nobody knows it when predicting."""

    lddt_weight: float = 0.0
    """Weight of an added loss that asks whether near pairs keep their distances."""

    contact_weight: float = 0.0
    """Weight of an added loss that asks whether pairs are in contact."""

    band_weights: tuple[float, ...] = (1.0, 1.0, 1.0, 1.0)
    """Weight of a pair's loss by its separation: 3–5, 6–11, 12–23, 24 and more."""

    crops: tuple[int, ...] = (96, 128, 192)
    """Residues of the longest stretch taken from a chain; drawn anew for each batch."""

    pairs_per_batch: int = 4 * 96 * 96
    """Residue pairs in a batch, so that long crops come in small batches."""

    chains_per_batch: int = 1_000
    """Chains in a batch at most."""

    pad_to: int = 0
    """Pad every batch to so many residues; 0: to the longest in it."""

    cluster_sampling: bool = True
    """Draw one chain of each sequence cluster in an epoch; false: every chain."""

    homologue_share: float = 0.5
    """Share of the draws in which a chain shows the sequence of one of its homologues, where the
    dataset has any."""

    masked_residues: float = 0.1
    """Share of the residues that are hidden from the encoder in training."""

    epochs: int = 0
    """Passes over the training chains; 0: as many as `max_steps` takes."""

    max_steps: int = 10_000
    """Optimizer steps, unless `epochs` says how many."""

    accumulation: int = 1
    """Batches whose gradients are added up before a step."""

    optimizer: str = "adamw"
    """'muon' makes the updates of matrices orthogonal, which takes fewer steps; or 'adamw'."""

    learning_rate: float = 1e-3
    """Peak learning rate of the optimizer."""

    schedule: str = "cosine"
    """Shape of the learning rate after warm-up: cosine, linear or constant."""

    warmup_steps: float = 300
    """Steps in which the learning rate rises from zero; below 1 their share of all steps."""

    weight_decay: float = 0.05
    """Weight decay of the optimizer."""

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

    choose_by: str = "mae"
    """Validation score by which the best checkpoint is chosen."""

    early_stop: int = 0
    """Evaluations without a better score after which the run ends; 0: it never ends early."""

    keep_checkpoints: int = 2
    """Checkpoints kept beside the best one."""

    device: str = "auto"
    """Where to compute: a GPU if there is one ('auto'), 'cpu' or 'cuda'."""

    precision: str = "auto"
    """Number format: bf16 on a GPU that has it, else fp16, fp32 on a CPU; or one of the three."""

    activation_checkpointing: bool = False
    """Compute the encoder's activations twice instead of keeping them: less memory, more time."""

    report_to: str = "none"
    """Also send metrics to: tensorboard, trackio, wandb; several with commas."""

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
        for name, choices in CHOICES.items():
            chosen = getattr(self, name)
            if chosen not in choices:
                raise ConfigError(f"{name} is '{chosen}'; it must be {_listing(choices)}.")
        for name in ("train", "val", "output", "encoder", "lora_targets"):
            if not getattr(self, name).strip():
                raise ConfigError(f"{name} is empty; give a name or a path.")
        self._check_together()

    def _check_together(self) -> None:
        """Settings that are right alone and wrong with each other."""
        if not self.crops or not self.dilations:
            empty = "crops" if not self.crops else "dilations"
            raise ConfigError(f"{empty} is empty; give at least one number.")
        if len(self.band_weights) != 4 or not any(self.band_weights):
            raise ConfigError(
                f"band_weights is {_numbers(self.band_weights)}; give four numbers, not all 0, "
                "for separations of 3–5, 6–11, 12–23, and 24 and more."
            )
        if self.hidden_size % self.attention_heads:
            raise ConfigError(
                f"hidden_size is {self.hidden_size}, which {self.attention_heads} attention heads "
                "don't divide; change one of the two."
            )
        if self.loss and self.loss not in LOSSES[self.head]:
            raise ConfigError(
                f"loss is '{self.loss}', which the head '{self.head}' doesn't have; it must be "
                f"{_listing(LOSSES[self.head])}."
            )
        if self.use_4bit and self.mode == "full":
            raise ConfigError(
                "use_4bit is true, but weights held in 4 bits can't be trained; "
                "set mode to lora or frozen."
            )
        if self.pad_to and self.pad_to < max(self.crops):
            raise ConfigError(
                f"pad_to is {self.pad_to}, shorter than the longest crop of {max(self.crops)} "
                "residues; raise it, or set it to 0."
            )
        if self.head != "pair" and self.evaluation_max_length > max(self.crops):
            raise ConfigError(
                f"evaluation_max_length is {self.evaluation_max_length}, but the head "
                f"'{self.head}' knows no more than the {max(self.crops)} residues of the longest "
                "crop; lower it, or raise crops."
            )
        unknown = set(self.reports) - set(REPORTS)
        if unknown:
            raise ConfigError(
                f"report_to is '{self.report_to}'; it must be none, or of {_listing(REPORTS)}."
            )

    @property
    def reports(self) -> tuple[str, ...]:
        """Where metrics go besides the run's own log."""
        names = [name.strip() for name in self.report_to.split(",")]
        return tuple(name for name in names if name not in ("", "none"))

    @property
    def chosen_loss(self) -> str:
        """`loss`, or the head's own."""
        return self.loss or LOSSES[self.head][0]

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

    def differences(self, other: "TrainingConfig") -> dict[str, tuple]:
        """The fields in which two configs differ, with both values."""
        mine, theirs = dataclasses.asdict(self), dataclasses.asdict(other)
        return {name: (mine[name], theirs[name]) for name in mine if mine[name] != theirs[name]}


@dataclass(frozen=True)
class Setting:
    """One field of `TrainingConfig`, as a form or a help text needs it.

    Parameters
    ----------
    name : str
    kind : type
        bool, int, float, str, or tuple of numbers.
    default : object
    help : str
        One sentence or two.
    low, high : float or None
        Lowest and highest value of a number, both allowed.
    choices : tuple of str
        The values a text may have; empty where it is free.
    """

    name: str
    kind: type
    default: Any
    help: str
    low: float | None
    high: float | None
    choices: tuple[str, ...]


@functools.cache
def settings() -> dict[str, Setting]:
    """Every setting by its name, in the order of the class."""
    ranges = {name: (low, high) for name, low, high in _RANGES}
    types = typing.get_type_hints(TrainingConfig)
    helps = _field_docstrings()
    return {
        field.name: Setting(
            field.name,
            typing.get_origin(types[field.name]) or types[field.name],
            field.default,
            helps[field.name],
            *ranges.get(field.name, (None, None)),  # type: ignore[call-arg]
            CHOICES.get(field.name, ()),
        )
        for field in dataclasses.fields(TrainingConfig)
    }


def _field_docstrings() -> dict[str, str]:
    # A string under a field is no docstring to Python: only the source has it.
    definition = ast.parse(inspect.getsource(TrainingConfig)).body[0]
    texts = {}
    for field, text in itertools.pairwise(ast.iter_child_nodes(definition)):
        if (
            isinstance(field, ast.AnnAssign)
            and isinstance(field.target, ast.Name)
            and isinstance(text, ast.Expr)
        ):
            texts[field.target.id] = " ".join(str(ast.literal_eval(text.value)).split())
    return texts


def read_config(path: Path) -> TrainingConfig:
    """Read a config from JSON or YAML; what it doesn't name keeps its default.

    Raises
    ------
    ConfigError
        If the file is missing or no mapping of settings, or a setting is wrong.
    """
    return TrainingConfig().with_settings(read_settings(path))


def read_settings(path: Path) -> dict:
    """The settings that a JSON or YAML file names, not yet checked.

    Raises
    ------
    ConfigError
        If the file is missing or no mapping of settings.
    """
    try:
        content = read_yaml(path)
    # A name with a NUL byte is a ValueError, and names no file.
    except DocumentError as error:
        raise ConfigError(f"{path} is no YAML or JSON of settings: {error}.") from None
    except (OSError, ValueError):
        raise ConfigError(f"There is no config at {path}; check the path.") from None
    if not isinstance(content, dict):
        raise ConfigError(f"{path} holds no settings; write lines such as 'learning_rate: 0.001'.")
    return content


def config_text(config: TrainingConfig, kind: str = "json") -> str:
    """A config as the text of a JSON or YAML file (`kind`), which `read_config` reads."""
    if kind == "json":
        return json.dumps(config.as_dict(), indent=2) + "\n"
    import yaml

    return yaml.safe_dump(config.as_dict(), sort_keys=False, allow_unicode=True)


def _read(name: str, value: object, kind: type) -> object:
    """`value` as the field's type; a text from the command line is parsed, nothing is guessed."""
    try:
        if kind is bool:
            return _read_bool(value)
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
            return tuple(_read(name, part, typing.get_args(kind)[0]) for part in parts)
    except (TypeError, ValueError, OverflowError):
        pass
    word = {bool: "true or false", int: "a whole number", float: "a number", str: "a text"}.get(
        kind, "numbers separated by commas"
    )
    raise ConfigError(f"{name} is {repr(value)[:100]}; it must be {word}.")


def _read_bool(value: object) -> bool:
    words = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}
    if isinstance(value, bool):
        return value
    if isinstance(value, str) and value.strip().lower() in words:
        return words[value.strip().lower()]
    raise ValueError


def _listing(words: typing.Iterable[str]) -> str:
    *most, last = words
    return f"{', '.join(most)} or {last}" if most else last


def _numbers(values: tuple[float, ...]) -> str:
    return ",".join(f"{value:g}" for value in values) or "empty"


REPORTS = ("tensorboard", "trackio", "wandb")
"""Services that metrics can be sent to besides."""

LOSSES: dict[str, tuple[str, ...]] = {
    "pair": ("distogram", "log_mse", "log_huber"),
    "placeholder": ("log_mse", "log_huber"),
    "coordinates": ("coordinate_mse", "fape"),
}
"""The losses of each head, its own first."""

CHOICES: dict[str, tuple[str, ...]] = {
    "mode": ("full", "lora", "frozen"),
    "head": tuple(LOSSES),
    "scaling": ("none", "constant", "own_maximum"),
    "optimizer": ("adamw", "muon"),
    "schedule": ("cosine", "linear", "constant"),
    "choose_by": ("mae", "rmse", "pearson", "lddt", "long_precision", "loss"),
    "device": ("auto", "cpu", "cuda"),
    "precision": ("auto", "bf16", "fp16", "fp32"),
}
"""The values of each text that isn't free."""

_RANGES: tuple[tuple[str, float, float], ...] = (
    ("longest_chain", 16, 10**6),
    ("lora_rank", 1, 1024),
    ("lora_alpha", 1, 4096),
    ("lora_dropout", 0, 0.9),
    ("hidden_size", 8, 4096),
    ("layers", 1, 64),
    ("attention_heads", 1, 64),
    ("dropout", 0, 0.9),
    ("pair_width", 4, 512),
    ("pair_patch", 1, 8),
    ("fine_width", 1, 512),
    ("triangle_rank", 1, 256),
    ("dilations", 1, 64),
    ("bins", 48, 512),
    ("lddt_weight", 0, 1000),
    ("contact_weight", 0, 1000),
    ("band_weights", 0, 1000),
    ("crops", 16, 1024),
    ("pairs_per_batch", 256, 10**9),
    ("chains_per_batch", 1, 10**6),
    ("pad_to", 0, 1024),
    ("homologue_share", 0, 1),
    ("masked_residues", 0, 0.9),
    ("epochs", 0, 10**6),
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
    ("early_stop", 0, 10**6),
    ("keep_checkpoints", 1, 1000),
    ("seed", 0, 2**32 - 1),
)
"""Lowest and highest value of each number, both allowed."""
