"""How good a predicted map is, measured against a known structure."""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Self

import numpy as np
import numpy.typing as npt
from scipy.spatial.distance import pdist

from distmat.geometry.embedding import embed
from distmat.protein.distance_map import BANDS, CONTACT_CUTOFF
from distmat.scoring.registry import Registry, Score

Array = npt.NDArray[np.float64]

LDDT_RADIUS = 15.0
"""lDDT looks at pairs whose true distance is below this (Å; Mariani et al., 2013)."""
LDDT_THRESHOLDS = (0.5, 1.0, 2.0, 4.0)
"""A distance is kept within each of these errors, or not (Å; Mariani et al., 2013)."""
LONG = BANDS["long"][0]
"""Separation from which a contact is long-range."""
NON_LOCAL = BANDS["short"][0]
"""Separation from which a contact says anything beyond the helix or turn it lies in."""


@dataclass(frozen=True)
class Pairs:
    """The pairs i < j of one chain whose distance is both predicted and observed.

    Parameters
    ----------
    predicted, true : ndarray, shape=(P,), dtype=float
        Å.
    apart : ndarray, shape=(P,), dtype=int
        Separation.
    rank : ndarray, shape=(P,), dtype=float
        The higher, the likelier a contact; NaN where the predictor doesn't say.
    distances : ndarray, shape=(N, N), dtype=float
        The whole predicted map, Å.
    ca : ndarray, shape=(N, 3), dtype=float
        The structure, Å.
    """

    predicted: Array
    true: Array
    apart: npt.NDArray[np.int64]
    rank: Array
    distances: Array
    ca: Array

    @property
    def residues(self) -> int:
        """Residues of the chain, observed or not."""
        return len(self.ca)

    def candidates(self, first: int) -> tuple[Array, npt.NDArray[np.bool_]]:
        """Rank, and whether it is a contact, of each ranked pair from that separation on."""
        far = (self.apart >= first) & ~np.isnan(self.rank)
        return self.rank[far], self.true[far] < CONTACT_CUTOFF


@dataclass(frozen=True)
class BandScores:
    """The errors of a map over the pairs of one band of separations.

    Parameters
    ----------
    mae, rmse : float
        Mean absolute and root-mean-square error, Å; NaN without a pair.
    pearson : float
        Correlation of predicted with true distances; NaN where either is constant.
    pairs : int
        Observed pairs i < j.
    """

    mae: float
    rmse: float
    pearson: float
    pairs: int

    @classmethod
    def from_dict(cls, content: Mapping[str, Any]) -> Self:
        """What `as_dict` gave."""
        known: dict[str, Any] = {k: float("nan") if v is None else v for k, v in content.items()}
        return cls(**known)

    def as_dict(self) -> dict[str, Any]:
        """For JSON: None where a score is undefined."""
        return plain(asdict(self))


@dataclass(frozen=True)
class MapScores:
    """The quality of one predicted map; each score is an attribute, too: ``scores.mae``.

    Parameters
    ----------
    values : mapping of str to float
        By the keys of `MAP_SCORES`; NaN where a score is undefined.
    pairs : int
        Observed pairs i < j.
    bands : dict of str to BandScores
        By the names in `distmat.protein.distance_map.BANDS`.
    """

    values: Mapping[str, float]
    pairs: int
    bands: dict[str, BandScores]

    def __getattr__(self, key: str) -> float:
        if key.startswith("_") or key == "values" or key not in self.values:
            raise AttributeError(f"there is no score {key!r} of a map")
        return self.values[key]

    @classmethod
    def from_dict(cls, content: Mapping[str, Any]) -> Self:
        """What `as_dict` gave."""
        values = {
            key: float("nan") if value is None else float(value)
            for key, value in content.items()
            if key not in ("pairs", "bands")
        }
        bands = {name: BandScores.from_dict(band) for name, band in content["bands"].items()}
        return cls(values, int(content["pairs"]), bands)

    def as_dict(self) -> dict[str, Any]:
        """For JSON: None where a score is undefined."""
        bands = {name: band.as_dict() for name, band in self.bands.items()}
        return plain(dict(self.values)) | {"pairs": self.pairs, "bands": bands}


