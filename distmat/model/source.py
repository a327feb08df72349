"""What a name means: an encoder of ours, one of our own checkpoints, or a model on the hub.

Encoders and networks are found here together, for each may ask for the other: a checkpoint
can be trained beside an encoder, and an encoder can be taken from a checkpoint. The hub is
imported where it is asked, for with it comes transformers, and mini needs none of that.
"""

from pathlib import Path
from typing import Any

import torch

from distmat.errors import CheckpointError, ConfigError
from distmat.model.adapters import merge_adapters, prepare
from distmat.model.encoder import make_seeded_encoder
from distmat.model.encoders import ENCODERS, kind_of
from distmat.model.network import DistanceNetwork, DistanceNetworkConfig
from distmat.model.published import is_published, read_published
from distmat.model.soundness import check_shapes, try_out, unloadable
from distmat.model.tokens import ResidueTokenizer, mini_tokenizer
from distmat.model.undrawn import UndrawnWeights
from distmat.model.weights import (
    HEAD,
    WEIGHTS,
    load_weights,
    read_network_config,
    weight_files,
)
from distmat.workspace import checkpoint_path

CHECKPOINT_PREFIX = "checkpoint:"
"""Begins the name of an encoder that is taken from one of our own checkpoints."""


_MOST_BASES = 8
"""Checkpoints whose encoders are taken from each other."""


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


def encoder_config(name: str) -> Any:
    """The shape of an encoder, by hub name or local folder, or ``"mini"``.

    Raises
    ------
    CheckpointError
        If it can't be found or read.
    """
    if name == "mini":
        return DistanceNetworkConfig().encoder
    folder = checkpoint_folder(name)
    if folder is not None:
        return read_network_config(folder).encoder
    from distmat.model.hub import hub_config

    return hub_config(name)


def load_pretrained_encoder(name: str, config: Any, dtype: torch.dtype, use_4bit: bool) -> Any:
    """An encoder with its weights, from the hub, a local folder or one of our own checkpoints.

    Raises
    ------
    CheckpointError
        If it can't be found or read.
    ConfigError
        If it can't be held in 4 bits here.
    """
    folder = checkpoint_folder(name)
    if folder is not None and use_4bit:
        raise ConfigError(
            f"use_4bit is on, but the encoder '{name}' is one of our own checkpoints; turn it off."
        )
    if folder is not None:
        return merge_adapters(load_network(folder).encoder).to(dtype)
    from distmat.model.hub import hub_encoder

    return hub_encoder(name, config, dtype, use_4bit)


def tokenizer_for(encoder: Any) -> ResidueTokenizer:
    """The tokenizer that goes with an encoder.

    Parameters
    ----------
    encoder : str or DistanceNetworkConfig
        A hub name, a local folder, or ``"mini"``; or a network's config.

    Raises
    ------
    CheckpointError
        If there is no such tokenizer, or it has no token for one of the letters.
    """
    if isinstance(encoder, str):
        return _tokenizer_of(encoder)
    if encoder.tokens:
        return ResidueTokenizer.from_dict(encoder.tokens)
    if encoder.pretrained and encoder.encoder_name not in ENCODERS:
        return _tokenizer_of(encoder.encoder_name)
    return kind_of(encoder.encoder.model_type).tokens(encoder.encoder)


def _tokenizer_of(name: str) -> ResidueTokenizer:
    if name == "mini":
        return mini_tokenizer()
    folder = checkpoint_folder(name)
    if folder is not None:
        return tokenizer_for(read_network_config(folder))
    from distmat.model.hub import hub_tokenizer

    return hub_tokenizer(name)


def load_network(folder: Path, dtype: torch.dtype = torch.float32) -> DistanceNetwork:
    """Read a network; weights come from safetensors only, but for the published folder's.

    Parameters
    ----------
    folder : Path
    dtype : dtype
        Of an encoder that isn't saved with the network.

    Raises
    ------
    CheckpointError
        If a file is missing or damaged, or the encoder isn't the one it was trained on.
    """
    folder = Path(folder)
    if is_published(folder):
        return read_published(folder)
    config = read_network_config(folder)
    _check_bases(folder, config)
    for name in weight_files(config):
        if not (folder / name).is_file():
            raise CheckpointError(
                f"The checkpoint {folder} has no {name}; give a folder that 'distmat train' wrote."
            )
    check_shapes(config, folder / WEIGHTS, folder / HEAD)
    network = (
        _whole(folder, config) if config.mode == "full" else _load_adapted(folder, config, dtype)
    )
    try_out(network, folder)
    return network


def _check_bases(folder: Path, config: DistanceNetworkConfig) -> None:
    """Refuse a checkpoint whose encoder is taken from one whose encoder … is taken from it."""
    seen = {folder.resolve()}
    while config.pretrained and (config.mode != "full" or not config.tokens):
        base = checkpoint_folder(config.encoder_name)
        if base is None or is_published(base):
            return
        if base.resolve() in seen:
            fault = f"its encoder is taken from {base}, whose own is taken from it"
            raise unloadable(folder, ValueError(fault))
        seen.add(base.resolve())
        if len(seen) > _MOST_BASES:
            raise unloadable(folder, ValueError(f"its encoder is {len(seen)} checkpoints away"))
        config = read_network_config(base)


def _whole(folder: Path, config: DistanceNetworkConfig) -> DistanceNetwork:
    with UndrawnWeights():
        network = DistanceNetwork(config)
    load_weights(network, folder)
    return network


def _load_adapted(
    folder: Path, config: DistanceNetworkConfig, dtype: torch.dtype
) -> DistanceNetwork:
    network = DistanceNetwork(config, _base(folder, config, dtype))
    trained_on = config.base_fingerprint
    prepare(network)
    if trained_on and config.base_fingerprint != trained_on:
        raise CheckpointError(
            f"The encoder '{config.encoder_name}' isn't the one that the checkpoint {folder} was "
            "trained on: its weights have changed. Bring back the old ones, or train again."
        )
    load_weights(network, folder)
    return network


def _base(folder: Path, config: DistanceNetworkConfig, dtype: torch.dtype) -> torch.nn.Module:
    if not config.pretrained:
        return make_seeded_encoder(config.encoder, config.encoder_seed).to(dtype)
    try:
        return load_pretrained_encoder(config.encoder_name, config.encoder, dtype, use_4bit=False)
    except CheckpointError as error:
        raise CheckpointError(
            f"The checkpoint {folder} holds only what was trained beside an encoder. {error}"
        ) from None
