"""Encoders: a sequence of tokens in, one state per residue out.

Any transformers model with `last_hidden_state` and one token per residue will do: causal
language models such as Qwen2.5 and Qwen3, ESM-2, and the built-in mini. Which residue
stands where in what the encoder reads is kept here, and nowhere else. Shapes: B batch,
L residues, T tokens, D width of a state.
"""

import hashlib
import inspect
import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn
from transformers import AutoConfig, AutoModel, PreTrainedConfig, PreTrainedModel
from transformers.models.auto.modeling_auto import MODEL_FOR_CAUSAL_LM_MAPPING_NAMES
from transformers.utils import logging

from distmat.errors import CheckpointError, ConfigError
from distmat.model.mini import MiniConfig
from distmat.model.tokens import ResidueTokenizer, first_line, from_disk_or_hub
from distmat.workspace import checkpoint_path

CHECKPOINT_PREFIX = "checkpoint:"
"""Begins the name of an encoder that is taken from one of our own checkpoints."""

_WIDEST = 2**22
"""Channels of a state, or tokens, at most."""

_UNUSED = ("contact_head", "pooler", "lm_head")
"""Parts of encoders that states don't pass through."""


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


@dataclass(frozen=True)
class Chains:
    """What an encoder says of a batch of chains.

    Parameters
    ----------
    states : Tensor, shape=(B, L, D)
        Of the residues; of the tokens, where these are byte pairs.
    mask : Tensor, shape=(B, L), dtype=bool
        False on padding.
    placeholders, pooled : Tensor, shape=(B, L, D) and (B, 1, D), or None
        States of the placeholders that follow a chain, one for each residue, and the largest
        value of each channel over the residues; None unless they were asked for.
    """

    states: torch.Tensor
    mask: torch.Tensor
    placeholders: torch.Tensor | None = None
    pooled: torch.Tensor | None = None


def read_chains(
    encoder: nn.Module,
    tokens: ResidueTokenizer,
    input_ids_BL: torch.Tensor,
    mask_BL: torch.Tensor,
    residues_BL: torch.Tensor | None = None,
) -> Chains:
    """Let an encoder read a batch, with the special tokens it is used to.

    Parameters
    ----------
    encoder : Module
    tokens : ResidueTokenizer
    input_ids_BL : Tensor, shape=(B, L), dtype=int64
        Padded on the right.
    mask_BL : Tensor, shape=(B, L), dtype=bool
    residues_BL : Tensor, shape=(B, residues), dtype=bool, optional
        True for each residue: as many placeholders follow the chain.
    """
    if residues_BL is None and tokens.before is None and tokens.after is None:
        states_BLD = _states(encoder, input_ids_BL, mask_BL)
        return Chains(states_BLD, mask_BL)
    first = 0 if tokens.before is None else 1
    ids_BT, mask_BT, answers_BL = _packed(tokens, input_ids_BL, mask_BL, residues_BL)
    states_BTD = _states(encoder, ids_BT, mask_BT)
    states_BLD = states_BTD[:, first : first + input_ids_BL.shape[1]]
    if residues_BL is None:
        return Chains(states_BLD, mask_BL)
    hidden_BLD = states_BLD.masked_fill(~mask_BL[..., None], torch.finfo(states_BTD.dtype).min)
    index_BLD = answers_BL[..., None].expand(-1, -1, states_BTD.shape[-1])
    return Chains(
        states_BLD,
        mask_BL,
        states_BTD.gather(1, index_BLD),
        hidden_BLD.amax(dim=1, keepdim=True),
    )


