"""How far to stretch predicted maps back before a trace is made of them."""

from collections.abc import Sequence

import numpy as np

from distmat.geometry.calibration import Calibration
from distmat.geometry.handedness import mirror
from distmat.geometry.reconstruction import reconstruct
from distmat.scoring.map_scores import Array
from distmat.scoring.trace_scores import score_trace


def choose_stretch(
    calibration: Calibration,
    predicted_maps: Sequence[Array],
    traces: Sequence[Array],
    stds: Sequence[Array] | None = None,
    powers: Sequence[float] = (0.0, 0.1, 0.25, 0.5, 0.75, 1.0),
) -> Calibration:
    """How far to stretch: the power of ρ with the best mean TM-score on known chains.

    Parameters
    ----------
    calibration : Calibration
        As fitted.
    predicted_maps : sequence of ndarray, shape=(N, N), dtype=float
        Å; of chains that the predictor hasn't learned from. A few dozen are enough.
    traces : sequence of ndarray, shape=(N, 3), dtype=float
        Their true Cα coordinates, Å.
    stds : sequence of ndarray, shape=(N, N), dtype=float, optional
        The maps' standard deviations, Å.
    powers : sequence of float
        ½ gives maps the spread of true ones.
    """

    def quality(candidate: Calibration) -> float:
        scores = []
        for place, (distances, ca) in enumerate(zip(predicted_maps, traces, strict=True)):
            std = None if stds is None else stds[place]
            built = reconstruct(
                distances, std=std, calibration=candidate, unit="Å", zeros_are_missing=False
            )
            # The hand isn't what is chosen here, and a wrong one would only add noise.
            scores.append(max(score_trace(x, ca).tm for x in (built.coords, mirror(built.coords))))
        return float(np.nanmean(scores))

    return max((calibration.raise_to(power) for power in powers), key=quality)
