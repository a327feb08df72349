"""Two predictors on the same chains: by how much one is better, and how sure that is."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from distmat.scoring.map_scores import MAP_SCORES
from distmat.scoring.registry import Score

_DRAWS = 2000


@dataclass(frozen=True)
class PairedDifference:
    """A score of two predictors on the chains for which both have it.

    Parameters
    ----------
    score : Score
    chains : int
    first, second : float
        Means.
    low, high : float
        Between which the mean difference, second − first, lies in 95 % of chains drawn again and
        again (bootstrap); NaN with fewer than two chains.
    wins : int
        Chains on which the second is better.
    """

    score: Score[Any]
    chains: int
    first: float
    second: float
    low: float
    high: float
    wins: int

    @property
    def difference(self) -> float:
        """Second − first."""
        return self.second - self.first

    @property
    def verdict(self) -> str:
        """``"better"`` or ``"worse"`` where the interval leaves out zero, else ``"same"``."""
        if not (self.low > 0 or self.high < 0):
            return "same"
        return "better" if (self.low > 0) == self.score.higher_is_better else "worse"

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "chains": self.chains,
            "first": self.first,
            "second": self.second,
            "difference": self.difference,
            "interval": [self.low, self.high],
            "second_is_better_on": self.wins,
            "verdict": self.verdict,
        }


def compare_paired(
    first: Sequence[Mapping[str, Any]], second: Sequence[Mapping[str, Any]]
) -> dict[str, PairedDifference]:
    """Compare the chains that two evaluations share.

    Parameters
    ----------
    first, second : sequence of mapping
        Rows ``{"id": …, "model": {score: value}}``.

    Returns
    -------
    dict of str to PairedDifference
        By the keys of `MAP_SCORES`; scores that no chain has in both are left out.
    """
    other = {row["id"]: row["model"] for row in second}
    pairs = [(row["model"], other[row["id"]]) for row in first if row["id"] in other]
    found = {}
    for score in MAP_SCORES:
        values = np.array([_values(one, two, score.key) for one, two in pairs], dtype=float)
        values = values.reshape(-1, 2)[np.isfinite(values.reshape(-1, 2)).all(axis=1)]
        if len(values):
            found[score.key] = _difference(score, values)
    return found


def mean_interval(values: npt.NDArray[np.float64]) -> tuple[float, float]:
    """The 2.5th and 97.5th percentile of the mean over values drawn again and again."""
    if len(values) < 2:
        return float("nan"), float("nan")
    drawn = np.random.default_rng(0).integers(0, len(values), (_DRAWS, len(values)))
    low, high = np.percentile(values[drawn].mean(axis=1), [2.5, 97.5])
    return float(low), float(high)


def _values(one: Mapping[str, Any], two: Mapping[str, Any], key: str) -> tuple[float, float]:
    nothing = float("nan")
    first, second = one.get(key), two.get(key)
    return nothing if first is None else first, nothing if second is None else second


def _difference(score: Score[Any], values: npt.NDArray[np.float64]) -> PairedDifference:
    change = values[:, 1] - values[:, 0]
    better = change > 0 if score.higher_is_better else change < 0
    first, second = values.mean(axis=0)
    return PairedDifference(
        score, len(values), float(first), float(second), *mean_interval(change), int(better.sum())
    )