def _packed(
    tokens: ResidueTokenizer,
    input_ids_BL: torch.Tensor,
    mask_BL: torch.Tensor,
    residues_BL: torch.Tensor | None,
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Special tokens, residues and placeholders of each row, with no padding between them.

    Returns
    -------
    ids, mask : Tensor, shape=(B, T)
    answers : Tensor, shape=(B, L), dtype=int64
        Where each placeholder stands.
    """
    if residues_BL is None:
        residues_BL = mask_BL[:, :0]
    first, last = tokens.before is not None, tokens.after is not None
    before, after = (tokens.pad if i is None else i for i in (tokens.before, tokens.after))
    known_B1 = mask_BL.sum(dim=1, keepdim=True)
    asked_B1 = residues_BL.sum(dim=1, keepdim=True)
    total = int(first) + mask_BL.shape[1] + residues_BL.shape[1] + int(last)
    place_1T = torch.arange(total, device=input_ids_BL.device)[None] - int(first)
    inside_BT = place_1T.clamp(0, mask_BL.shape[1] - 1).expand(len(mask_BL), -1)
    ids_BT = input_ids_BL.gather(1, inside_BT)
    ids_BT = torch.where(place_1T < known_B1, ids_BT, tokens.placeholder)
    end_B1 = known_B1 + asked_B1
    ids_BT = torch.where(place_1T < end_B1, ids_BT, after)
    ids_BT = torch.where(place_1T > end_B1, tokens.pad, ids_BT)
    if first:
        ids_BT = torch.where(place_1T < 0, before, ids_BT)
    answers_BL = torch.arange(residues_BL.shape[1], device=mask_BL.device)[None] + known_B1
    answers_BL = (answers_BL + int(first)).clamp(max=total - 1)
    return ids_BT, place_1T < end_B1 + int(last), answers_BL


def _states(encoder: nn.Module, ids_BT: torch.Tensor, mask_BT: torch.Tensor) -> torch.Tensor:
    return encoder(input_ids=ids_BT, attention_mask=mask_BT.long()).last_hidden_state


def checkpoint_folder(name: str) -> Path | None:
    """The folder of one of our own checkpoints, if an encoder's name means one."""
    if name.startswith(CHECKPOINT_PREFIX):
        return checkpoint_path(name.removeprefix(CHECKPOINT_PREFIX))
    config = Path(name) / "config.json"
    try:
        is_ours = config.is_file() and '"model_type": "distmat"' in config.read_text("utf-8")
    except (OSError, ValueError):
        return None
    return Path(name) if is_ours else None


def encoder_config(name: str) -> PreTrainedConfig:
    """The shape of an encoder, by hub name or local folder, or ``"mini"``.

    Raises
    ------
    CheckpointError
        If it can't be found or read.
    """
    if name == "mini":
        return MiniConfig()
    folder = checkpoint_folder(name)
    if folder is not None:
        from distmat.model.checkpoint import read_network_config

        return read_network_config(folder).encoder
    try:
        config = from_disk_or_hub(AutoConfig.from_pretrained, name)
    # What the hub's client, a damaged file or transformers' classes raise is of any kind; nothing
    # of ours is run here.
    except Exception as error:
        raise _unreachable(name, error) from None
    if not getattr(config, "hidden_size", None):
        raise CheckpointError(
            f"The encoder '{name}' is a model of kind '{config.model_type}', which gives no "
            "state per residue; choose a language model such as Qwen2.5 or ESM-2."
        )
    return config


def config_from_dict(content: dict[str, Any]) -> PreTrainedConfig:
    """The shape of an encoder, from what `distmat.model.schema.check_encoder` let pass.

    Raises
    ------
    ConfigError
        If transformers knows no such kind, or its class doesn't take the values.
    """
    settings = {name: value for name, value in content.items() if not name.startswith("_")}
    kind = settings.pop("model_type")
    try:
        config = AutoConfig.for_model(kind, **settings)
    # Each kind's class checks its values in a way of its own; only transformers' code runs here.
    except Exception as error:
        raise ConfigError(f"encoder: {first_line(error)}") from None
    for name in ("hidden_size", "vocab_size"):
        value = getattr(config, name, None)
        if type(value) is not int or not 1 <= value <= _WIDEST:
            raise ConfigError(f"encoder: {name} is {repr(value)[:40]}")
    return config


def is_causal(config: PreTrainedConfig) -> bool:
    """Whether a residue's state knows only what comes before it, unless told otherwise."""
    return config.model_type in MODEL_FOR_CAUSAL_LM_MAPPING_NAMES


def encoder_of_shape(config: PreTrainedConfig) -> Any:
    """An encoder of random weights, drawn from PyTorch's generator."""
    return _without_unused(AutoModel.from_config(config, **_no_pooler(config)))


def seeded_encoder(config: PreTrainedConfig, seed: int) -> Any:
    """An encoder of random weights that the seed alone decides, so that it can be made again."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return encoder_of_shape(config)


def pretrained_encoder(
    name: str, config: PreTrainedConfig, dtype: torch.dtype, use_4bit: bool
) -> PreTrainedModel:
    """An encoder with its weights, from the hub, a local folder or one of our own checkpoints.

    Raises
    ------
    CheckpointError
        If it can't be found or read.
    ConfigError
        If it can't be held in 4 bits here.
    """
    from distmat.model.checkpoint import load_network

    folder = checkpoint_folder(name)
    if folder is not None and use_4bit:
        raise ConfigError(
            f"use_4bit is on, but the encoder '{name}' is one of our own checkpoints; turn it off."
        )
    if folder is not None:
        return merged(load_network(folder).encoder).to(dtype)
    options: dict[str, Any] = {"dtype": dtype, **_no_pooler(config)}
    if use_4bit:
        options["quantization_config"] = four_bit_config()
    try:
        with _quiet_transformers():
            loaded = from_disk_or_hub(
                AutoModel.from_pretrained, name, config=config, output_loading_info=True, **options
            )
    # What the hub's client, a damaged file or transformers' classes raise is of any kind; nothing
    # of ours is run here.
    except Exception as error:
        raise _unreachable(name, error) from None
    encoder, report = loaded
    encoder = _without_unused(encoder)
    lacking = sorted(set(report["missing_keys"]) & set(encoder.state_dict()))
    if lacking:
        raise _unreachable(name, ValueError(f"it lacks the weight {lacking[0]}"))
    return encoder


def four_bit_config() -> Any:
    """Weights in 4-bit NormalFloat, computed with in bfloat16 (Dettmers et al., 2023).

    Raises
    ------
    ConfigError
        If there is no CUDA device, or bitsandbytes isn't installed.
    """
    if not torch.cuda.is_available():
        raise ConfigError(
            "use_4bit is on, but there is no CUDA device here, and 4-bit weights need one; "
            "turn it off."
        )
    import importlib.util

    if importlib.util.find_spec("bitsandbytes") is None:
        raise ConfigError(
            "use_4bit is on, but bitsandbytes isn't installed; run pip install 'distmat[quant]', "
            "or turn it off."
        )
    from transformers import BitsAndBytesConfig

    return BitsAndBytesConfig(
        load_in_4bit=True,
        bnb_4bit_quant_type="nf4",
        bnb_4bit_compute_dtype=torch.bfloat16,
        bnb_4bit_use_double_quant=True,
    )


def attend_both_ways(encoder: Any) -> None:
    """Let every residue of a causal model see what follows it, too."""
    # The config decides the mask; the layers', what is done where no mask is needed.
    encoder.config.is_causal = False
    for module in encoder.modules():
        if hasattr(module, "is_causal"):
            module.is_causal = False


def with_lora(encoder: PreTrainedModel, settings: LoraSettings) -> Any:
    """The encoder as a `PeftModel`: its own weights fixed, adapters that learn beside them.

    Raises
    ------
    ConfigError
        If it has no linear layer of one of the names.
    """
    from peft import LoraConfig, get_peft_model

    config = LoraConfig(
        r=settings.rank,
        lora_alpha=settings.alpha,  # type: ignore[arg-type]
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


def merged(encoder: Any) -> Any:
    """The encoder with its adapters added into its own weights."""
    return encoder.merge_and_unload() if hasattr(encoder, "merge_and_unload") else encoder


def fingerprint(encoder: nn.Module) -> str:
    """A digest of an encoder's own weights, without adapters, by the first values of each.

    It tells another base, or a changed one, from the one that adapters were trained on; to
    read every weight would take seconds. Matrices of linear layers are left out, for they may
    be held in 4 bits. Empty for an encoder without weights, on PyTorch's meta device.
    """
    digest = hashlib.sha256()
    linear = {
        f"{name}.weight" for name, part in encoder.named_modules() if isinstance(part, nn.Linear)
    }
    for name, weight in sorted(encoder.named_parameters()):
        if weight.is_meta:
            return ""
        if name not in linear:
            # In bfloat16, for the same base may be held in it or in float32.
            first = weight.detach().flatten()[:64].to("cpu", torch.bfloat16).float()
            digest.update(f"{name} {tuple(weight.shape)} {first.tolist()}".encode())
    return digest.hexdigest()[:16]


def _no_pooler(config: PreTrainedConfig) -> dict[str, bool]:
    if type(config) not in AutoModel._model_mapping:
        return {}
    kind: Any = AutoModel._model_mapping[type(config)]
    known = inspect.signature(kind).parameters
    return {"add_pooling_layer": False} if "add_pooling_layer" in known else {}


def _without_unused(encoder: PreTrainedModel) -> PreTrainedModel:
    """Drop what states don't pass through: it would never get a gradient."""
    for name in _UNUSED:
        if getattr(encoder, name, None) is not None:
            setattr(encoder, name, nn.Identity())
    return encoder


@contextmanager
def _quiet_transformers() -> Iterator[None]:
    """Without its table of a language model's weights that an encoder has no use for."""
    level = logging.get_verbosity()
    logging.set_verbosity_error()
    try:
        yield
    finally:
        logging.set_verbosity(level)


def _unreachable(name: str, error: Exception) -> CheckpointError:
    reason = re.sub(r"\s+", " ", first_line(error))[:300]
    return CheckpointError(
        f"The encoder '{name}' can't be loaded ({reason}); check the name, or download it and "
        "give its folder."
    )
