"""Heads of the published work: their answer is read from placeholders behind the chain.

As many placeholder tokens as residues follow the chain through the encoder; label-wise
attention turns their states, and the chain's pooled one, into a fixed number of rows, and a
linear layer turns each row into numbers. Shapes: B batch, L residues, D width of a state,
M residues of the longest chain that the head can answer for.
"""

import torch
from torch import nn


class LabelWiseAttention(nn.Module):
    """One weighted mean of the states for each of a fixed number of labels, here places."""

    def __init__(self, hidden_size: int, labels: int) -> None:
        super().__init__()
        self.scores = nn.Linear(hidden_size, labels)

    def forward(self, states_BLD: torch.Tensor, mask_BL: torch.Tensor) -> torch.Tensor:
        scores_BLM = self.scores(states_BLD).masked_fill(~mask_BL[..., None], float("-inf"))
        return scores_BLM.softmax(dim=1).transpose(1, 2) @ states_BLD


class PlaceholderHead(nn.Module):
    """Distances as the published second model gives them, symmetric by averaging.

    Row i is label-wise attention's i-th mean, column j the j-th output of one linear layer:
    a fixed row of weights, so the head never looks at residue j.

    The published targets are log(1 + d) divided by *each chain's own* largest value. At
    prediction nobody knows that value: a network that learned its targets perfectly is
    still off by whatever the assumed one (`losses.ASSUMED_LOG_MAXIMUM`) is wrong by. Set
    ``scaling: constant`` or ``scaling: none`` in the loss's settings to cure that.

    The published script lets its tokenizer join residues to byte pairs; trained here, the head
    gets one token for each.

    Parameters
    ----------
    hidden_size : int
        Width D of the encoder's states.
    max_length : int
        Residues M of the longest chain.
    """

    def __init__(self, hidden_size: int, max_length: int = 256) -> None:
        super().__init__()
        self.max_length = max_length
        self.attention = LabelWiseAttention(hidden_size, max_length)
        self.distance = nn.Linear(hidden_size, max_length)

    def forward(
        self, placeholders_BLD: torch.Tensor, pooled_B1D: torch.Tensor, mask_BL: torch.Tensor
    ) -> torch.Tensor:
        """Log distances in the unit of their targets, with a diagonal of zeros.

        Parameters
        ----------
        placeholders_BLD : Tensor, shape=(B, L, D)
        pooled_B1D : Tensor, shape=(B, 1, D)
        mask_BL : Tensor, shape=(B, L), dtype=bool
            False on padding.

        Returns
        -------
        Tensor, shape=(B, L, L)
        """
        length = mask_BL.shape[1]
        rows_BMD = self.attention(*_with_pooled(placeholders_BLD, pooled_B1D, mask_BL))
        table_BLL = self.distance(rows_BMD)[:, :length, :length]
        table_BLL = (table_BLL + table_BLL.transpose(1, 2)) / 2
        eye_LL = torch.eye(length, dtype=torch.bool, device=table_BLL.device)
        return table_BLL.masked_fill(eye_LL, 0.0)


class CoordinatesHead(nn.Module):
    """Coordinates as the published first model gives them.

    Parameters
    ----------
    hidden_size : int
        Width D of the encoder's states.
    max_length : int
        Residues M of the longest chain.
    """

    def __init__(self, hidden_size: int, max_length: int = 256) -> None:
        super().__init__()
        self.max_length = max_length
        self.attention = LabelWiseAttention(hidden_size, max_length)
        self.coordinates = nn.Linear(hidden_size, 3)

    def forward(
        self, placeholders_BLD: torch.Tensor, pooled_B1D: torch.Tensor, mask_BL: torch.Tensor
    ) -> torch.Tensor:
        """Coordinates in the unit of their targets; shape=(B, L, 3)."""
        rows_BMD = self.attention(*_with_pooled(placeholders_BLD, pooled_B1D, mask_BL))
        return self.coordinates(rows_BMD)[:, : mask_BL.shape[1]]


def _with_pooled(
    placeholders_BLD: torch.Tensor, pooled_B1D: torch.Tensor, mask_BL: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    states = torch.cat([pooled_B1D, placeholders_BLD], dim=1)
    return states, torch.cat([torch.ones_like(mask_BL[:, :1]), mask_BL], dim=1)