def score_map(
    distances: npt.ArrayLike,
    ca: npt.ArrayLike,
    contacts: npt.ArrayLike | None = None,
    costly: bool = False,
) -> MapScores:
    """Compare a predicted distance map with a structure.

    Parameters
    ----------
    distances : ndarray, shape=(N, N), dtype=float
        Predicted, Å; only i < j is read, pairs that aren't finite are left out.
    ca : ndarray, shape=(N, 3), dtype=float
        True Cα coordinates, Å; NaN where not observed.
    contacts : ndarray, shape=(N, N), dtype=float, optional
        Probability of contact, by which pairs are ranked; without it the closest come first.
        Pairs that rank alike share their hits.
    costly : bool
        Also the scores that take longer than the others together.

    Raises
    ------
    ValueError
        If the shapes don't fit together.
    """
    pairs = pairs_of_map(distances, ca, contacts)
    return MapScores(
        MAP_SCORES.compute(pairs, costly),
        len(pairs.true),
        {name: _band_scores(pairs, name) for name in BANDS},
    )


def pairs_of_map(
    distances: npt.ArrayLike, ca: npt.ArrayLike, contacts: npt.ArrayLike | None = None
) -> Pairs:
    """What the scores of a map are computed from; see `score_map`."""
    truth = np.asarray(ca, dtype=np.float64)
    table = np.asarray(distances, dtype=np.float64)
    n = len(truth)
    _check_shape(table, (n, n))
    i, j = np.triu_indices(n, 1)
    predicted, true = table[i, j], pdist(truth)
    rank = -predicted
    if contacts is not None:
        likely = np.asarray(contacts, dtype=np.float64)
        _check_shape(likely, (n, n))
        rank = likely[i, j]
    seen = np.isfinite(predicted) & np.isfinite(true)
    return Pairs(predicted[seen], true[seen], (j - i)[seen], rank[seen], table, truth)


def precision(rank: Array, contact: npt.NDArray[np.bool_], wanted: int) -> float:
    """Share of contacts among the `wanted` candidates that rank highest; NaN without one.

    Parameters
    ----------
    rank : ndarray, shape=(C,), dtype=float
        Finite, or infinite.
    contact : ndarray, shape=(C,), dtype=bool
    wanted : int
        All candidates where there are fewer.
    """
    wanted = min(wanted, len(rank))
    if wanted < 1:
        return math.nan
    last = np.partition(rank, -wanted)[-wanted]
    above, tied = rank > last, rank == last
    # A table by separation ranks whole diagonals alike: any order among them would be luck.
    hits = contact[above].sum() + (wanted - above.sum()) * contact[tied].mean()
    return float(hits / wanted)


def correlation(predicted: Array, true: Array) -> float:
    """Pearson's r; NaN where either is constant, or there is but one value."""
    if len(true) < 2:
        return math.nan
    predicted, true = predicted - predicted.mean(), true - true.mean()
    spread = np.sqrt((predicted @ predicted) * (true @ true))
    # A constant leaves rounding errors behind, whose correlation means nothing.
    if spread <= 1e-12 * len(true):
        return math.nan
    return float(np.clip(predicted @ true / spread, -1.0, 1.0))


def lddt(predicted: Array, true: Array) -> float:
    """Share of the pairs truly closer than `LDDT_RADIUS` whose distance is kept, averaged over
    `LDDT_THRESHOLDS` (Mariani et al., 2013); NaN without such a pair.
    """
    near = true < LDDT_RADIUS
    error = np.abs(predicted[near] - true[near])
    return float(np.mean([mean(error <= threshold) for threshold in LDDT_THRESHOLDS]))


def mean(values: npt.NDArray[Any]) -> float:
    """The mean; NaN without a value."""
    return float(values.mean()) if len(values) else math.nan


def plain(scores: Mapping[str, Any]) -> dict[str, Any]:
    """The same with None for what isn't finite, for JSON."""
    return {
        name: None if isinstance(value, float) and not math.isfinite(value) else value
        for name, value in scores.items()
    }


def _mae(pairs: Pairs) -> float:
    return mean(np.abs(pairs.predicted - pairs.true))


def _rmse(pairs: Pairs) -> float:
    return math.sqrt(mean((pairs.predicted - pairs.true) ** 2))


