"""Every setting of a training run, checked, and read from and written to a file.

The form on the page, the file, the command line and the JSON schema are views of
`TrainingConfig`; what else the house knows of a setting stands in its declaration, too.
Nothing here needs PyTorch.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from distmat.documents import DocumentError, read_yaml
from distmat.errors import ConfigError
from distmat.model.encoders.mini import MiniSettings
from distmat.model.heads import HEADS, HeadKind
from distmat.model.heads.placeholder import PlaceholderSettings
from distmat.settings import PACE, SHAPE, Setting, describe, groups, join_words, setting
from distmat.training.relatives_settings import RelativesSettings

CONFIG_FILE = "training_config.json"
"""Name of the file in a run's folder and in each of its checkpoints."""

BASICS = "Basics"
"""The group of settings that a form always shows."""

REPORTS = ("tensorboard", "trackio", "wandb")
"""Services that metrics can be sent to besides."""


@dataclass(frozen=True)
class TrainingConfig(MiniSettings, RelativesSettings, PlaceholderSettings):
    """All that decides how a run goes; saved beside its weights as ``training_config.json``."""

    group_order: ClassVar[tuple[str, ...]] = (
        BASICS,
        "Data",
        "Encoder",
        "Head and loss",
        "Batches",
        "Optimiser",
        "Evaluation and checkpoints",
        "Machine",
    )

    train: str = setting("train", "Training data", BASICS, required=True)
    """Dataset to train on: a Parquet file or a name in the workspace; its chains of the split
    'train' where it has splits."""

    val: str = setting("val", "Validation data", BASICS, required=True)
    """Dataset to choose the checkpoint by, never one that scores are reported on; its chains of
    the split 'val' where it has splits."""

    encoder: str = setting("mini", "Encoder", BASICS, marks=(SHAPE, PACE), required=True)
    """Sequence network: 'mini', a name on the model hub, or a local folder."""

    mode: str = setting(
        "full",
        "What is trained",
        BASICS,
        marks=(SHAPE, PACE),
        choices=("full", "lora", "frozen"),
    )
    """What is trained beside the head: the whole encoder ('full'), low-rank updates of its linear
    layers ('lora'), or nothing ('frozen')."""

    head: str = setting("pair", "Head", BASICS, marks=(SHAPE, PACE), choices=HEADS.names)
    """What turns residue states into distances: 'pair' looks at both residues of each pair,
    'placeholder' and 'coordinates' are the two published heads, for comparison."""

    max_steps: int = setting(10_000, "Steps", BASICS, low=1, high=10**9)
    """Optimizer steps, unless `epochs` says how many."""

    learning_rate: float = setting(1e-3, "Learning rate", BASICS, low=1e-8, high=1)
    """Peak learning rate of the optimizer."""

    crops: tuple[int, ...] = setting(
        (96, 128, 192), "Crop lengths", BASICS, low=16, high=1024, marks=(PACE,)
    )
    """Residues of the longest stretch taken from a chain; drawn anew for each batch."""

    evaluate_every: int = setting(1_000, "Steps between evaluations", BASICS, low=1, high=10**9)
    """Steps between two evaluations, each of which writes a checkpoint."""

    output: str = setting("run", required=True)
    """Folder for checkpoints and the final model."""

    chain_list: str = setting("", "List of chains", "Data", words={"all": ""}, formerly=("chains",))
    """CSV with the columns 'id' and 'split': use only these chains of the two datasets."""

    max_chain_length: int = setting(
        100_000,
        "Longest chain",
        "Data",
        low=16,
        high=10**6,
        words={"no limit": 100_000},
        formerly=("longest_chain",),
    )
    """Longer training chains are left out."""

    cluster_sampling: bool = setting(True, "One chain of each cluster", "Data")
    """Draw one chain of each sequence cluster in an epoch; false: every chain."""

    homologue_share: float = setting(
        0.5, "Share of homologues", "Data", low=0, high=1, words={"off": 0.0}
    )
    """Share of the draws in which a chain shows the sequence of one of its homologues, where the
    dataset has any."""

    masked_residues: float = setting(
        0.1, "Share of hidden residues", "Data", low=0, high=0.9, words={"off": 0.0}
    )
    """Share of the residues that are hidden from the encoder in training."""

    init_from: str = setting(
        "", "Begin with the weights of", "Encoder", words={"none": ""}, formerly=("start",)
    )
    """Checkpoint whose weights training starts from, of the same shape; empty: none."""

    pretrained: bool = setting(
        True, "Pretrained weights", "Encoder", applies=lambda c: c.encoder != "mini"
    )
    """Load the encoder's weights; false: its shape alone, with random weights."""

    bidirectional: bool = setting(
        False,
        "Attention both ways",
        "Encoder",
        marks=(SHAPE,),
        applies=lambda c: c.encoder != "mini",
    )
    """Let each residue of a causal language model see what follows it, too."""

    lora_rank: int = setting(
        8,
        "LoRA rank",
        "Encoder",
        low=1,
        high=1024,
        marks=(SHAPE,),
        applies=lambda c: c.mode == "lora",
    )
    """Rank of the low-rank updates."""

    lora_alpha: int = setting(
        16,
        "LoRA alpha",
        "Encoder",
        low=1,
        high=4096,
        marks=(SHAPE,),
        applies=lambda c: c.mode == "lora",
    )
    """The updates are scaled by this over their rank."""

    lora_dropout: float = setting(
        0.05, "LoRA dropout", "Encoder", low=0, high=0.9, applies=lambda c: c.mode == "lora"
    )
    """Dropout before the updates."""

    lora_targets: str = setting(
        "all-linear",
        "LoRA layers",
        "Encoder",
        marks=(SHAPE,),
        required=True,
        applies=lambda c: c.mode == "lora",
    )
    """Layers that get updates: 'all-linear', or names separated by commas."""

    use_4bit: bool = setting(
        False,
        "Encoder in 4 bits",
        "Encoder",
        applies=lambda c: c.use_4bit or (c.mode != "full" and c.encoder != "mini"),
    )
    """Hold the frozen encoder in 4-bit NF4; needs a GPU and the extra 'quant'."""

    dropout: float = setting(
        0.1,
        "Dropout",
        "Encoder",
        low=0,
        high=0.9,
        applies=lambda c: c.encoder == "mini" or c.head == "pair",
    )
    """Dropout in mini and in the pair head."""

    head_settings: dict[str, Any] = setting(
        {},
        "Settings of the head",
        "Head and loss",
        marks=(SHAPE, PACE),
        applies=lambda c: HEADS.get(c.head).settings is not None,
    )
    """Settings of a head that another package brings, such as 'width: 4, near: true'."""

    loss: str = setting("", "Loss", "Head and loss", words={"the head's own": ""})
    """What is minimised; empty: the head's own."""

    band_weights: tuple[float, ...] = setting(
        (1.0, 1.0, 1.0, 1.0),
        "Weights of the bands",
        "Head and loss",
        low=0,
        high=1000,
        applies=lambda c: c.head != "coordinates",
    )
    """Weight of a pair's loss by its separation: 3–5, 6–11, 12–23, 24 and more."""

    pairs_per_batch: int = setting(
        4 * 96 * 96, "Pairs in a batch", "Batches", low=256, high=10**9, marks=(PACE,)
    )
    """Residue pairs in a batch, so that long crops come in small batches."""

    chains_per_batch: int = setting(
        1_000, "Most chains in a batch", "Batches", low=1, high=10**6, marks=(PACE,)
    )
    """Chains in a batch at most."""

    pad_to: int = setting(0, "Pad to", "Batches", low=0, high=1024, marks=(PACE,), words={"off": 0})
    """Pad every batch to so many residues; 0: to the longest in it."""

    accumulation: int = setting(
        1, "Batches to a step", "Batches", low=1, high=10_000, marks=(PACE,)
    )
    """Batches whose gradients are added up before a step."""

    epochs: int = setting(0, "Epochs", "Batches", low=0, high=10**6, words={"off": 0})
    """Passes over the training chains; 0: as many as `max_steps` takes."""

    optimizer: str = setting(
        "adamw", "Optimizer", "Optimiser", marks=(SHAPE, PACE), choices=("adamw", "muon")
    )
    """'muon' makes the updates of matrices orthogonal, which takes fewer steps; or 'adamw'."""

    schedule: str = setting(
        "cosine", "Schedule", "Optimiser", choices=("cosine", "linear", "constant")
    )
    """Shape of the learning rate after warm-up: cosine, linear or constant."""

    warmup_steps: float = setting(
        300, "Warm-up", "Optimiser", low=0, high=10**9, words={"off": 0.0}
    )
    """Steps in which the learning rate rises from zero; below 1 their share of all steps."""

    weight_decay: float = setting(
        0.05, "Weight decay", "Optimiser", low=0, high=1, words={"off": 0.0}
    )
    """Weight decay of the optimizer."""

    max_grad_norm: float = setting(1.0, "Longest gradient", "Optimiser", low=1e-6, high=1e6)
    """Gradients longer than this are shortened to it."""

    seed: int = setting(0, "Seed", "Optimiser", low=0, high=2**32 - 1)
    """Seed of weights, crops, masks and dropout."""

    log_every: int = setting(
        50, "Steps between logged losses", "Evaluation and checkpoints", low=1, high=10**9
    )
    """Steps between two logged losses."""

    evaluation_chains: int = setting(
        100, "Chains of an evaluation", "Evaluation and checkpoints", low=1, high=10**9
    )
    """Validation chains, one of each cluster, that an evaluation scores."""

    evaluation_max_length: int = setting(
        256, "Longest chain evaluated", "Evaluation and checkpoints", low=16, high=1024
    )
    """Residues of the longest chain that is evaluated."""

    monitor: str = setting(
        "mae",
        "Best checkpoint by",
        "Evaluation and checkpoints",
        choices=("mae", "rmse", "pearson", "lddt", "long_precision", "loss"),
        formerly=("choose_by",),
    )
    """Validation score by which the best checkpoint is chosen."""

    early_stopping_patience: int = setting(
        0,
        "Stop early after",
        "Evaluation and checkpoints",
        low=0,
        high=10**6,
        words={"off": 0},
        formerly=("early_stop",),
    )
    """Evaluations without a better score after which the run ends; 0: it never ends early."""

    keep_checkpoints: int = setting(
        2, "Checkpoints kept", "Evaluation and checkpoints", low=1, high=1000
    )
    """Checkpoints kept beside the best one."""

    device: str = setting("auto", "Device", "Machine", choices=("auto", "cpu", "cuda"))
    """Where to compute: a GPU if there is one ('auto'), 'cpu' or 'cuda'."""

    precision: str = setting(
        "auto",
        "Number format",
        "Machine",
        marks=(PACE,),
        choices=("auto", "bf16", "fp16", "fp32"),
    )
    """Number format: bf16 on a GPU that has it, else fp16, fp32 on a CPU; or one of the three."""

    activation_checkpointing: bool = setting(
        False, "Less memory, more time", "Machine", marks=(PACE,)
    )
    """Compute the encoder's activations twice instead of keeping them: less memory, more time."""

    report_to: str = setting("none", "Also send metrics to", "Machine")
    """Also send metrics to: tensorboard, trackio, wandb; several with commas."""

    def check_together(self) -> None:
        super().check_together()
        if not self.crops:
            raise ConfigError("crops is empty; give at least one number.")
        if len(self.band_weights) != 4 or not any(self.band_weights):
            raise ConfigError(
                f"band_weights is {','.join(f'{w:g}' for w in self.band_weights) or 'empty'}; give "
                "four numbers, not all 0, for separations of 3–5, 6–11, 12–23, and 24 and more."
            )
        if self.loss and self.loss not in self.head_kind.losses:
            raise ConfigError(
                f"loss is '{self.loss}', which the head '{self.head}' doesn't have; it must be "
                f"{join_words(self.head_kind.losses)}."
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
        longest = self.head_kind.longest(self)
        if longest is not None and self.evaluation_max_length > longest:
            raise ConfigError(
                f"evaluation_max_length is {self.evaluation_max_length}, but the head "
                f"'{self.head}' knows no more than the {longest} residues of the longest "
                "crop; lower it, or raise crops."
            )
        self.head_kind.arguments(self)
        unknown = set(self.reports) - set(REPORTS)
        if unknown:
            raise ConfigError(
                f"report_to is '{self.report_to}'; it must be none, or of {join_words(REPORTS)}."
            )

    @property
    def head_kind(self) -> HeadKind:
        """What is known of `head`."""
        return HEADS.get(self.head)

    @property
    def reports(self) -> tuple[str, ...]:
        """Where metrics go besides the run's own log."""
        names = [name.strip() for name in self.report_to.split(",")]
        return tuple(name for name in names if name not in ("", "none"))

    @property
    def chosen_loss(self) -> str:
        """`loss`, or the head's own."""
        return self.loss or self.head_kind.losses[0]


def settings() -> Mapping[str, Setting]:
    """Every setting by its name."""
    return describe(TrainingConfig)


MODEL_SETTINGS = (
    "encoder",
    "mode",
    "head",
    *groups(TrainingConfig)["Encoder"],
    *groups(TrainingConfig)["Head and loss"],
)
"""What decides the model; all others decide how it is trained."""


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
