"""Measure a dataset for its card, of which a few hundred chains are in memory at a time."""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from scipy.spatial.distance import pdist

from distmat.dataset.filters import expected_gyration
from distmat.dataset.reading import Reject
from distmat.dataset.schema import SPLITS
from distmat.dataset.store import Fingerprint, read_facts, stream_rows
from distmat.protein.chain import Chain, describe_breaks
from distmat.protein.sequence import ALPHABET, UNKNOWN
from distmat.scoring.baseline import fit_baseline
from distmat.scoring.map_scores import MAP_SCORES, MapScores, score_map

LENGTH_STEP, DISTANCE_STEP, GYRATION_STEP = 16, 2.0, 0.05
"""Widths of the histograms' bins: residues, Å, and parts of a globular chain's radius."""
_FINE, _FINEST = 0.05, 2000.0
"""Å: width of the bins in which distances are counted, and the last that is told apart."""
_TRAIN_CHAINS, _VAL_CHAINS = 1500, 300
"""Representatives that baselines are fitted on and scored on; more change the third digit."""
_MOST_BROKEN = 20
"""Chains of which the card says where they break."""


def make_card(
    path: Path,
    name: str,
    origin: dict[str, Any],
    settings: dict[str, Any],
    rejects: Sequence[Reject],
    leaks: dict[str, Any],
    progress: Callable[[int, int], None] | None = None,
) -> dict[str, Any]:
    """Measure a dataset, of which a few hundred chains are in memory at a time.

    Parameters
    ----------
    path : Path
        With all the columns of `distmat.dataset.schema.schema`.
    name : str
        What the dataset is called.
    origin : dict
        How many files of each kind it was built from.
    settings : dict
        How it was built.
    rejects : sequence of Reject
    leaks : dict
        See `distmat.dataset.splitting.leak_report`.
    progress : callable, optional
        Called with how many chains are done, and of how many.

    Returns
    -------
    dict
        For JSON.
    """
    facts = read_facts(path)
    chosen = _for_baselines(facts)
    distances, composition, digest = _Distances(), np.zeros(len(_LETTERS)), Fingerprint()
    sampled: dict[str, list[Chain]] = {"train": [], "val": []}
    broken: dict[str, str] = {}
    for number, row in enumerate(stream_rows(path, ("split",))):
        chain = row["chain"]
        distances.add(chain)
        digest.add(chain)
        letters = np.frombuffer(chain.sequence.encode(), dtype=np.uint8)
        composition += np.bincount(_CODES[letters], minlength=len(_LETTERS))
        if len(broken) < _MOST_BROKEN and chain.breaks:
            broken[chain.name] = describe_breaks(chain)
        if number in chosen:
            sampled[row["split"]].append(chain)
        if progress and (number % 50 == 0 or number + 1 == len(facts)):
            progress(number + 1, len(facts))
    return {
        "name": name,
        "chains": len(facts),
        "residues": int(facts["length"].sum()),
        "fingerprint": digest.hexdigest(),
        "splits": {split: _split(facts[facts["split"] == split]) for split in SPLITS},
        "origin": origin,
        "sources": len(set(facts["source"])),
        "settings": settings,
        "rejects": {
            "chains": len(rejects),
            "by_reason": dict(sorted(Counter(reject.reason for reject in rejects).items())),
        },
        "lengths": _lengths(facts),
        "distances": distances.as_dict(),
        "gyration": _gyration(facts),
        "secondary_structure": _secondary_structure(facts),
        "composition": {
            letter: round(float(share), 5)
            for letter, share in zip(_LETTERS, composition / composition.sum(), strict=True)
        },
        "observed": {
            "missing_share": _number(facts["missing"].sum() / facts["length"].sum()),
            "breaks": int(facts["breaks"].sum()),
            "broken_chains": broken,
            "methods": _counts(facts["method"].fillna("not stated")),
            "median_resolution": _number(facts["resolution"].median()),
        },
        "clusters": _clusters(facts),
        "leaks": leaks,
        "baselines": _baselines(sampled["train"], sampled["val"], distances.mean),
    }


_LETTERS = ALPHABET + UNKNOWN
_CODES = np.full(256, len(_LETTERS) - 1)
_CODES[np.frombuffer(_LETTERS.encode(), dtype=np.uint8)] = np.arange(len(_LETTERS))


