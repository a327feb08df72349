"""What a distogram says of a distance: one number, how sure that is, and the whole of it."""

from collections.abc import Callable

import torch
from scipy.special import ndtri

from distmat.errors import ConfigError
from distmat.model.heads.pair_modules import OPEN_BINS
from distmat.protein.distance_map import CONTACT_CUTOFF, DistanceMap
from distmat.protein.distogram import Distogram

TAIL = 0.05
"""The deviation of a distance is that of a normal distribution whose 90 % interval reaches as far
from the median as the farther one of the distogram's 5 % and 95 % quantiles. The distogram's own
standard deviation was too wide for most near pairs and too narrow for the rest: a helix is either
recognised or not. See `benchmarks/mini.md`."""

MIXED_FROM = 16.0
"""Å: medians beyond are replaced by means in the readout ``"mixed"``. The distance lDDT looks at
pairs within 15 Å, where the median is better; the root of squared errors is ruled by far ones."""


def whole_distogram(sequence: str, logits_LLK: torch.Tensor, edges: torch.Tensor) -> Distogram:
    """From a network's logits, shape=(N, N, K), and the K − 1 edges between its bins in Å."""
    probability_LLK = logits_LLK.float().softmax(dim=-1)
    bounds = bin_bounds(edges).double().cpu().numpy()
    return Distogram(sequence, bounds, probability_LLK.cpu().numpy())


def read_distogram(
    sequence: str, logits_LLK: torch.Tensor, edges: torch.Tensor, readout: str = "median"
) -> DistanceMap:
    """One distance for each pair, its standard deviation and the probability of contact.

    Parameters
    ----------
    sequence : str
        Length N.
    logits_LLK : Tensor, shape=(N, N, K)
    edges : Tensor, shape=(K - 1,)
        Å: between the bins, ascending.
    readout : str
        One of `READOUTS`; the deviation (see `TAIL`) and the contact are the same for each.
    """
    n = len(sequence)
    bounds = bin_bounds(edges)
    below_cutoff = int((edges <= CONTACT_CUTOFF).sum())
    distance, std, contacts = (torch.empty(n, n) for _ in range(3))
    # A few rows at a time: probabilities of all pairs at once would double the memory.
    for rows in torch.arange(n).split(max(1, 2**18 // n)):
        probability_RLK = logits_LLK[rows].float().softmax(dim=-1)
        levels_RLQ = _quantiles(probability_RLK, bounds, (TAIL, 0.5, 1 - TAIL))
        distance[rows] = READOUTS[readout](levels_RLQ[..., 1], probability_RLK, bounds).cpu()
        std[rows] = levels_RLQ.diff(dim=-1).amax(dim=-1).cpu() / -ndtri(TAIL)
        contacts[rows] = probability_RLK[..., :below_cutoff].sum(dim=-1).cpu()
    for table, diagonal in ((distance, 0.0), (std, 0.0), (contacts, 1.0)):
        table.fill_diagonal_(diagonal)
    return DistanceMap(sequence, *(t.double().numpy() for t in (distance, std, contacts)))


def bin_bounds(edges: torch.Tensor) -> torch.Tensor:
    """Å: between which the bins lie, the open ones, too; shape=(K + 1,)."""
    low, high = OPEN_BINS
    return torch.cat([edges.new_tensor([low]), edges, edges.new_tensor([high])])


def check_readout(name: str) -> None:
    """Refuse a readout that isn't one of `READOUTS`.

    Raises
    ------
    ConfigError
    """
    if name not in READOUTS:
        raise ConfigError(f"There is no readout '{name[:40]}'; choose one of {_CHOICES}.")


def _mean(
    median_RL: torch.Tensor, probability_RLK: torch.Tensor, bounds: torch.Tensor
) -> torch.Tensor:
    return probability_RLK @ ((bounds[1:] + bounds[:-1]) / 2)


def _mix(
    median_RL: torch.Tensor, probability_RLK: torch.Tensor, bounds: torch.Tensor
) -> torch.Tensor:
    mean_RL = _mean(median_RL, probability_RLK, bounds)
    return torch.where(median_RL < MIXED_FROM, median_RL, mean_RL)


READOUTS: dict[str, Callable[[torch.Tensor, torch.Tensor, torch.Tensor], torch.Tensor]] = {
    "median": lambda median_RL, probability_RLK, bounds: median_RL,
    "mean": _mean,
    "mixed": _mix,
}
"""The distance that a distogram stands for, of the medians R × L, the probabilities R × L × K and
the bins' bounds. On 243 validation chains, templates used: median MAE 4.307 Å, RMSE 6.271, r 0.738,
distance lDDT 0.556; mean 4.281, 6.156, 0.746, 0.540; mixed 4.305, 6.215, 0.741, 0.555. The median
is what is shown: no pair's distance is then one that the distogram calls unlikely."""

_CHOICES = ", ".join(f"'{name}'" for name in READOUTS)


def _quantiles(
    probability_RLK: torch.Tensor, bounds: torch.Tensor, levels: tuple[float, ...]
) -> torch.Tensor:
    """Distances in Å below which these shares Q of the probability lie; shape=(R, L, Q)."""
    rows, length, bins = probability_RLK.shape
    levels_RLQ = bounds.new_tensor(levels).expand(rows, length, -1).contiguous()
    cumulative_RLK = probability_RLK.cumsum(dim=-1)
    bin_RLQ = torch.searchsorted(cumulative_RLK, levels_RLQ).clamp(max=bins - 1)
    inside_RLQ = probability_RLK.gather(-1, bin_RLQ).clamp(min=1e-9)
    before_RLQ = cumulative_RLK.gather(-1, bin_RLQ) - inside_RLQ
    share_RLQ = ((levels_RLQ - before_RLQ) / inside_RLQ).clamp(0, 1)
    return bounds[bin_RLQ] + share_RLQ * bounds.diff()[bin_RLQ]
