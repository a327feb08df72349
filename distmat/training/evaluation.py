"""How good a predictor is on chains whose structure is known, beside its baseline."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from distmat.geometry.scores import MapScores, score_map
from distmat.model.predictor import Predictor
from distmat.protein.chain import Chain
from distmat.protein.distance_map import BANDS


@dataclass(frozen=True)
class Evaluation:
    """Scores of every chain, of the model and of the separation baseline.

    Parameters
    ----------
    chains : tuple of str
        Names.
    model, baseline : tuple of MapScores
        In the order of `chains`.
    seconds : float
        Time that the model took.
    """

    chains: tuple[str, ...]
    model: tuple[MapScores, ...]
    baseline: tuple[MapScores, ...]
    seconds: float

    def as_dict(self, per_chain: bool = False) -> dict:
        """Means over chains, for JSON; a chain without a pair in question doesn't count."""
        content = {
            "chains": len(self.chains),
            "seconds": round(self.seconds, 2),
            "model": mean_scores(self.model),
            "baseline": mean_scores(self.baseline),
        }
        if per_chain:
            content["per_chain"] = [
                {"id": name, "model": model.as_dict(), "baseline": baseline.as_dict()}
                for name, model, baseline in zip(
                    self.chains, self.model, self.baseline, strict=True
                )
            ]
        return content


def mean_scores(scores: Sequence[MapScores]) -> dict[str, float | None]:
    """The mean of each score over the chains for which it is defined; None if there is none."""
    columns: dict[str, list[float]] = {
        name: [getattr(score, name) for score in scores]
        for name in ("mae", "rmse", "pearson", "lddt", "long_precision", "long_precision_ceiling")
    }
    for band in BANDS:
        columns[f"mae_{band}"] = [score.bands[band].mae for score in scores]
    return {name: _mean(values) for name, values in columns.items()}


def evaluate(
    predictor: Predictor,
    chains: Sequence[Chain],
    progress: Callable[[int, int], None] | None = None,
) -> Evaluation:
    """Predict every chain and compare with its structure.

    Parameters
    ----------
    predictor : Predictor
    chains : sequence of Chain
    progress : callable, optional
        Called after each chain with how many are done, and of how many.
    """
    import time

    model, baseline = [], []
    seconds = 0.0
    for done, chain in enumerate(chains, start=1):
        started = time.perf_counter()
        predicted = predictor.predict(chain.sequence)
        seconds += time.perf_counter() - started
        model.append(score_map(predicted.distances, chain.ca, predicted.contacts))
        baseline.append(score_map(predictor.baseline.predict(len(chain)), chain.ca))
        if progress:
            progress(done, len(chains))
    names = tuple(chain.name for chain in chains)
    return Evaluation(names, tuple(model), tuple(baseline), seconds)


def _mean(values: list[float]) -> float | None:
    defined = [value for value in values if np.isfinite(value)]
    return float(np.mean(defined)) if defined else None
