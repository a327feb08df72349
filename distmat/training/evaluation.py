"""How good a predictor is on chains whose structure is known, beside its baseline."""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from torch import nn

from distmat.geometry.secondary_structure import structure_content
from distmat.library.templates import Template, copy_nearest
from distmat.library.training_sequences import Overlap
from distmat.model.predictor import Predictor
from distmat.protein.arrays import Coords
from distmat.protein.chain import Chain
from distmat.protein.distance_map import BANDS, DistanceMap
from distmat.scoring.baseline import SeparationBaseline
from distmat.scoring.deviations import Coverage, coverage
from distmat.scoring.map_scores import MAP_SCORES, MapScores, score_map
from distmat.scoring.pooled import PooledPairs, pool_pairs
from distmat.scoring.strata import structure_class
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
    nearest : tuple of MapScores
        Of copying each chain's surest template, where a library was used; see `copy_nearest`.
    facts : tuple of dict
        What else is known of each chain, for JSON, where it was asked for: its length, how much
        of it was observed, its class and its surest template.
    pooled : PooledPairs, optional
        What the pairs of all chains say together, where it was asked for.
    overlaps : tuple of Overlap
        What each chain has to do with the training; empty where the checkpoint doesn't tell.
    """

    chains: tuple[str, ...]
    model: tuple[MapScores, ...]
    baseline: tuple[MapScores, ...]
    seconds: float
    losses: tuple[float, ...] = ()
    coverage: tuple[Coverage, ...] = ()
    own_baseline: tuple[MapScores, ...] = ()
    nearest: tuple[MapScores, ...] = ()
    facts: tuple[dict[str, Any], ...] = ()
    pooled: PooledPairs | None = None
    overlaps: tuple[Overlap, ...] = ()

    @property
    def tables(self) -> dict[str, tuple[MapScores, ...]]:
        """The model's scores and those of each baseline that was asked, by name."""
        tables = {
            "model": self.model,
            "baseline": self.baseline,
            "own_baseline": self.own_baseline,
            "copy_nearest": self.nearest,
        }
        return {name: scores for name, scores in tables.items() if scores or name in _ALWAYS}

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
        tables = self.tables
        content: dict[str, Any] = {
            "chains": len(self.chains),
            "seconds": round(self.seconds, 2),
            **{name: mean_scores(scores) for name, scores in tables.items()},
            "verdict": self.verdict.as_dict(),
            "training_overlap": self._by_overlap(),
        }
        if intervals:
            columns = _columns(self.model)
            content["interval"] = {name: _interval(values) for name, values in columns.items()}
            content["coverage"] = sum(self.coverage[1:], self.coverage[0]).as_dict()
        if per_chain:
            facts = self.facts or ({},) * len(self.chains)
            content["per_chain"] = [
                {
                    "id": chain,
                    **facts[row],
                    **{name: scores[row].as_dict() for name, scores in tables.items()},
                    "training_overlap": self.overlaps[row].as_dict() if self.overlaps else None,
                }
                for row, chain in enumerate(self.chains)
            ]
            if self.pooled is not None:
                content["pooled"] = self.pooled.as_dict()
        return content

    def _by_overlap(self) -> dict | None:
        """Scores of the chains with a relative in the training, and of those without."""
        if not self.overlaps:
            return None
        content: dict[str, Any] = {"trained_on": self.overlaps[0].searched}
        for name, wanted in (("related", True), ("unrelated", False)):
            rows = [row for row, o in enumerate(self.overlaps) if bool(o.relatives) is wanted]
            part = self._of(rows)
            content[name] = {
                "chains": len(rows),
                "model_mae": _mean([scores.mae for scores in part.model]),
                "baseline_mae": _mean([scores.mae for scores in part.baseline]),
            }
        return content

    @property
    def verdict(self) -> Verdict:
        """Whether the model is better than the baseline, and than its own if it has one."""
        means = (mean_scores(scores) for scores in (self.model, self.baseline, self.own_baseline))
        model, *baselines = (scores["mae"] for scores in means)
        return judge(model, *baselines)

    def first(self, chains: int) -> "Evaluation":
        """Of the first so many chains."""
        return self._of(range(min(chains, len(self.chains))))

    def reorder(self, places: Sequence[int]) -> "Evaluation":
        """The same with the chain of row k in row ``places[k]``."""
        return self._of(np.argsort(places).tolist())

    def _of(self, rows: Sequence[int]) -> "Evaluation":
        kept: dict[str, Any] = {
            name: tuple(values[row] for row in rows) if (values := getattr(self, name)) else ()
            for name in _PER_CHAIN
        }
        return replace(self, **kept)

    def to_json(self) -> dict[str, Any]:
        """All of it, for a file that `from_json` reads."""
        return {
            "chains": self.chains,
            "seconds": self.seconds,
            "losses": self.losses,
            "facts": self.facts,
            "overlaps": [overlap.as_dict() for overlap in self.overlaps],
            "coverage": [
                [each.pairs.tolist(), each.within_one.tolist(), each.within_two.tolist()]
                for each in self.coverage
            ],
            "tables": {
                name: [each.as_dict() for each in scores] for name, scores in self.tables.items()
            },
            "pooled": None if self.pooled is None else self.pooled.as_dict(),
        }

    @classmethod
    def from_json(cls, content: dict[str, Any]) -> "Evaluation":
        """The inverse of `to_json`."""
        tables = {
            name: tuple(MapScores.from_dict(each) for each in scores)
            for name, scores in content["tables"].items()
        }
        return cls(
            chains=tuple(content["chains"]),
            model=tables["model"],
            baseline=tables["baseline"],
            seconds=content["seconds"],
            losses=tuple(content["losses"]),
            coverage=tuple(Coverage(*map(np.array, each)) for each in content["coverage"]),
            own_baseline=tables.get("own_baseline", ()),
            nearest=tables.get("copy_nearest", ()),
            facts=tuple(content["facts"]),
            overlaps=tuple(map(Overlap.from_dict, content.get("overlaps", ()))),
            pooled=content["pooled"] and PooledPairs.from_dict(content["pooled"]),
        )

    def metrics(self) -> dict[str, float]:
        """As ``eval_…``, by the names a run's metrics have; what isn't defined is left out."""
        content = self.as_dict()
        values = {f"eval_{name}": value for name, value in content["model"].items()}
        for score in MAP_SCORES.list_shown("metric"):
            values[f"eval_baseline_{score.key}"] = content["baseline"][score.key]
        values["eval_loss"] = _mean(self.losses)
        values["eval_seconds"] = self.seconds
        values["eval_chains_per_second"] = len(self.chains) / max(self.seconds, 1e-9)
        return {name: float(value) for name, value in values.items() if value is not None}


