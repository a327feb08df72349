"""Heads of the published work: their answer is read from placeholders behind the chain.

As many placeholder tokens as residues follow the chain through the encoder; label-wise
attention turns their states, and the chain's pooled one, into a fixed number of rows, and a
linear layer turns each row into numbers. Shapes: B batch, L residues, D width of a state,
M residues of the longest chain that the head can answer for.
"""

import torch
from torch import nn

from distmat.model.encoder import EncoderOutput
from distmat.model.losses import (
    ASSUMED_LOG_MAXIMUM,
    ASSUMED_SPREAD,
    LossSettings,
    coordinate_error,
    frame_aligned_error,
    log_distance_error,
    pairs_of,
)
from distmat.model.output import NetworkOutput, angstrom, hollow


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
        self, encoded: EncoderOutput, position_BL: torch.Tensor, chain_length_B: torch.Tensor
    ) -> torch.Tensor:
        """Log distances in the unit of their targets, with a diagonal of zeros.

        Returns
        -------
        Tensor, shape=(B, L, L)
        """
        states_BLD, mask_BL = _append_pooled(encoded)
        length = mask_BL.shape[1] - 1
        rows_BMD = self.attention(states_BLD, mask_BL)
        table_BLL = self.distance(rows_BMD)[:, :length, :length]
        table_BLL = (table_BLL + table_BLL.transpose(1, 2)) / 2
        return hollow(table_BLL)

    def output(
        self,
        log_BLL: torch.Tensor,
        ca_BL3: torch.Tensor | None,
        loss: str,
        settings: LossSettings,
    ) -> NetworkOutput:
        """Distances; with the truth at hand how wrong they are."""
        wrong = None
        if ca_BL3 is not None:
            pairs = pairs_of(ca_BL3, settings.band_weights)
            delta = settings.huber_delta if loss == "log_huber" else None
            wrong = log_distance_error(log_BLL, pairs, settings.scaling, delta)
        unit = 1.0 if settings.scaling == "none" else ASSUMED_LOG_MAXIMUM
        return NetworkOutput(loss=wrong, distances=angstrom(log_BLL * unit))


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
        self, encoded: EncoderOutput, position_BL: torch.Tensor, chain_length_B: torch.Tensor
    ) -> torch.Tensor:
        """Coordinates in the unit of their targets; shape=(B, L, 3)."""
        states_BLD, mask_BL = _append_pooled(encoded)
        return self.coordinates(self.attention(states_BLD, mask_BL))[:, : mask_BL.shape[1] - 1]

    def output(
        self,
        answer_BL3: torch.Tensor,
        ca_BL3: torch.Tensor | None,
        loss: str,
        settings: LossSettings,
    ) -> NetworkOutput:
        """Coordinates and their distances; with the truth at hand how wrong they are."""
        coordinates_BL3 = answer_BL3.float() * ASSUMED_SPREAD
        wrong = None
        if ca_BL3 is not None and loss == "fape":
            clamp, unclamped = settings.clamp, settings.unclamped
            wrong = frame_aligned_error(coordinates_BL3, ca_BL3, clamp, unclamped)
        elif ca_BL3 is not None:
            wrong = coordinate_error(answer_BL3, ca_BL3)
        distances_BLL = torch.cdist(
            coordinates_BL3.detach(),
            coordinates_BL3.detach(),
            compute_mode="donot_use_mm_for_euclid_dist",
        )
        return NetworkOutput(loss=wrong, distances=distances_BLL, coordinates=coordinates_BL3)


def _append_pooled(encoded: EncoderOutput) -> tuple[torch.Tensor, torch.Tensor]:
    """The chain's pooled state and those of its placeholders, and which of them count."""
    pooled, placeholders, mask_BL = encoded.pooled, encoded.placeholders, encoded.answered
    assert pooled is not None and placeholders is not None and mask_BL is not None  # noqa: S101
    states = torch.cat([pooled, placeholders], dim=1)
    return states, torch.cat([torch.ones_like(mask_BL[:, :1]), mask_BL], dim=1)
