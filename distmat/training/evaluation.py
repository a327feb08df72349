"""How good a predictor is on chains whose structure is known, beside its baseline."""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import astuple, dataclass, fields
from typing import Any

import numpy as np
import torch
from scipy.stats import bootstrap
from torch import nn

from distmat.model.predictor import Predictor
from distmat.protein.chain import Chain
from distmat.protein.distance_map import BANDS, DistanceMap
from distmat.scoring.baseline import SeparationBaseline
from distmat.scoring.deviations import Coverage, coverage
from distmat.scoring.map_scores import MAP_SCORES, MapScores, score_map
from distmat.scoring.verdict import Verdict, judge


@dataclass(frozen=True)
class Evaluation:
    """Scores of every chain, of the model and of the separation baseline.

    Parameters
    ----------
    chains : tuple of str
        Names.
    model, baseline : tuple of MapScores
        In the order of `chains`; the costly ones, too.
    seconds : float
        Time that the model took.
    losses : tuple of float
        The network's own loss for each chain, where it was asked for.
    coverage : tuple of Coverage
        How many of each chain's errors the predicted deviations cover.
    own_baseline : tuple of MapScores
        Of the checkpoint's own table, where `baseline` is another one's.
    """

    chains: tuple[str, ...]
    model: tuple[MapScores, ...]
    baseline: tuple[MapScores, ...]
    seconds: float
    losses: tuple[float, ...] = ()
    coverage: tuple[Coverage, ...] = ()
    own_baseline: tuple[MapScores, ...] = ()

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
        tables = {"model": self.model, "baseline": self.baseline}
        if self.own_baseline:
            tables["own_baseline"] = self.own_baseline
        content: dict[str, Any] = {
            "chains": len(self.chains),
            "seconds": round(self.seconds, 2),
            **{name: mean_scores(scores) for name, scores in tables.items()},
            "verdict": self.verdict.as_dict(),
        }
        if intervals:
            columns = _columns(self.model)
            content["interval"] = {name: _interval(values) for name, values in columns.items()}
            content["coverage"] = sum(self.coverage[1:], self.coverage[0]).as_dict()
        if per_chain:
            content["per_chain"] = [
                {"id": chain, **{name: scores[row].as_dict() for name, scores in tables.items()}}
                for row, chain in enumerate(self.chains)
            ]
        return content

    def rows(self) -> list[dict[str, Any]]:
        """Every chain for JSON, from which `from_rows` makes the same evaluation."""
        tables = {"model": self.model, "baseline": self.baseline}
        if self.own_baseline:
            tables["own_baseline"] = self.own_baseline
        return [
            {
                "id": chain,
                **{name: scores[row].as_dict() for name, scores in tables.items()},
                "coverage": [counts.tolist() for counts in astuple(self.coverage[row])],
            }
            for row, chain in enumerate(self.chains)
        ]

    @classmethod
    def from_rows(cls, rows: Sequence[dict[str, Any]], seconds: float) -> "Evaluation":
        """What `rows` gave."""

        def scores(name: str) -> tuple[MapScores, ...]:
            return tuple(MapScores.from_dict(row[name]) for row in rows if name in row)

        return cls(
            chains=tuple(row["id"] for row in rows),
            model=scores("model"),
            baseline=scores("baseline"),
            seconds=seconds,
            coverage=tuple(Coverage(*map(np.array, row["coverage"])) for row in rows),
            own_baseline=scores("own_baseline"),
        )

    @property
    def verdict(self) -> Verdict:
        """Whether the model is better than the baseline, and than its own if it has one."""
        means = (mean_scores(scores) for scores in (self.model, self.baseline, self.own_baseline))
        model, *baselines = (scores["mae"] for scores in means)
        return judge(model, *baselines)

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
        for score in MAP_SCORES.shown("metric"):
            values[f"eval_baseline_{score.key}"] = content["baseline"][score.key]
        values["eval_loss"] = _mean(self.losses)
        values["eval_seconds"] = self.seconds
        values["eval_chains_per_second"] = len(self.chains) / max(self.seconds, 1e-9)
        return {name: float(value) for name, value in values.items() if value is not None}


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
    columns = {score.key: [each.values[score.key] for each in scores] for score in MAP_SCORES}
    for band in BANDS:
        columns[f"mae_{band}"] = [each.bands[band].mae for each in scores]
    return columns


def evaluate(
    predictor: Predictor,
    chains: Sequence[Chain],
    progress: Callable[[int, int], None] | None = None,
    seen: Callable[[Chain, DistanceMap], None] | None = None,
    with_loss: bool = False,
    reference: SeparationBaseline | None = None,
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
    reference : SeparationBaseline, optional
        Scored as the baseline, and the predictor's own beside it if that is another; by default
        the predictor's own is the baseline.
    """
    own = predictor.baseline
    baseline = reference or own
    beside = [] if baseline.is_like(own) else [own]
    results: dict[int, tuple] = {}
    seconds, started = 0.0, time.perf_counter()
    with _losses(predictor.network, with_loss) as truth:
        for place, predicted in _predictions(predictor, chains, truth if with_loss else None):
            seconds += time.perf_counter() - started
            chain = chains[place]
            results[place] = (
                score_map(predicted.distances, chain.ca, predicted.contacts, costly=True),
                coverage(predicted.distances, predicted.std, chain.distances),
                *(
                    score_map(table.predict(len(chain)), chain.ca, costly=True)
                    for table in (baseline, *beside)
                ),
            )
            if seen:
                seen(chain, predicted)
            if progress:
                progress(len(results), len(chains))
            started = time.perf_counter()
    columns = zip(*(results[place] for place in range(len(chains))), strict=True)
    model, covered, of_baseline, *of_own = columns if results else ((),) * 3
    return Evaluation(
        chains=tuple(chain.name for chain in chains),
        model=model,
        baseline=of_baseline,
        seconds=seconds,
        losses=tuple(truth.losses),
        coverage=covered,
        own_baseline=of_own[0] if of_own else (),
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


def _interval(values: Sequence[float]) -> list[float] | None:
    defined = [value for value in values if np.isfinite(value)]
    if len(defined) < 2:
        return None
    drawn = bootstrap((defined,), np.mean, method="percentile", n_resamples=2000, rng=0)
    return [float(bound) for bound in drawn.confidence_interval]


def _mean(values: Sequence[float]) -> float | None:
    defined = [value for value in values if np.isfinite(value)]
    return float(np.mean(defined)) if defined else None