class _Distances:
    """All distances of all chains, counted so finely that nothing else need be kept."""

    def __init__(self) -> None:
        self.counts = np.zeros(int(_FINEST / _FINE) + 1, dtype=np.int64)
        self.total = self.squares = 0.0
        self.number = 0
        self.least, self.most = np.inf, -np.inf

    def add(self, chain: Chain) -> None:
        found = pdist(np.asarray(chain.ca, dtype=np.float64)[chain.observed])
        if not len(found):
            return
        places = np.minimum(found / _FINE, len(self.counts) - 1).astype(int)
        part = np.bincount(places)
        self.counts[: len(part)] += part
        self.total += float(found.sum())
        self.squares += float(found @ found)
        self.number += len(found)
        self.least, self.most = min(self.least, found.min()), max(self.most, found.max())

    @property
    def mean(self) -> float:
        return self.total / self.number if self.number else 0.0

    def as_dict(self) -> dict[str, Any]:
        if not self.number:
            return {"pairs": 0}
        middle = int(np.searchsorted(np.cumsum(self.counts), self.number / 2))
        step = round(DISTANCE_STEP / _FINE)
        last = -(-len(np.trim_zeros(self.counts, "b")) // step) * step
        return {
            "pairs": self.number,
            "mean": _number(self.mean),
            "std": _number(np.sqrt(max(0.0, self.squares / self.number - self.mean**2))),
            "median": _number((middle + 0.5) * _FINE),
            "smallest": _number(self.least),
            "largest": _number(self.most),
            "bin_width": DISTANCE_STEP,
            "counts": self.counts[:last].reshape(-1, step).sum(axis=1).tolist(),
        }


def _split(facts: Any) -> dict[str, int]:
    return {
        "chains": len(facts),
        "residues": int(facts["length"].sum()),
        "clusters": int(facts["cluster"].nunique()),
        "groups": int(facts["group"].nunique()),
    }


def _lengths(facts: Any) -> dict[str, Any]:
    length = facts["length"].to_numpy()
    bins = int(length.max()) // LENGTH_STEP + 1
    return {
        "shortest": int(length.min()),
        "median": float(np.median(length)),
        "longest": int(length.max()),
        "bin_width": LENGTH_STEP,
        "counts": {
            split: np.bincount(
                length[(facts["split"] == split).to_numpy()] // LENGTH_STEP, minlength=bins
            ).tolist()
            for split in SPLITS
        },
    }


def _gyration(facts: Any) -> dict[str, Any]:
    observed = np.maximum((facts["length"] - facts["missing"]).to_numpy(), 1)
    ratio = facts["rg"].to_numpy(dtype=float) / np.asarray(expected_gyration(observed))
    return {
        "mean": _number(facts["rg"].mean()),
        "mean_ratio": _number(ratio.mean()),
        "largest_ratio": _number(ratio.max()),
        "bin_width": GYRATION_STEP,
        "counts": np.bincount((ratio / GYRATION_STEP).astype(int)).tolist(),
    }


def _secondary_structure(facts: Any) -> dict[str, float | None]:
    weights = (facts["length"] - facts["missing"]).to_numpy(dtype=float)
    helix, strand = (
        float(np.average(facts[kind].to_numpy(dtype=float), weights=weights))
        for kind in ("helix", "strand")
    )
    return {
        "helix": _number(helix),
        "strand": _number(strand),
        "other": _number(1 - helix - strand),
    }


def _clusters(facts: Any) -> dict[str, int]:
    sizes = facts["cluster"].value_counts()
    return {
        "clusters": len(sizes),
        "alone": int((sizes == 1).sum()),
        "largest_cluster": int(sizes.max()),
        "groups": int(facts["group"].nunique()),
        "largest_group": int(facts["group"].value_counts().max()),
    }


def _counts(values: Any) -> dict[str, int]:
    counted = Counter(values.tolist())
    return dict(sorted(counted.items(), key=lambda pair: (-pair[1], pair[0]))[:20])


def _for_baselines(facts: Any) -> set[int]:
    """Rows of representatives that baselines are fitted and scored on, the same ones always."""
    chosen: set[int] = set()
    random = np.random.default_rng(0)
    for split, most in (("train", _TRAIN_CHAINS), ("val", _VAL_CHAINS)):
        rows = np.flatnonzero((facts["rep"] & (facts["split"] == split)).to_numpy())
        chosen.update(random.permutation(rows)[:most].tolist())
    return chosen


def _baselines(train: list[Chain], val: list[Chain], mean: float) -> dict[str, Any]:
    """Mean scores on val of predictors that know nothing of the sequence."""
    content: dict[str, Any] = {"fitted_on": len(train), "scored_on": len(val), "scores": {}}
    if not train or not val:
        return content
    table = fit_baseline(train)
    constant = [score_map(np.full((len(c), len(c)), mean), c.ca) for c in val]
    by_separation = [score_map(table.predict(len(c)), c.ca) for c in val]
    content["scores"] = {
        "one distance for all": _mean_scores(constant),
        "separation and length": _mean_scores(by_separation),
    }
    return content


def _mean_scores(scores: Iterable[MapScores]) -> dict[str, float | None]:
    scores = list(scores)
    means = {}
    for score in MAP_SCORES.list_shown("table"):
        if score.costly:
            continue
        values = np.array([each.values[score.key] for each in scores], dtype=float)
        finite = values[np.isfinite(values)]
        means[score.key] = _number(finite.mean()) if len(finite) else None
    return means


def _number(value: Any) -> float | None:
    """Rounded, so that the last bit of a sum doesn't show; None where there is none."""
    return round(float(value), 4) if np.isfinite(value) else None
