"""A checkpoint on disk: the network's weights and config, and what it needs beside them.

config.json                 shape of encoder and head, and where the encoder's weights lie
model.safetensors           all weights, in full mode; or, in the other modes, only
adapter_model.safetensors   the adapters, as peft writes them (with adapter_config.json), and
head.safetensors            the head
distmat.json                the separation baseline, the calibration, and what it was trained on

A folder as the published training script writes it opens, too; see `published`.
"""

import json
import os
import secrets
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from transformers.initialization import no_init_weights
from transformers.utils.logging import disable_progress_bar

from distmat.documents import DocumentError, read_json
from distmat.errors import CheckpointError, ConfigError
from distmat.geometry.calibration import Calibration
from distmat.model.assembly import prepare
from distmat.model.baseline import SeparationBaseline
from distmat.model.encoder import (
    checkpoint_folder,
    config_from_dict,
    pretrained_encoder,
    seeded_encoder,
)
from distmat.model.network import DistanceNetwork, DistanceNetworkConfig
from distmat.model.published import is_published, read_published
from distmat.model.residuals import Residuals
from distmat.model.schema import CompanionFile, NetworkFile, SchemaError, checked, read_checked
from distmat.model.soundness import (
    check_shapes,
    check_weights,
    shapes_of,
    try_out,
    unloadable,
)
from distmat.protein.sequence import quoted
from distmat.workspace import replace_file

COMPANION = "distmat.json"
ADAPTER = "adapter_model.safetensors"
HEAD = "head.safetensors"
WEIGHTS = "model.safetensors"

_MOST_BASES = 8
"""Checkpoints whose encoders are taken from each other."""

# A file of a few megabytes is there at once; the bars would garble a run's own.
disable_progress_bar()


@dataclass(frozen=True)
class Checkpoint:
    """A trained network and what has to travel with it.

    Parameters
    ----------
    network : DistanceNetwork
    baseline : SeparationBaseline
        Fitted on the chains that the network was trained on.
    calibration : Calibration, optional
        How much the network shrinks its distances to the mean, fitted on validation chains.
    trained_on : dict
        Datasets, numbers of chains, steps; whatever a person should know of its origin.
    residuals : Residuals, optional
        How far off the network's distances are, fitted on validation chains; a distogram
        tells so itself.
    """

    network: DistanceNetwork
    baseline: SeparationBaseline
    calibration: Calibration | None = None
    trained_on: dict = field(default_factory=dict)
    residuals: Residuals | None = None


def save_checkpoint(checkpoint: Checkpoint, folder: Path) -> None:
    """Write a checkpoint into a folder, which is made if it isn't there."""
    folder = Path(folder)
    save_network(checkpoint.network, folder)
    save_companion(
        checkpoint.baseline,
        checkpoint.calibration,
        checkpoint.trained_on,
        folder,
        checkpoint.residuals,
    )


def save_companion(
    baseline: SeparationBaseline,
    calibration: Calibration | None,
    trained_on: dict,
    folder: Path,
    residuals: Residuals | None = None,
) -> None:
    """Write what travels beside the weights."""
    content = {
        "trained_on": trained_on,
        "calibration": None if calibration is None else calibration.as_dict(),
        "residuals": None if residuals is None else residuals.as_dict(),
        "baseline": baseline.as_dict(),
    }
    with replace_file(Path(folder) / COMPANION, "w") as file:
        json.dump(content, file)


def save_network(
    network: DistanceNetwork, folder: Path, state: dict[str, torch.Tensor] | None = None
) -> None:
    """Write a network's config, and of its weights what was trained.

    Parameters
    ----------
    network : DistanceNetwork
    folder : Path
        Made if it isn't there.
    state : dict of str to Tensor, optional
        The network's whole state, where it is gathered from several processes.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    state = network.state_dict() if state is None else state
    if network.config.mode == "full":
        _write_weights(state, folder / WEIGHTS)
    else:
        head = {k.removeprefix("head."): v for k, v in state.items() if k.startswith("head.")}
        _write_weights(head, folder / HEAD)
    if network.config.mode == "lora":
        _write_adapter(network, state, folder)
    network.config.architectures = [type(network).__name__]
    network.config.save_pretrained(folder)


def _write_adapter(network: DistanceNetwork, state: dict[str, torch.Tensor], folder: Path) -> None:
    # peft's own names, so that PeftModel.from_pretrained opens the folder on the bare encoder.
    adapter = {
        key.removeprefix("encoder.").replace(".default.", "."): value
        for key, value in state.items()
        if key.startswith("encoder.") and "lora_" in key
    }
    _write_weights(adapter, folder / ADAPTER)
    settings: Any = network.encoder.peft_config["default"]
    settings.base_model_name_or_path = network.config.encoder_name
    learning, settings.inference_mode = settings.inference_mode, True
    settings.save_pretrained(str(folder))
    settings.inference_mode = learning


def _write_weights(weights: dict[str, torch.Tensor], path: Path) -> None:
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    try:
        tensors = {name: value.detach().cpu().contiguous() for name, value in weights.items()}
        save_file(tensors, temporary, metadata={"format": "pt"})
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def load_weights(network: DistanceNetwork, folder: Path) -> None:
    """Read the weights that `save_network` wrote into a network of the same shape and mode.

    Raises
    ------
    CheckpointError
        If a file is missing or damaged, or the weights are of another shape.
    """
    folder = Path(folder)
    for name in weight_files(network.config):
        if not (folder / name).is_file():
            raise CheckpointError(
                f"The checkpoint {folder} has no {name}; give a folder that 'distmat train' wrote."
            )
    if network.config.mode == "full":
        network.load_state_dict(_read_weights(folder / WEIGHTS, shapes_of(network)))
        return
    network.head.load_state_dict(_read_weights(folder / HEAD, shapes_of(network.head)))
    if network.config.mode == "lora":
        _read_adapter(network, folder / ADAPTER)


def _read_adapter(network: DistanceNetwork, path: Path) -> None:
    own = {
        name.replace(".default.weight", ".weight"): weight
        for name, weight in network.encoder.named_parameters()
        if "lora_" in name
    }
    adapter = _read_weights(path, {name: tuple(weight.shape) for name, weight in own.items()})
    with torch.no_grad():
        for name, weight in own.items():
            weight.copy_(adapter[name])


def _read_weights(path: Path, shapes: dict[str, tuple[int, ...]]) -> dict[str, torch.Tensor]:
    """Weights whose names and shapes are these, as the file's header must say first."""
    check_weights(path, shapes)
    try:
        return load_file(path)
    except (SafetensorError, OSError) as error:
        raise unloadable(path.parent, error) from error


