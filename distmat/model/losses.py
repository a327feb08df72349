"""What training minimises.

Every loss counts observed residues alone, and pairs i < j: the diagonal tells nothing. All
but `coordinate_error`, which reproduces published work, stay the same when a structure is
turned and moved. Shapes: B batch, L residues, P pairs i < j, K distance bins.
"""

from dataclasses import dataclass, field
from typing import Any

import torch
from torch.nn import functional as F

from distmat.errors import ConfigError
from distmat.protein.distance_map import BANDS, CONTACT_CUTOFF

ASSUMED_LOG_MAXIMUM = 4.0
"""log(1 + d) of a chain's largest distance d in Å, as the published prediction assumes it; of
2,500 chains of the PDB it was 3.98 ± 0.31."""

ASSUMED_SPREAD = 10.0
"""Å: standard deviation of a chain's centred coordinates; of the same chains 9.98 ± 2.95."""

SCALINGS = ("own_maximum", "constant", "none")
"""What log(1 + d) is divided by: the chain's largest, `ASSUMED_LOG_MAXIMUM`, or nothing."""

_LEAST_SQUARE = 1e-6
"""Å²: added under a root, whose slope at zero is infinite."""

_LDDT_RADIUS = 15.0
_LDDT_THRESHOLDS = (0.5, 1.0, 2.0, 4.0)
_LEAST_CONTACT_SEPARATION = 6


@dataclass(frozen=True)
class LossSettings:
    """Details of a loss, checked.

    Parameters
    ----------
    band_weights : dict of str to float
        Weight of the pairs of a band of `BANDS`; 1 for the others.
    huber_delta : float
        Errors of log(1 + d) beyond this count linearly.
    scaling : str
        One of `SCALINGS`, for the placeholder head.
    lddt_weight, contact_weight : float
        Of the auxiliary losses `lddt_error` and `contact_error`, for the pair head.
    clamp : float
        Å: FAPE's errors beyond this don't count further.
    unclamped : float
        Share of FAPE, 0 to 1, that is counted without `clamp`, so that a trace that is far off
        is pulled at all.
    """

    band_weights: dict[str, float] = field(default_factory=dict)
    huber_delta: float = 0.25
    scaling: str = "own_maximum"
    lddt_weight: float = 0.0
    contact_weight: float = 0.0
    clamp: float = 10.0
    unclamped: float = 0.1

    def __post_init__(self) -> None:
        for band, weight in self.band_weights.items():
            if band not in BANDS:
                raise ConfigError(f"band_weights names '{band}'; the bands are {', '.join(BANDS)}.")
            _check(f"band_weights of '{band}'", weight, 0, 1000)
        if self.scaling not in SCALINGS:
            raise ConfigError(
                f"scaling is '{self.scaling}'; it must be one of {', '.join(SCALINGS)}."
            )
        _check("huber_delta", self.huber_delta, 1e-6, 10)
        _check("lddt_weight", self.lddt_weight, 0, 1000)
        _check("contact_weight", self.contact_weight, 0, 1000)
        _check("clamp", self.clamp, 0.1, 1000)
        _check("unclamped", self.unclamped, 0, 1)

    @classmethod
    def from_dict(cls, content: dict[str, Any]) -> "LossSettings":
        """Read settings by name.

        Raises
        ------
        ConfigError
            If there is no such setting, or a value lies outside its range.
        """
        unknown = set(content) - set(cls.__dataclass_fields__)
        if unknown:
            known = ", ".join(cls.__dataclass_fields__)
            raise ConfigError(
                f"loss_settings has no '{sorted(unknown)[0]}'; the settings are {known}."
            )
        return cls(**content)


def _check(name: str, value: object, low: float, high: float) -> None:
    right = isinstance(value, int | float) and not isinstance(value, bool)
    if not right or not low <= value <= high:  # type: ignore[operator]
        raise ConfigError(f"{name} is {value!r}; it must lie between {low:g} and {high:g}.")


@dataclass(frozen=True)
class Pairs:
    """The pairs i < j of a batch, and their true distances.

    Parameters
    ----------
    i, j : Tensor, shape=(P,), dtype=int64
    distance : Tensor, shape=(B, P)
        Å; NaN where a residue wasn't observed.
    weight : Tensor, shape=(B, P)
        Zero for pairs that don't count.
    """

    i: torch.Tensor
    j: torch.Tensor
    distance: torch.Tensor
    weight: torch.Tensor

    @property
    def observed(self) -> torch.Tensor:
        """Which pairs have a true distance."""
        return torch.isfinite(self.distance)

    def of(self, table: torch.Tensor) -> torch.Tensor:
        """The pairs' entries in a table of shape (B, L, L, …); shape=(B, P, …)."""
        return table[:, self.i, self.j]

    def mean(self, values_BP: torch.Tensor) -> torch.Tensor:
        """Mean over the pairs that count, by weight; zero without one."""
        counted_BP = torch.where(self.weight > 0, values_BP, 0.0)
        return (counted_BP * self.weight).sum() / self.weight.sum().clamp(min=1e-9)


