"""A metric over the steps, thinned to what a screen can show."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Curve:
    """One metric of one run.

    Parameters
    ----------
    steps : ndarray, shape=(n,), dtype=int64
        Rising.
    values : ndarray, shape=(n,), dtype=float64
        NaN where a NaN was logged.
    epochs, times : ndarray, shape=(n,), dtype=float64
        Epoch at each step; seconds since 1970 when it was logged.
    """

    steps: np.ndarray
    values: np.ndarray
    epochs: np.ndarray
    times: np.ndarray

    def __len__(self) -> int:
        return len(self.steps)

    @property
    def last(self) -> float | None:
        """The newest value."""
        return float(self.values[-1]) if len(self) else None

    def finite(self) -> "Curve":
        """Without NaN and infinity."""
        keep = np.isfinite(self.values)
        return Curve(self.steps[keep], self.values[keep], self.epochs[keep], self.times[keep])

    def best(self, highest: bool = False) -> tuple[int, float] | None:
        """Step and value where it is lowest, or highest; None if nothing finite was logged."""
        curve = self.finite()
        if not len(curve):
            return None
        index = int(np.argmax(curve.values) if highest else np.argmin(curve.values))
        return int(curve.steps[index]), float(curve.values[index])


def keep_extremes(
    steps: np.ndarray, values: np.ndarray, width: int
) -> tuple[np.ndarray, np.ndarray]:
    """Of each stretch of `width` steps the lowest and the highest point; and both ends.

    Parameters
    ----------
    steps : ndarray, shape=(n,), dtype=int64
        Rising.
    values : ndarray, shape=(n,), dtype=float64
        NaN loses against any number.
    width : int
        Stretches begin at its multiples.

    Returns
    -------
    steps, values : ndarray, shape=(m,)
    """
    if len(steps) < 3:
        return steps, values
    stretch = steps // width
    first = np.flatnonzero(np.diff(stretch, prepend=stretch[0] - 1))
    group = np.cumsum(np.diff(stretch, prepend=stretch[0]) != 0)
    low = np.where(np.isnan(values), np.inf, values)
    high = np.where(np.isnan(values), -np.inf, values)
    keep = {0, len(steps) - 1}
    for extreme, filled in ((np.minimum, low), (np.maximum, high)):
        best = extreme.reduceat(filled, first)
        hits = np.flatnonzero(filled == best[group])
        _, earliest = np.unique(group[hits], return_index=True)
        keep.update(hits[earliest].tolist())
    index = np.array(sorted(keep))
    return steps[index], values[index]
