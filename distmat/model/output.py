"""What a network returns, and how a head's numbers become distances."""

import math
from dataclasses import dataclass

import torch

_LARGEST_LOG = math.log1p(500.0)
"""log(1 + d) of the largest distance that a head is let say."""


@dataclass
class NetworkOutput:
    """What a `DistanceNetwork` returns; what its head doesn't give is None.

    Parameters
    ----------
    loss : Tensor, shape=()
        Given when the true coordinates were.
    logits : Tensor, shape=(B, L, L, K)
        Of the distance bins, symmetric in the residues.
    distances : Tensor, shape=(B, L, L)
        Å; of heads that give no distogram.
    coordinates : Tensor, shape=(B, L, 3)
        Å.
    """

    loss: torch.Tensor | None = None
    logits: torch.Tensor | None = None
    distances: torch.Tensor | None = None
    coordinates: torch.Tensor | None = None


def angstrom(log_distance: torch.Tensor) -> torch.Tensor:
    """Distances in Å of log(1 + d), never below zero nor beyond 500."""
    return torch.expm1(log_distance.float().clamp(0.0, _LARGEST_LOG))


def hollow(table_BLL: torch.Tensor) -> torch.Tensor:
    """A table of pairs with zeros on its diagonal."""
    eye_LL = torch.eye(table_BLL.shape[1], dtype=torch.bool, device=table_BLL.device)
    return table_BLL.masked_fill(eye_LL, 0.0)
