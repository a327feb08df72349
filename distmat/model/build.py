"""A new network for a run: which encoder, what of it learns, and which weights it begins with."""

import copy
from pathlib import Path

import torch
from torch import nn

from distmat.errors import CheckpointError, ConfigError
from distmat.model.adapters import LoraSettings, merge_adapters, prepare
from distmat.model.encoder import make_seeded_encoder
from distmat.model.encoders import ENCODERS
from distmat.model.network import DistanceNetwork, DistanceNetworkConfig
from distmat.model.source import (
    CHECKPOINT_PREFIX,
    encoder_config,
    load_network,
    load_pretrained_encoder,
    tokenizer_for,
)
from distmat.model.undrawn import weightless
from distmat.workspace import checkpoint_path

MODES = ("full", "lora", "frozen")
"""What of the encoder learns: everything, adapters beside it, or nothing; the head always does."""


def build_network(
    config: DistanceNetworkConfig,
    mode: str = "full",
    lora: LoraSettings | None = None,
    use_4bit: bool = False,
    pretrained: bool = True,
    init_from: str | Path | None = None,
    dtype: torch.dtype = torch.float32,
) -> DistanceNetwork:
    """A network as it is before the first step.

    Parameters
    ----------
    config : DistanceNetworkConfig
        What is needed to open the network again is written into it.
    mode : str
        One of `MODES`.
    lora : LoraSettings, optional
        In that mode; the defaults if not given.
    use_4bit : bool
        Hold the encoder's own weights in 4-bit NormalFloat; on CUDA, not in full mode.
    pretrained : bool
        Begin with the weights that `config.encoder_name` names; else with random ones, which
        `config.encoder_seed` decides.
    init_from : str or Path, optional
        Name or folder of a checkpoint of the same shape whose encoder and head to begin with.
    dtype : dtype
        Of an encoder's own weights, where they don't learn.

    Raises
    ------
    ConfigError
        If a setting is wrong, or doesn't go with another.
    CheckpointError
        If the encoder or the checkpoint to begin with can't be read, or has another shape.
    """
    _check_mode(mode, use_4bit)
    if config.encoder is None:
        config.encoder = encoder_config(config.encoder_name)
    config.check()
    config.mode = mode
    if mode == "full":
        dtype = torch.float32
    began = _open_start(init_from, config) if init_from else None
    if began is not None and mode != "full":
        # The encoder isn't saved with adapters, so they have to say where it lies.
        config.encoder_name = CHECKPOINT_PREFIX + _place(str(init_from))
    config.pretrained = began is not None or (pretrained and config.encoder_name not in ENCODERS)
    tokens = tokenizer_for(config)
    config.tokens = tokens.as_dict()
    network = DistanceNetwork(config, _encoder(config, began, dtype, use_4bit))
    # With the tokenizer's files, which the config doesn't hold.
    network.tokens = tokens
    if began is not None:
        # What it didn't know of, relatives, begins without effect.
        network.head.load_state_dict(began.head.state_dict(), strict=False)
    prepare(network, lora)
    return network


def trainable_parameters(model: nn.Module) -> int:
    """How many numbers learn."""
    return sum(weight.numel() for weight in model.parameters() if weight.requires_grad)


def total_parameters(model: nn.Module) -> int:
    """How many numbers there are; a 4-bit weight counts for what it stands for."""
    return sum(
        2 * weight.numel() if weight.dtype == torch.uint8 else weight.numel()
        for weight in model.parameters()
    )


def _check_mode(mode: str, use_4bit: bool) -> None:
    if mode not in MODES:
        raise ConfigError(f"mode is '{mode}'; it must be one of {', '.join(MODES)}.")
    if use_4bit and mode == "full":
        raise ConfigError(
            "use_4bit is on with mode full, but 4-bit weights can't learn; choose mode lora."
        )


def _place(start: str) -> str:
    """A checkpoint's name where it has one, for that is found on other machines, too."""
    folder = checkpoint_path(start).resolve()
    try:
        named = checkpoint_path(folder.name).resolve() == folder
    except CheckpointError:
        named = False
    return folder.name if named else str(folder)


def _open_start(start: str | Path, config: DistanceNetworkConfig) -> DistanceNetwork:
    began = load_network(checkpoint_path(start))
    theirs = began.config
    same_head = (theirs.head_kind, theirs.loss == "distogram") == (
        config.head_kind,
        config.loss == "distogram",
    )
    probe = None
    if same_head and theirs.encoder.model_type == config.encoder.model_type:
        with weightless():
            probe = DistanceNetwork(copy.deepcopy(config))
        began.encoder = merge_adapters(began.encoder)
        ours, known = ({k: v.shape for k, v in n.state_dict().items()} for n in (probe, began))
        if probe.reads_relatives and not began.reads_relatives:
            ours = {k: shape for k, shape in ours.items() if not k.startswith("head.relatives.")}
        if ours == known:
            config.tokens = theirs.tokens
            return began
    raise CheckpointError(
        f"The checkpoint '{start}' has another shape than this run; set encoder, head, layers, "
        "widths, dilations and bins as in its training_config.json."
    )


def _encoder(
    config: DistanceNetworkConfig,
    began: DistanceNetwork | None,
    dtype: torch.dtype,
    use_4bit: bool,
) -> nn.Module | None:
    if use_4bit and not config.pretrained:
        raise ConfigError("use_4bit is on, but the encoder has random weights; turn it off.")
    if began is not None and not use_4bit:
        return began.encoder.requires_grad_(True).to(dtype)
    if config.pretrained:
        return load_pretrained_encoder(config.encoder_name, config.encoder, dtype, use_4bit)
    # In full mode all weights are saved, so PyTorch's own generator may draw them.
    if config.mode == "full":
        return None
    return make_seeded_encoder(config.encoder, config.encoder_seed).to(dtype)
