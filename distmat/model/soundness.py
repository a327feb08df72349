"""Whether a network is what its checkpoint says: before it is made, and before it is used."""

import copy
from pathlib import Path

import psutil
import torch
from safetensors import SafetensorError, safe_open
from torch import nn

from distmat.errors import CheckpointError
from distmat.model.encoder import encoder_of_shape, run_encoder
from distmat.model.network import DistanceNetwork, DistanceNetworkConfig
from distmat.model.output import NetworkOutput
from distmat.model.tokens import LETTERS, first_line
from distmat.model.undrawn import weightless
from distmat.protein.sequence import quote

_FLOATS = {"F64", "F32", "F16", "BF16"}
"""Types of weights, as safetensors names them."""


def unloadable(folder: Path, error: Exception) -> CheckpointError:
    """The sentence for a checkpoint that can't be loaded."""
    return CheckpointError(
        f"The checkpoint {folder} can't be loaded ({first_line(error)}); train or copy it again."
    )


def shapes_of(module: nn.Module) -> dict[str, tuple[int, ...]]:
    """The shape of each weight by its name."""
    return {name: tuple(weight.shape) for name, weight in module.state_dict().items()}


def check_shapes(config: DistanceNetworkConfig, weights: Path, head: Path) -> None:
    """Refuse a network that isn't as large as its weights, before any of it is made.

    Parameters
    ----------
    config : DistanceNetworkConfig
    weights, head : Path
        The file of all weights in mode ``"full"``, else that of the head.

    Raises
    ------
    CheckpointError
    """
    folder = weights.parent
    network = weightless_network(config, folder)
    # Tables that some encoders make of their config are in no file.
    unsaved = sum(table.nbytes for table in network.buffers())
    if config.mode == "full":
        check_weights(weights, shapes_of(network))
    else:
        check_weights(head, shapes_of(network.head))
        unsaved += sum(weight.nbytes for weight in network.encoder.parameters())
    if unsaved > psutil.virtual_memory().available:
        fault = f"its encoder would take {unsaved / 2**30:,.0f} GiB"
        raise unloadable(folder, ValueError(fault))


def weightless_network(config: DistanceNetworkConfig, folder: Path) -> DistanceNetwork:
    """The network of a config on PyTorch's meta device, where nothing takes memory.

    Raises
    ------
    CheckpointError
        If no encoder can be made of its config.
    """
    with weightless():
        return DistanceNetwork(copy.deepcopy(config), _encoder_of_shape(config, folder))


def _encoder_of_shape(config: DistanceNetworkConfig, folder: Path) -> nn.Module:
    try:
        return encoder_of_shape(config.encoder)
    # What a config that says anything makes transformers' many classes raise is of any kind;
    # of ours, only the checked shape of mini is made here.
    except Exception as error:
        raise unloadable(folder, error) from error


def check_weights(path: Path, shapes: dict[str, tuple[int, ...]]) -> None:
    """Refuse a safetensors file that holds other weights than these; only its header is read.

    Raises
    ------
    CheckpointError
    """
    try:
        with safe_open(path, "pt") as file:
            parts = {name: file.get_slice(name) for name in file.keys()}  # noqa: SIM118
            found = {name: tuple(part.get_shape()) for name, part in parts.items()}
            kinds = {name: part.get_dtype() for name, part in parts.items()}
    except (SafetensorError, OSError) as error:
        raise unloadable(path.parent, error) from error
    for name in sorted(found.keys() | shapes.keys()):
        fault = ""
        if name not in found:
            fault = f"{path.name} lacks the weight {quote(name, 200)}"
        elif name not in shapes:
            fault = f"{path.name} has a weight {quote(name, 200)} that its config doesn't know"
        elif found[name] != shapes[name]:
            fault = (
                f"{path.name} has a weight {name} of shape {found[name]} where its config asks "
                f"for {shapes[name]}"
            )
        elif kinds[name] not in _FLOATS:
            fault = f"{path.name} has a weight {name} of type {kinds[name]}"
        if fault:
            raise unloadable(path.parent, ValueError(fault))


def try_out(network: DistanceNetwork, folder: Path) -> None:
    """Refuse a network that can't answer, by a chain of all letters.

    Raises
    ------
    CheckpointError
        If it has no place for a token, its encoder fails, or its weights are no numbers.
    """
    sequence = LETTERS[: network.longest]
    training = network.training
    network.eval()
    tokens = torch.from_numpy(network.tokens.encode(sequence))[None]
    _check_tokens(network, tokens, folder)
    threads = torch.get_num_threads()
    # Beside a busy process, threads that wait for each other would take seconds.
    torch.set_num_threads(1)
    try:
        answer = _answer(network, tokens, folder)
    finally:
        torch.set_num_threads(threads)
    network.train(training)
    tables = [table for table in (answer.logits, answer.distances) if table is not None]
    if not all(torch.isfinite(table).all() for table in tables):
        fault = "its weights give no numbers: some are NaN, or far too large"
        raise unloadable(folder, ValueError(fault))


@torch.inference_mode()
def _answer(network: DistanceNetwork, tokens: torch.Tensor, folder: Path) -> NetworkOutput:
    _try_encoder(network, tokens, folder)
    residues = len(LETTERS[: network.longest])
    return network(
        input_ids=tokens,
        attention_mask=torch.ones_like(tokens),
        position=torch.arange(residues)[None],
        chain_length=torch.tensor([residues]),
    )


def _check_tokens(network: DistanceNetwork, tokens: torch.Tensor, folder: Path) -> None:
    own = network.tokens
    special = [own.pad, own.mask, own.placeholder, own.before, own.after]
    largest = max(0, *(i for i in special if i is not None), *tokens.flatten().tolist())
    known = network.get_input_embeddings().num_embeddings
    if largest >= known or not tokens.numel():
        fault = f"its residues have the token {largest}, and its encoder knows {known}"
        raise unloadable(folder, ValueError(fault))


def _try_encoder(network: DistanceNetwork, tokens: torch.Tensor, folder: Path) -> None:
    width = network.config.encoder.hidden_size
    try:
        mask = torch.ones_like(tokens).bool()
        states = run_encoder(network.encoder, network.tokens, tokens, mask).states
        if states.shape != (*tokens.shape, width):
            raise ValueError(f"its states have the shape {tuple(states.shape)}")
    # An encoder of any kind, made of a config that says anything, fails in any way; what is ours
    # in it, `run_encoder`, is the same for all of them.
    except Exception as error:
        raise unloadable(folder, error) from error