_ALWAYS = ("model", "baseline")
_PER_CHAIN = (
    "chains",
    "model",
    "baseline",
    "losses",
    "coverage",
    "own_baseline",
    "nearest",
    "facts",
    "overlaps",
)


def concatenate(parts: Sequence[Evaluation]) -> Evaluation:
    """One evaluation of several, one after the other."""
    together: dict[str, Any] = {
        name: tuple(value for part in parts for value in getattr(part, name)) for name in _PER_CHAIN
    }
    pooled = [part.pooled for part in parts if part.pooled is not None]
    return Evaluation(
        **together,
        seconds=sum(part.seconds for part in parts),
        pooled=sum(pooled[1:], pooled[0]) if pooled else None,
    )


def interleave(parts: Sequence[Evaluation]) -> Evaluation:
    """One evaluation of what several processes scored, each every so-manieth chain."""

    def dealt(name: str) -> tuple:
        columns = [getattr(part, name) for part in parts]
        longest = max(map(len, columns))
        return tuple(
            column[row] for row in range(longest) for column in columns if row < len(column)
        )

    together: dict[str, Any] = {name: dealt(name) for name in _PER_CHAIN}
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
    templates: Sequence[Sequence[Template]] | None = None,
    detailed: bool = False,
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
    templates : sequence of sequence of Template, optional
        For each chain what the library has for it, the surest first; copying that is a baseline
        then, too.
    detailed : bool
        Also gather the chains' facts and what their pairs say together.
    """
    own = predictor.baseline
    baseline = reference or own
    beside = [] if baseline.is_like(own) else [own]
    results: dict[int, _Scored] = {}
    pooled = PooledPairs.none() if detailed else None
    seconds, started = 0.0, time.perf_counter()
    with _losses(predictor.network, with_loss) as truth:
        told = truth if with_loss else None
        for place, predicted in _predictions(predictor, chains, told, templates):
            seconds += time.perf_counter() - started
            chain = chains[place]
            known = None if templates is None else templates[place]
            tables = [table.predict(len(chain)) for table in (baseline, *beside)]
            results[place] = _score(chain, predicted, tables, known, detailed)
            if pooled is not None:
                pooled += pool_pairs(
                    predicted.distances, predicted.std, predicted.contacts, tables[0], chain.ca
                )
            if seen:
                seen(chain, predicted)
            if progress:
                progress(len(results), len(chains))
            started = time.perf_counter()
    rows = [results[place] for place in range(len(chains))]
    learned = predictor.training_sequences
    return Evaluation(
        chains=tuple(chain.name for chain in chains),
        model=tuple(row.model for row in rows),
        baseline=tuple(row.baselines[0] for row in rows),
        seconds=seconds,
        losses=tuple(truth.losses),
        coverage=tuple(row.coverage for row in rows),
        own_baseline=tuple(row.baselines[1] for row in rows if len(row.baselines) > 1),
        nearest=tuple(row.nearest for row in rows if row.nearest is not None),
        facts=tuple(row.facts for row in rows if row.facts is not None),
        pooled=pooled,
        overlaps=()
        if learned is None
        else tuple(learned.overlaps([c.sequence for c in chains], 2)),
    )


@dataclass(frozen=True)
class _Scored:
    """What is kept of one chain."""

    model: MapScores
    coverage: Coverage
    baselines: tuple[MapScores, ...]
    nearest: MapScores | None
    facts: dict[str, Any] | None


def _score(
    chain: Chain,
    predicted: DistanceMap,
    tables: Sequence[np.ndarray],
    templates: Sequence[Template] | None,
    detailed: bool,
) -> _Scored:
    nearest = None
    if templates is not None:
        nearest = score_map(copy_nearest(templates, tables[0]), chain.ca, costly=True)
    return _Scored(
        score_map(predicted.distances, chain.ca, predicted.contacts, costly=True),
        coverage(predicted.distances, predicted.std, chain.distances),
        tuple(score_map(table, chain.ca, costly=True) for table in tables),
        nearest,
        _facts(chain, templates or ()) if detailed else None,
    )


def _facts(chain: Chain, templates: Sequence[Template]) -> dict[str, Any]:
    helix, strand = structure_content(chain)
    first = templates[0] if templates else None
    return {
        "length": len(chain),
        "observed": int(chain.observed.sum()),
        "class": structure_class(helix, strand),
        "template": first.name if first else None,
        "template_identity": round(first.identity, 4) if first else None,
        "template_coverage": round(first.coverage, 4) if first else None,
    }


def _predictions(
    predictor: Predictor,
    chains: Sequence[Chain],
    truth: "_Truth | None",
    templates: Sequence[Sequence[Template]] | None,
) -> Iterator[tuple[int, DistanceMap]]:
    """The chains' places and maps; one by one if the network is to be told the truth."""
    if truth is None:
        yield from predictor.predict_many([chain.sequence for chain in chains], templates)
        return
    for place, chain in enumerate(chains):
        truth.ca = chain.ca
        known = () if templates is None else templates[place]
        yield place, predictor.predict(chain.sequence, templates=known)


class _Truth:
    """The coordinates of the chain in hand, in Å, and the losses met so far."""

    def __init__(self) -> None:
        self.ca: Coords = np.zeros((0, 3))
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
    from scipy.stats import bootstrap

    drawn = bootstrap((defined,), np.mean, method="percentile", n_resamples=2000, rng=0)
    return [float(bound) for bound in drawn.confidence_interval]


def _mean(values: Sequence[float]) -> float | None:
    defined = [value for value in values if np.isfinite(value)]
    return float(np.mean(defined)) if defined else None