def weight_files(config: DistanceNetworkConfig) -> tuple[str, ...]:
    """The files that hold a network's weights."""
    return {"full": (WEIGHTS,), "lora": (HEAD, ADAPTER), "frozen": (HEAD,)}[config.mode]


def read_network_config(folder: Path) -> DistanceNetworkConfig:
    """The shape of the network in a checkpoint.

    Raises
    ------
    CheckpointError
        If it is missing or damaged, or the folder holds a model of another kind.
    """
    folder = Path(folder)
    try:
        content = read_json(folder / "config.json")
        kind = content.get("model_type") if isinstance(content, dict) else None
        if kind == DistanceNetworkConfig.model_type:
            settings = checked(NetworkFile, content).model_dump(exclude_unset=True)
            if settings.get("encoder") is not None:
                settings["encoder"] = config_from_dict(settings["encoder"])
            config = DistanceNetworkConfig(**settings)
            config.check()
            return config
    except FileNotFoundError:
        raise CheckpointError(
            f"The checkpoint {folder} has no config.json; give a folder that 'distmat train' wrote."
        ) from None
    except (OSError, DocumentError, SchemaError, ConfigError) as error:
        raise unloadable(folder, error) from error
    raise CheckpointError(
        f"The checkpoint {folder} holds a model of kind {quoted(str(kind))}, which predicts no "
        "distances; give a folder that 'distmat train' wrote."
    )


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
    network = _whole(folder, config) if config.mode == "full" else _adapted(folder, config, dtype)
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
    # Drawing weights that are read in the next moment takes seconds for a large encoder.
    with no_init_weights():
        network = DistanceNetwork(config)
    load_weights(network, folder)
    return network


def _adapted(folder: Path, config: DistanceNetworkConfig, dtype: torch.dtype) -> DistanceNetwork:
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
        return seeded_encoder(config.encoder, config.encoder_seed).to(dtype)
    try:
        return pretrained_encoder(config.encoder_name, config.encoder, dtype, use_4bit=False)
    except CheckpointError as error:
        raise CheckpointError(
            f"The checkpoint {folder} holds only what was trained beside an encoder. {error}"
        ) from None


def load_checkpoint(folder: Path) -> Checkpoint:
    """Read a checkpoint of any kind from a folder.

    Raises
    ------
    CheckpointError
        If a file is missing or damaged, or the folder holds a model of another kind.
    """
    folder = Path(folder)
    if is_published(folder):
        return _published_checkpoint(folder)
    for name in ("config.json", COMPANION):
        if not (folder / name).is_file():
            raise CheckpointError(
                f"The checkpoint {folder} has no {name}; give a folder that 'distmat train' wrote."
            )
    network = load_network(folder)
    try:
        facts = read_checked(CompanionFile, folder / COMPANION)
    except (OSError, SchemaError) as error:
        raise unloadable(folder, error) from error
    table, residuals = facts.calibration, facts.residuals
    return Checkpoint(
        network.eval(),
        SeparationBaseline.from_dict(facts.baseline.model_dump()),
        None if table is None else Calibration.from_dict(table.model_dump()),
        facts.trained_on.model_dump(exclude_unset=True),
        None if residuals is None else Residuals.from_dict(residuals.model_dump()),
    )


def _published_checkpoint(folder: Path) -> Checkpoint:
    from distmat.workspace import checkpoint_path

    network = read_published(folder)
    # It says nothing of its training chains' distances; the shipped checkpoint's will do.
    shipped = read_checked(CompanionFile, checkpoint_path("mini") / COMPANION)
    return Checkpoint(
        network.eval(),
        SeparationBaseline.from_dict(shipped.baseline.model_dump()),
        trained_on={"published_model": network.config.encoder_name, "baseline_of": "mini"},
    )