def pairs_of(ca_BL3: torch.Tensor, band_weights: dict[str, float] | None = None) -> Pairs:
    """All pairs i < j of a batch of structures.

    Parameters
    ----------
    ca_BL3 : Tensor, shape=(B, L, 3)
        Å; NaN where not observed and on padding.
    band_weights : dict of str to float, optional
        Weight of the pairs of each band; 1 for the others.
    """
    length = ca_BL3.shape[1]
    i, j = torch.triu_indices(length, length, offset=1, device=ca_BL3.device)
    distance_BP = (ca_BL3[:, i] - ca_BL3[:, j]).square().sum(dim=-1).sqrt()
    weight_P = torch.ones_like(distance_BP[0])
    for band, weight in (band_weights or {}).items():
        first, last = BANDS[band]
        inside_P = (j - i >= first) & (j - i <= (length if last is None else last))
        weight_P[inside_P] = weight
    return Pairs(i, j, distance_BP, weight_P * torch.isfinite(distance_BP))


def distogram_cross_entropy(
    logits_BLLK: torch.Tensor, pairs: Pairs, edges: torch.Tensor
) -> torch.Tensor:
    """Mean cross-entropy, in nats, of the bin that holds the true distance.

    Parameters
    ----------
    logits_BLLK : Tensor, shape=(B, L, L, K)
        Symmetric in the residues.
    pairs : Pairs
    edges : Tensor, shape=(K − 1,)
        Å.
    """
    counted_BP = pairs.weight > 0
    target_Q = torch.bucketize(pairs.distance[counted_BP], edges)
    loss_Q = F.cross_entropy(pairs.of(logits_BLLK)[counted_BP].float(), target_Q, reduction="none")
    weight_Q = pairs.weight[counted_BP]
    return (loss_Q * weight_Q).sum() / weight_Q.sum().clamp(min=1e-9)


def log_distance_error(
    predicted_BLL: torch.Tensor, pairs: Pairs, scaling: str, huber_delta: float | None = None
) -> torch.Tensor:
    """Mean squared, or Huber's, error of log(1 + d).

    Parameters
    ----------
    predicted_BLL : Tensor, shape=(B, L, L)
        log(1 + d), d in Å, in the unit that `scaling` says.
    pairs : Pairs
    scaling : str
        One of `SCALINGS`. ``own_maximum`` divides by each chain's own largest log(1 + d), which
        is how the published work made its targets.
    huber_delta : float, optional
        Errors beyond this count linearly.
    """
    target_BP = torch.log1p(torch.where(pairs.observed, pairs.distance, 0.0))
    if scaling == "own_maximum":
        target_BP = target_BP / target_BP.amax(dim=1, keepdim=True).clamp(min=1e-8)
    elif scaling == "constant":
        target_BP = target_BP / ASSUMED_LOG_MAXIMUM
    predicted_BP = pairs.of(predicted_BLL).float()
    if huber_delta is None:
        return pairs.mean((predicted_BP - target_BP).square())
    return pairs.mean(F.huber_loss(predicted_BP, target_BP, reduction="none", delta=huber_delta))


def lddt_error(distances_BP: torch.Tensor, pairs: Pairs) -> torch.Tensor:
    """One minus a smooth distance lDDT: auxiliary, for it looks at near pairs alone.

    lDDT (Mariani et al., 2013) counts the pairs truly closer than 15 Å whose distance is kept
    within 0.5, 1, 2 and 4 Å; a logistic step of a quarter of each threshold takes the place of
    the sharp one, which has no slope.
    """
    near_BP = pairs.observed & (pairs.distance < _LDDT_RADIUS)
    error_BP = (distances_BP - torch.where(near_BP, pairs.distance, 0.0)).abs()
    steps_BP = [torch.sigmoid(4.0 * (t - error_BP) / t) for t in _LDDT_THRESHOLDS]
    kept_BP = torch.stack(steps_BP).mean(dim=0)
    near_only = Pairs(pairs.i, pairs.j, pairs.distance, pairs.weight * near_BP)
    return near_only.mean(1.0 - kept_BP)


def contact_error(probability_BP: torch.Tensor, pairs: Pairs) -> torch.Tensor:
    """Cross-entropy, in nats, of whether residues six or more apart are in contact."""
    contact_BP = torch.where(pairs.observed, pairs.distance, 0.0) < CONTACT_CUTOFF
    apart_P = (pairs.j - pairs.i) >= _LEAST_CONTACT_SEPARATION
    loss_BP = F.binary_cross_entropy(
        probability_BP.float().clamp(1e-6, 1 - 1e-6), contact_BP.float(), reduction="none"
    )
    return Pairs(pairs.i, pairs.j, pairs.distance, pairs.weight * apart_P).mean(loss_BP)


