"""Passes of a prediction through its network: how far they are, and with how many threads."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch
from torch import nn

from distmat.model.network import DistanceNetwork

Report = Callable[[float, str], None]

NETWORK_SHARE = 0.9
"""Of a prediction's time; the rest goes into reading distances from the distogram."""

_QUICK = 300
"""Residues up to which one thread takes less than a second."""


@contextmanager
def report_layers(
    network: DistanceNetwork, report: Report, residues: int, passes: int
) -> Iterator[None]:
    """Say after each layer and block how far the network has come, in so many passes."""
    # Work in multiplications: a layer of the encoder sees residues, a block of the head pairs.
    work = {layer: _weights(layer) * residues for layer in _layers(network.encoder)}
    work |= {block: _weights(block) * residues**2 for block in _layers(network.head)}
    total = passes * sum(work.values())
    done: list[int] = []
    mine = threading.get_ident()

    def finished(layer: nn.Module, *_) -> None:
        # Another thread's prediction by the same network passes here, too.
        if threading.get_ident() != mine:
            return
        done.append(work[layer])
        text = f"Predicting {residues:,} residues: step {len(done)} of {passes * len(work)}"
        report(NETWORK_SHARE * sum(done) / total, text)

    handles = [layer.register_forward_hook(finished) for layer in work]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()


def _weights(module: nn.Module) -> int:
    return sum(weight.numel() for weight in module.parameters())


def _layers(part: nn.Module) -> list[nn.Module]:
    """The longest list of modules in a part of the network: its layers, or its blocks."""
    lists = [module for module in part.modules() if isinstance(module, nn.ModuleList)]
    return list(max(lists, key=len, default=[]))


@contextmanager
def few_threads(residues: int) -> Iterator[None]:
    """One thread for what is quick anyway.

    Beside a busy process, such as a training on the same machine, threads that wait for each
    other made a prediction of 99 residues 50 times slower.
    """
    threads = torch.get_num_threads()
    torch.set_num_threads(1 if residues <= _QUICK else threads)
    try:
        yield
    finally:
        torch.set_num_threads(threads)
