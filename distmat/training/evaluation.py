"""How good a predictor is on chains whose structure is known, beside its baseline."""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, fields

import numpy as np
import torch
from scipy.stats import bootstrap
from torch import nn

from distmat.geometry.confidence import Coverage, coverage
from distmat.geometry.embedding import embed
from distmat.geometry.scores import MapScores, score_map
from distmat.model.predictor import Predictor
from distmat.protein.chain import Chain
from distmat.protein.distance_map import BANDS, DistanceMap, pairwise_distances


@dataclass(frozen=True)
class Evaluation:
    """Scores of every chain, of the model and of the separation baseline.

    Parameters
    ----------
    chains : tuple of str
        Names.
    model, baseline : tuple of MapScores
        In the order of `chains`.
    model_mds, baseline_mds : tuple of float
        Correlation of the true distances with those of the points that classical scaling
        makes of the predicted map.
    seconds : float
        Time that the model took.
    losses : tuple of float
        The network's own loss for each chain, where it was asked for.
    coverage : tuple of Coverage
        How many of each chain's errors the predicted deviations cover.
    """

    chains: tuple[str, ...]
    model: tuple[MapScores, ...]
    baseline: tuple[MapScores, ...]
    model_mds: tuple[float, ...]
    baseline_mds: tuple[float, ...]
    seconds: float
    losses: tuple[float, ...] = ()
    coverage: tuple[Coverage, ...] = ()

    def as_dict(self, per_chain: bool = False, intervals: bool = False) -> dict:
        """Means over chains, for JSON; a chain without a pair in question doesn't count.

        Parameters
        ----------
        per_chain : bool
            Also every chain's scores.
        intervals : bool
            Also what lies between the 2.5th and 97.5th percentile of the model's means over
            chains drawn again and again (bootstrap), and the share of the errors within one
            and two of the predicted deviations in each band, pooled over all chains.
        """
        content = {
            "chains": len(self.chains),
            "seconds": round(self.seconds, 2),
            "model": mean_scores(self.model) | {"mds_pearson": _mean(self.model_mds)},
            "baseline": mean_scores(self.baseline) | {"mds_pearson": _mean(self.baseline_mds)},
        }
        if intervals:
            columns = _columns(self.model) | {"mds_pearson": list(self.model_mds)}
            content["interval"] = {name: _interval(values) for name, values in columns.items()}
            content["coverage"] = sum(self.coverage[1:], self.coverage[0]).as_dict()
        if per_chain:
            content["per_chain"] = [
                {
                    "id": name,
                    "model": model.as_dict() | {"mds_pearson": _plain(model_mds)},
                    "baseline": baseline.as_dict() | {"mds_pearson": _plain(baseline_mds)},
                }
                for name, model, baseline, model_mds, baseline_mds in zip(
                    self.chains,
                    self.model,
                    self.baseline,
                    self.model_mds,
                    self.baseline_mds,
                    strict=True,
                )
            ]
        return content

    def first(self, chains: int) -> "Evaluation":
        """Of the first so many chains."""
        kept = {
            field.name: getattr(self, field.name)[:chains]
            for field in fields(self)
            if field.name != "seconds"
        }
        return Evaluation(**kept, seconds=self.seconds)

    def metrics(self) -> dict[str, float]:
        """As ``eval_…``, by the names a run's metrics have; what isn't defined is left out."""
        content = self.as_dict()
        values = {f"eval_{name}": value for name, value in content["model"].items()}
        values |= {f"eval_baseline_{name}": content["baseline"][name] for name in BESIDE}
        values["eval_loss"] = _mean(self.losses)
        values["eval_seconds"] = self.seconds
        values["eval_chains_per_second"] = len(self.chains) / max(self.seconds, 1e-9)
        return {name: float(value) for name, value in values.items() if value is not None}


BESIDE = ("mae", "rmse", "pearson", "lddt", "long_precision", "mds_pearson")
"""Scores that the baseline's are logged beside."""


def merged(parts: Sequence[Evaluation]) -> Evaluation:
    """One evaluation of what several processes scored, each every so-manieth chain."""

    def dealt(name: str) -> tuple:
        columns = [getattr(part, name) for part in parts]
        longest = max(map(len, columns))
        return tuple(
            column[row] for row in range(longest) for column in columns if row < len(column)
        )

    together = {
        field.name: dealt(field.name) for field in fields(Evaluation) if field.name != "seconds"
    }
    return Evaluation(**together, seconds=max(part.seconds for part in parts))


def mean_scores(scores: Sequence[MapScores]) -> dict[str, float | None]:
    """The mean of each score over the chains for which it is defined; None if there is none."""
    return {name: _mean(values) for name, values in _columns(scores).items()}


