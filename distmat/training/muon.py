"""Muon, an optimizer that makes the update of every matrix orthogonal.

Jordan et al., 2024 (kellerjordan.github.io/posts/muon), with the scale of Liu et al.,
"Muon is scalable for LLM training" (2025), by which AdamW's learning rate and weight decay
keep their meaning. On the pair head it learned in half the steps what AdamW did; see
`benchmarks/mini.md`.

torch.optim.Muon (of PyTorch 2.13) makes the same step of a plain matrix, and a test compares them,
but it can't stand in for this one: it takes matrices alone, no convolutions, and needs an AdamW
beside it for all else, where a trainer and its checkpoints have one optimizer; and it iterates in
bfloat16 on every device, which most CPUs emulate: one thread with AVX2 took 26 times as long for a
matrix of 192 × 768 (299 ms, in float32 11 ms).
"""

import torch
from torch import nn
from torch.optim import AdamW

from distmat.jobs.hardware import processor_has_bf16

MOMENTUM = 0.95

_COEFFICIENTS = (3.4445, -4.7750, 2.0315)
"""Of the Newton–Schulz iteration, by Jordan et al.: five rounds bring every singular value
between 0.7 and 1.2."""

_ROUNDS = 5

_LIKE_ADAMW = 0.2
"""Root mean square of AdamW's updates in practice (Liu et al.)."""

_SMALLEST_SIDE = 8
"""A matrix thinner than this has too few directions to even out."""


class Muon(AdamW):
    """AdamW, but for groups whose ``orthogonal`` is true.

    The update of a weight of shape (M, …) is that of the matrix (M, N) it unfolds to.

    Parameters
    ----------
    network : Module
        Of its weights that learn, matrices and convolutions get orthogonal updates;
        embeddings, the last layer of the head, biases and norms get AdamW's.
    learning_rate, weight_decay : float
        As AdamW's; biases and norms don't decay.
    """

    def __init__(self, network: nn.Module, learning_rate: float, weight_decay: float) -> None:
        groups = [
            {"params": weights, "orthogonal": orthogonal, "weight_decay": decay * weight_decay}
            for (orthogonal, decay), weights in _group_weights(network).items()
            if weights
        ]
        super().__init__(groups, lr=learning_rate)

    @torch.no_grad()
    def step(self, closure=None):
        """One step; the gradients of the orthogonal groups are gone afterwards."""
        for group in self.param_groups:
            if not group["orthogonal"]:
                continue
            for weight in group["params"]:
                if weight.grad is not None:
                    self._orthogonal_step(weight, weight.grad, group["lr"], group["weight_decay"])
                    # AdamW passes over what has no gradient.
                    weight.grad = None
        return super().step(closure)

    def _orthogonal_step(
        self, weight: torch.Tensor, gradient: torch.Tensor, rate: float, decay: float
    ) -> None:
        state = self.state[weight]
        if not state:
            # AdamW looks for its own counter when it is loaded.
            state["step"] = torch.zeros(())
            state["momentum"] = torch.zeros_like(weight)
        state["momentum"].lerp_(gradient, 1 - MOMENTUM)
        nesterov = gradient.lerp(state["momentum"], MOMENTUM).flatten(start_dim=1)
        update = orthogonalise(nesterov) * (_LIKE_ADAMW * max(nesterov.shape) ** 0.5)
        weight.mul_(1 - rate * decay).add_(update.view_as(weight), alpha=-rate)


def orthogonalise(matrix: torch.Tensor) -> torch.Tensor:
    """About the nearest matrix with orthogonal rows or columns, by Newton–Schulz.

    In bfloat16, whose rounding does no harm here; on a processor that would emulate it in float32.

    Parameters
    ----------
    matrix : Tensor, shape=(M, N)

    Returns
    -------
    Tensor, shape=(M, N), dtype=float32
        Its singular values lie between 0.7 and 1.2, but for those of `matrix` near zero.
    """
    emulated = matrix.device.type == "cpu" and not processor_has_bf16()
    x = matrix.float() if emulated else matrix.bfloat16()
    tall = x.shape[0] > x.shape[1]
    if tall:
        x = x.T
    x = x / (x.norm() + 1e-7)
    a, b, c = _COEFFICIENTS
    for _ in range(_ROUNDS):
        square = x @ x.T
        x = a * x + (b * square + c * (square @ square)) @ x
    return (x.T if tall else x).float()


def _group_weights(network: nn.Module) -> dict[tuple[bool, bool], list[torch.Tensor]]:
    """Weights that learn, by whether their updates are orthogonal and whether they decay."""
    others = {id(m.weight) for m in network.modules() if isinstance(m, nn.Embedding)}
    last = getattr(getattr(network, "head", None), "last_layer", None)
    if last is not None:
        others.add(id(last.weight))
    found: dict[tuple[bool, bool], list[torch.Tensor]] = {
        (True, True): [],
        (False, True): [],
        (False, False): [],
    }
    for weight in network.parameters():
        if not weight.requires_grad:
            continue
        matrix = weight.ndim >= 2
        wide = matrix and min(weight.shape[0], weight[0].numel()) >= _SMALLEST_SIDE
        found[wide and id(weight) not in others, matrix].append(weight)
    return found