def _top_precision(pairs: Pairs, divisor: int) -> float:
    rank, contact = pairs.candidates(LONG)
    return precision(rank, contact, max(1, pairs.residues // divisor))


def _ceiling(pairs: Pairs) -> float:
    _, contact = pairs.candidates(LONG)
    # Ranked by the truth: as good as any prediction could be.
    return precision(contact.astype(np.float64), contact, pairs.residues)


def _r_precision(pairs: Pairs) -> float:
    rank, contact = pairs.candidates(NON_LOCAL)
    return precision(rank, contact, int(contact.sum()))


def _contact_auc(pairs: Pairs) -> float:
    """Mann and Whitney's U over all pairs of a contact and none; ties count one half."""
    rank, contact = pairs.candidates(NON_LOCAL)
    positive = int(contact.sum())
    negative = len(contact) - positive
    if not positive or not negative:
        return math.nan
    from scipy.stats import rankdata

    above = rankdata(rank)[contact].sum() - positive * (positive + 1) / 2
    return float(above / (positive * negative))


def _mds_pearson(pairs: Pairs) -> float:
    if not np.isfinite(pairs.distances).all() or not len(pairs.true):
        return math.nan
    points = embed(pairs.distances).coords
    apart, true = pdist(points), pdist(pairs.ca)
    seen = np.isfinite(apart) & np.isfinite(true)
    return correlation(apart[seen], true[seen])


MAP_SCORES: Registry[Pairs] = Registry(
    Score(
        "mae",
        "MAE",
        "Distance MAE",
        "距离 MAE",
        _mae,
        unit="Å",
        higher_is_better=False,
        digits=2,
        places=("headline", "table", "metric", "monitor"),
        meaning="Mean absolute error over all observed pairs.",
    ),
    Score(
        "rmse",
        "RMSE",
        "Distance RMSE",
        "距离 RMSE",
        _rmse,
        unit="Å",
        higher_is_better=False,
        digits=2,
        places=("table", "metric", "monitor"),
        meaning="Root-mean-square error over all observed pairs.",
    ),
    Score(
        "pearson",
        "r",
        "Correlation r",
        "相关系数 r",
        lambda pairs: correlation(pairs.predicted, pairs.true),
        places=("headline", "table", "metric", "monitor"),
        meaning="Pearson correlation of predicted with true distances.",
    ),
    Score(
        "lddt",
        "lDDT",
        "Distance lDDT",
        "距离 lDDT",
        lambda pairs: lddt(pairs.predicted, pairs.true),
        places=("headline", "table", "metric", "monitor"),
        meaning="Share of distances below 15 Å that are kept within 0.5, 1, 2 and 4 Å, averaged.",
    ),
    Score(
        "long_precision",
        "long P@L",
        "Long-range P@L",
        "长程接触精度 P@L",
        lambda pairs: _top_precision(pairs, 1),
        places=("table", "metric", "monitor"),
        meaning="Of the L likeliest contacts with |i − j| ≥ 24 of a chain of L residues, the share "
        "that are contacts.",
        ceiling="long_precision_ceiling",
        of_contacts=True,
    ),
    Score(
        "long_precision_ceiling",
        "long P@L at best",
        "Long-range P@L at best",
        "长程接触精度 P@L 上限",
        _ceiling,
        places=(),
        meaning="The P@L that a perfect prediction has: many chains have fewer than L contacts.",
        of_contacts=True,
    ),
    Score(
        "long_precision_l2",
        "long P@L/2",
        "Long-range P@L/2",
        "长程接触精度 P@L/2",
        lambda pairs: _top_precision(pairs, 2),
        meaning="As P@L, of the L/2 likeliest.",
        of_contacts=True,
    ),
    Score(
        "long_precision_l5",
        "long P@L/5",
        "Long-range P@L/5",
        "长程接触精度 P@L/5",
        lambda pairs: _top_precision(pairs, 5),
        meaning="As P@L, of the L/5 likeliest.",
        of_contacts=True,
    ),
    Score(
        "r_precision",
        "R-precision",
        "R-precision of contacts",
        "接触 R-precision",
        _r_precision,
        meaning="Of as many of the likeliest contacts with |i − j| ≥ 6 as there truly are, the "
        "share that are contacts.",
        of_contacts=True,
    ),
    Score(
        "contact_auc",
        "contact AUC",
        "AUC of contacts",
        "接触 AUC",
        _contact_auc,
        meaning="How often a contact ranks above a pair that is none, |i − j| ≥ 6; 0.5 is chance.",
        of_contacts=True,
    ),
    Score(
        "mds_pearson",
        "MDS r",
        "MDS: correlation with the true distances",
        "MDS 重建：与真实距离的相关系数",
        _mds_pearson,
        meaning="Correlation of the true distances with those of the points that classical "
        "scaling makes of the map.",
        costly=True,
    ),
)
"""The scores of a map, in the order in which they are shown."""


def _band_scores(pairs: Pairs, band: str) -> BandScores:
    first, last = BANDS[band]
    chosen = pairs.apart >= first
    if last is not None:
        chosen &= pairs.apart <= last
    predicted, true = pairs.predicted[chosen], pairs.true[chosen]
    error = predicted - true
    return BandScores(
        mae=mean(np.abs(error)),
        rmse=math.sqrt(mean(error**2)),
        pearson=correlation(predicted, true),
        pairs=len(error),
    )


def _check_shape(array: npt.NDArray[Any], shape: tuple[int, ...]) -> None:
    if np.shape(array) != shape:
        raise ValueError(f"an array of shape {np.shape(array)} where {shape} is needed")