def _columns(scores: Sequence[MapScores]) -> dict[str, list[float]]:
    columns: dict[str, list[float]] = {
        name: [getattr(score, name) for score in scores]
        for name in ("mae", "rmse", "pearson", "lddt", "long_precision", "long_precision_ceiling")
    }
    for band in BANDS:
        columns[f"mae_{band}"] = [score.bands[band].mae for score in scores]
    return columns


def evaluate(
    predictor: Predictor,
    chains: Sequence[Chain],
    progress: Callable[[int, int], None] | None = None,
    seen: Callable[[Chain, DistanceMap], None] | None = None,
    with_loss: bool = False,
) -> Evaluation:
    """Predict every chain and compare with its structure.

    Parameters
    ----------
    predictor : Predictor
    chains : sequence of Chain
    progress : callable, optional
        Called after each chain with how many are done, and of how many.
    seen : callable, optional
        Called with each chain and its predicted map.
    with_loss : bool
        Also keep what the network's own loss says of each chain.
    """
    results: dict[int, tuple] = {}
    seconds, started = 0.0, time.perf_counter()
    with _losses(predictor.network, with_loss) as truth:
        for place, predicted in _predictions(predictor, chains, truth if with_loss else None):
            seconds += time.perf_counter() - started
            chain = chains[place]
            results[place] = (
                *_scored(predicted.distances, chain, predicted.contacts),
                *_scored(predictor.baseline.predict(len(chain)), chain),
                coverage(predicted.distances, predicted.std, chain.distances),
            )
            if seen:
                seen(chain, predicted)
            if progress:
                progress(len(results), len(chains))
            started = time.perf_counter()
    columns = zip(*(results[place] for place in range(len(chains))), strict=True)
    model, model_mds, baseline, baseline_mds, covered = columns if results else ((),) * 5
    return Evaluation(
        chains=tuple(chain.name for chain in chains),
        model=model,
        baseline=baseline,
        model_mds=model_mds,
        baseline_mds=baseline_mds,
        seconds=seconds,
        losses=tuple(truth.losses),
        coverage=covered,
    )


def _predictions(
    predictor: Predictor, chains: Sequence[Chain], truth: "_Truth | None"
) -> Iterator[tuple[int, DistanceMap]]:
    """The chains' places and maps; one by one if the network is to be told the truth."""
    if truth is None:
        yield from predictor.predict_many([chain.sequence for chain in chains])
        return
    for place, chain in enumerate(chains):
        truth.ca = chain.ca
        yield place, predictor.predict(chain.sequence)


def _scored(
    distances: np.ndarray, chain: Chain, contacts: np.ndarray | None = None
) -> tuple[MapScores, float]:
    scores = score_map(distances, chain.ca, contacts)
    if not np.isfinite(distances).all():
        return scores, float("nan")
    points = embed(np.asarray(distances, dtype=np.float64)).coords
    return scores, score_map(pairwise_distances(points), chain.ca).pearson


class _Truth:
    """The coordinates of the chain in hand, in Å, and the losses met so far."""

    def __init__(self) -> None:
        self.ca = np.zeros((0, 3))
        self.losses: list[float] = []

    def put_in(self, network: nn.Module, arguments: tuple, named: dict) -> tuple[tuple, dict]:
        # A copy: a dataset's own arrays can't be written to, of which PyTorch warns.
        ca = torch.from_numpy(self.ca.astype(np.float32)).to(named["input_ids"].device)
        return arguments, {**named, "ca": ca[None]}

    def take_out(self, network: nn.Module, arguments: tuple, answer) -> None:
        self.losses.append(float(answer.loss))


@contextmanager
def _losses(network: nn.Module, wanted: bool) -> Iterator[_Truth]:
    """Let the network, which predicts without the truth, also say its loss."""
    truth = _Truth()
    hooks = []
    if wanted:
        hooks.append(network.register_forward_pre_hook(truth.put_in, with_kwargs=True))
        hooks.append(network.register_forward_hook(truth.take_out))
    try:
        yield truth
    finally:
        for hook in hooks:
            hook.remove()


def _plain(value: float) -> float | None:
    return value if np.isfinite(value) else None


def _interval(values: Sequence[float]) -> list[float] | None:
    defined = [value for value in values if np.isfinite(value)]
    if len(defined) < 2:
        return None
    drawn = bootstrap((defined,), np.mean, method="percentile", n_resamples=2000, rng=0)
    return [float(bound) for bound in drawn.confidence_interval]


def _mean(values: Sequence[float]) -> float | None:
    defined = [value for value in values if np.isfinite(value)]
    return float(np.mean(defined)) if defined else None
