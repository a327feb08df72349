"""Layers whose inner states may be computed a second time, for the gradient, instead of kept."""

from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from torch import nn
from torch.utils.checkpoint import checkpoint


class RecomputedLayer(nn.Module):
    """A layer that keeps only what it is given, if told so (Chen et al., arXiv:1604.06174).

    Subclasses have a `compute` in place of `forward`. The attribute is called as that of
    transformers' own layers, so that one switch reaches both.
    """

    gradient_checkpointing = False
    compute: Callable[..., torch.Tensor]

    def forward(self, *inputs: torch.Tensor) -> torch.Tensor:
        """What `compute` gives."""
        if self.gradient_checkpointing and self.training and torch.is_grad_enabled():
            answer: Any = checkpoint(self.compute, *inputs, use_reentrant=False)
            return answer
        return self.compute(*inputs)


def recompute_layers(network: nn.Module) -> None:
    """Let all layers keep less, ours and transformers'."""
    layer: Any
    for layer in network.modules():
        if hasattr(layer, "gradient_checkpointing"):
            layer._gradient_checkpointing_func = partial(checkpoint, use_reentrant=False)
            layer.gradient_checkpointing = True
