"""Low-rank adapters beside an encoder that stays as it is, and what of a network learns."""

import warnings
from dataclasses import asdict, dataclass
from typing import Any

from torch import nn

from distmat.errors import ConfigError
from distmat.model.encoder import fingerprint


@dataclass(frozen=True)
class LoraSettings:
    """Low-rank adapters (Hu et al., 2021): what is added to an encoder that stays as it is.

    Parameters
    ----------
    rank : int
        Of each adapter.
    alpha : float
        Updates are scaled by ``alpha / rank``.
    dropout : float
        On the adapters' input, 0 to 1.
    targets : str
        ``"all-linear"``, or names of linear layers separated by commas.
    """

    rank: int = 8
    alpha: float = 16
    dropout: float = 0.05
    targets: str = "all-linear"

    def __post_init__(self) -> None:
        if not 1 <= self.rank <= 1024:
            raise ConfigError(f"lora_rank is {self.rank}; it must lie between 1 and 1024.")
        if not self.alpha > 0:
            raise ConfigError(f"lora_alpha is {self.alpha}; it must be above 0.")
        if not 0 <= self.dropout < 1:
            raise ConfigError(f"lora_dropout is {self.dropout}; it must lie from 0 to below 1.")

    def as_dict(self) -> dict:
        """For a network's config."""
        return asdict(self)


def with_lora(encoder: nn.Module, settings: LoraSettings) -> Any:
    """The encoder as a `PeftModel`: its own weights fixed, adapters that learn beside them.

    Raises
    ------
    ConfigError
        If it has no linear layer of one of the names.
    """
    from peft import LoraConfig, get_peft_model

    config = LoraConfig(
        r=settings.rank,
        lora_alpha=settings.alpha,
        lora_dropout=settings.dropout,
        target_modules=_targets(encoder, settings.targets),
    )
    with warnings.catch_warnings():
        # peft 0.21 asks transformers 5.24 a question by its old name.
        warnings.filterwarnings("ignore", ".*is_gradient_checkpointing", FutureWarning)
        return get_peft_model(encoder, config)


def _targets(encoder: nn.Module, names: str) -> list[str]:
    linear = [name for name, module in encoder.named_modules() if isinstance(module, nn.Linear)]
    if names == "all-linear":
        return linear
    wanted = [name.strip() for name in names.split(",") if name.strip()]
    if not wanted:
        raise ConfigError("lora_targets names no layer; use all-linear or names of layers.")
    known = sorted({name.rpartition(".")[2] for name in linear})
    for name in wanted:
        if name not in known:
            raise ConfigError(
                f"lora_targets names '{name}', which no linear layer of the encoder is called; "
                f"use all-linear or some of: {', '.join(known)}."
            )
    return [name for name in linear if name.rpartition(".")[2] in wanted]


def merge_adapters(encoder: Any) -> Any:
    """The encoder with its adapters added into its own weights."""
    return encoder.merge_and_unload() if hasattr(encoder, "merge_and_unload") else encoder


def prepare(network: Any, lora: LoraSettings | None = None) -> None:
    """Make the network's encoder learn as its config's mode says."""
    config = network.config
    if config.mode == "full":
        return
    config.base_fingerprint = fingerprint(network.encoder)
    network.encoder.requires_grad_(False)
    if config.mode == "lora":
        settings = lora or LoraSettings(**(config.lora or {}))
        config.lora = settings.as_dict()
        network.encoder = with_lora(network.encoder, settings)
    network.train(network.training)


def lora_parameters(model: nn.Module) -> int:
    """How many numbers the adapters have."""
    return sum(w.numel() for name, w in model.named_parameters() if "lora_" in name)