def coordinate_error(predicted_BL3: torch.Tensor, ca_BL3: torch.Tensor) -> torch.Tensor:
    """Mean squared error of centred coordinates in units of each chain's own spread.

    The published first model's loss. It depends on how the structure happens to lie in the
    file: turn the same protein, and the same prediction is judged otherwise.

    Parameters
    ----------
    predicted_BL3 : Tensor, shape=(B, L, 3)
        In units of the spread.
    ca_BL3 : Tensor, shape=(B, L, 3)
        Å; NaN where not observed and on padding.
    """
    observed_BL1 = torch.isfinite(ca_BL3).all(dim=-1, keepdim=True)
    ca_BL3 = torch.where(observed_BL1, ca_BL3, 0.0)
    count_B11 = observed_BL1.sum(dim=1, keepdim=True).clamp(min=1)
    centred_BL3 = (ca_BL3 - ca_BL3.sum(dim=1, keepdim=True) / count_B11) * observed_BL1
    spread_B11 = (centred_BL3.square().sum(dim=(1, 2), keepdim=True) / (3 * count_B11)).sqrt()
    error_BL3 = predicted_BL3.float() - centred_BL3 / spread_B11.clamp(min=1e-8)
    return (error_BL3.square() * observed_BL1).sum() / (3 * observed_BL1.sum()).clamp(min=1)


def frame_aligned_error(
    predicted_BL3: torch.Tensor,
    ca_BL3: torch.Tensor,
    clamp: float = 10.0,
    unclamped: float = 0.1,
) -> torch.Tensor:
    """Frame-aligned point error of a Cα trace, in units of 10 Å.

    Each residue with both neighbours sees all others in a frame of its own; what it sees in
    the prediction is compared with what it sees in the truth (Jumper et al., Nature 596,
    2021, algorithm 28; frames by algorithm 21 from three consecutive Cα atoms). Nothing
    changes when either structure is turned and moved; a mirror image is seen to be wrong.

    Parameters
    ----------
    predicted_BL3, ca_BL3 : Tensor, shape=(B, L, 3)
        Å; the truth NaN where not observed and on padding.
    clamp : float
        Å: errors beyond it don't count further.
    unclamped : float
        Share of the loss that counts them in full.
    """
    observed_BL = torch.isfinite(ca_BL3).all(dim=-1)
    true_BL3 = torch.where(observed_BL[..., None], ca_BL3, 0.0)
    framed_BF = observed_BL[:, :-2] & observed_BL[:, 1:-1] & observed_BL[:, 2:]
    # In 16 bits a coordinate of 50 Å would be off by 0.1 Å.
    with torch.autocast(ca_BL3.device.type, enabled=False):
        seen_BFL3 = _seen_from_frames(predicted_BL3.float())
        true_BFL3 = _seen_from_frames(true_BL3)
    square_BFL = (seen_BFL3 - true_BFL3).square().sum(dim=-1)
    error_BFL = (square_BFL + _LEAST_SQUARE).sqrt()
    error_BFL = (1 - unclamped) * error_BFL.clamp(max=clamp) + unclamped * error_BFL
    counted_BFL = framed_BF[:, :, None] & observed_BL[:, None, :]
    return (error_BFL * counted_BFL).sum() / counted_BFL.sum().clamp(min=1) / 10.0


def _seen_from_frames(x_BL3: torch.Tensor) -> torch.Tensor:
    """Every point in the frame of every residue but the first and the last.

    Returns
    -------
    Tensor, shape=(B, L − 2, L, 3)
    """
    origin_BF3 = x_BL3[:, 1:-1]
    ahead_BF3 = x_BL3[:, 2:] - origin_BF3
    back_BF3 = x_BL3[:, :-2] - origin_BF3
    e1_BF3 = _unit(ahead_BF3)
    e2_BF3 = _unit(back_BF3 - (e1_BF3 * back_BF3).sum(dim=-1, keepdim=True) * e1_BF3)
    e3_BF3 = torch.linalg.cross(e1_BF3, e2_BF3, dim=-1)
    axes_BF33 = torch.stack([e1_BF3, e2_BF3, e3_BF3], dim=-1)
    return (x_BL3[:, None, :, :] - origin_BF3[:, :, None, :]) @ axes_BF33


def _unit(x: torch.Tensor) -> torch.Tensor:
    # An untrained trace is nearly a point: its frames must not have endless slopes.
    return x / (x.square().sum(dim=-1, keepdim=True) + 1e-3).sqrt()
