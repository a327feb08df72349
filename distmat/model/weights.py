"""A network's config and weights in a folder: all weights in full mode, else what was trained."""

import json
import os
import secrets
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from distmat.documents import DocumentError, read_json
from distmat.errors import CheckpointError, ConfigError
from distmat.model.network import DistanceNetwork, DistanceNetworkConfig
from distmat.model.schema import NetworkFile, SchemaError, check_content
from distmat.model.soundness import check_weights, shapes_of, unloadable
from distmat.protein.sequence import quote
from distmat.workspace import replace_file

CONFIG = "config.json"
ADAPTER = "adapter_model.safetensors"
HEAD = "head.safetensors"
WEIGHTS = "model.safetensors"


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
    with replace_file(folder / CONFIG, "w") as file:
        json.dump(network.config.as_dict(), file, indent=2, sort_keys=True)


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
        # Made first, for the library's own files are nobody else's to read.
        temporary.touch()
        mode = temporary.stat().st_mode
        save_file(tensors, temporary, metadata={"format": "pt"})
        temporary.chmod(mode)
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
        content = read_json(folder / CONFIG)
        kind = content.get("model_type") if isinstance(content, dict) else None
        if kind == DistanceNetworkConfig.model_type:
            settings = check_content(NetworkFile, content).model_dump(exclude_unset=True)
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
        f"The checkpoint {folder} holds a model of kind {quote(str(kind))}, which predicts no "
        "distances; give a folder that 'distmat train' wrote."
    )
