"""A map of anyone's against a structure, and two maps against each other."""

import math
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from distmat.protein.arrays import Coords, PairMask, PairTable
from distmat.protein.distance_map import CONTACT_CUTOFF, pairwise_distances, separation
from distmat.scoring.baseline import reference_baseline
from distmat.scoring.map_scores import (
    MAP_SCORES,
    NON_LOCAL,
    MapScores,
    correlation,
    mean,
    plain,
    score_map,
)
from distmat.scoring.verdict import Verdict, judge

LIKELY = 0.5
"""Probability from which a map is taken to say that two residues are in contact."""

BETA_BASELINE = (
    "Its table is of Cα distances: on 437 known chains it is off by 7.29 Å from these and by "
    "7.37 Å from distances of Cβ."
)
"""By ``benchmarks/beta_baseline.py``."""

_FAR = 1e3
"""Å: where a pair stands in a ranking by distance whose distance isn't known but to be long."""


@dataclass(frozen=True)
class StructureComparison:
    """A map measured against a structure, and what knowing only the separation would have scored.

    Parameters
    ----------
    model, baseline : MapScores
        Distances over the pairs whose distance the map tells, contacts over all pairs of it; of a
        map of contacts alone there are scores of contacts alone. The baseline on the same pairs.
    beyond : int
        Observed pairs that the map only calls `farthest` or longer.
    beyond_right : float
        Share of these that are; NaN without one.
    farthest : float
        Å.
    """

    model: MapScores
    baseline: MapScores
    beyond: int = 0
    beyond_right: float = math.nan
    farthest: float = math.nan

    @property
    def verdict(self) -> Verdict:
        """Whether the distances are better than what knowing nothing gives."""
        return judge(self.model.values.get("mae"), self.baseline.values.get("mae"))

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        beyond = {"pairs": self.beyond, "right": self.beyond_right, "from": self.farthest}
        return {
            "verdict": self.verdict.as_dict(),
            "model": self.model.as_dict(),
            "baseline": self.baseline.as_dict(),
            "beyond": plain(beyond),
        }


@dataclass(frozen=True)
class MapDifference:
    """Two maps of one chain against each other.

    Parameters
    ----------
    pairs : int
        Pairs i < j whose distance both tell.
    mean, mae, rmse : float
        Of first − second over these, Å.
    pearson : float
    both, only_first, only_second : int
        Contacts with |i − j| ≥ 6 that both name, and that one names alone.
    """

    pairs: int
    mean: float
    mae: float
    rmse: float
    pearson: float
    both: int
    only_first: int
    only_second: int

    @property
    def shared(self) -> float:
        """Share of the contacts that either names which both name; NaN without one."""
        either = self.both + self.only_first + self.only_second
        return self.both / either if either else math.nan

    def as_dict(self) -> dict[str, Any]:
        """For JSON: None where a number is undefined."""
        contacts = {
            "both": self.both,
            "only_first": self.only_first,
            "only_second": self.only_second,
            "shared": self.shared,
        }
        numbers = {
            "pairs": self.pairs,
            "mean": self.mean,
            "mae": self.mae,
            "rmse": self.rmse,
            "pearson": self.pearson,
        }
        return plain(numbers) | {"contacts": plain(contacts)}


def compare_with_structure(
    coords: Coords,
    distances: PairTable | None = None,
    contacts: PairTable | None = None,
    beyond: PairMask | None = None,
    farthest: float = math.nan,
) -> StructureComparison:
    """Score a map of distances, of contacts, or of both.

    Parameters
    ----------
    coords : ndarray, shape=(N, 3), dtype=float
        Of the atoms that the map speaks of, Å; NaN where not observed.
    distances : ndarray, shape=(N, N), dtype=float, optional
        Å; NaN where not known.
    contacts : ndarray, shape=(N, N), dtype=float, optional
        Probabilities, or scores that rank; pairs that aren't told come last.
    beyond : ndarray, shape=(N, N), dtype=bool, optional
        Pairs only known to be `farthest` or longer.
    farthest : float
        Å.

    Notes
    -----
    The baseline's table is of Cα distances and serves for maps of Cβ, too: see `BETA_BASELINE`.
    """
    n = len(coords)
    table = reference_baseline().predict(n)
    told = np.full((n, n), np.nan) if distances is None else distances
    model = score_map(told, coords)
    baseline = score_map(np.where(np.isfinite(told), table, np.nan), coords)
    likely = None
    if contacts is not None:
        least = float(np.nanmin(contacts, initial=0.0))
        likely = np.where(np.isfinite(contacts), contacts, least - 1.0 if least < 0 else 0.0)
    # Whatever isn't told is no near pair; where there are probabilities they alone rank.
    ranked = score_map(np.where(np.isfinite(told), told, _FAR), coords, likely)
    ranked_baseline = score_map(table, coords)
    open_pairs, right = _beyond(coords, beyond, farthest)
    return StructureComparison(
        _merge(model, ranked, distances is None),
        _merge(baseline, ranked_baseline, distances is None),
        open_pairs,
        right,
        farthest,
    )


def _merge(distances: MapScores, ranking: MapScores, contacts_alone: bool) -> MapScores:
    """Scores of distances from one, of contacts from the other."""
    values = {
        score.key: (ranking if score.of_contacts else distances).values[score.key]
        for score in MAP_SCORES
        if score.key in distances.values and (score.of_contacts or not contacts_alone)
    }
    return replace(
        distances,
        values=values,
        pairs=ranking.pairs if contacts_alone else distances.pairs,
        bands={} if contacts_alone else distances.bands,
    )


def _beyond(coords: np.ndarray, beyond: np.ndarray | None, farthest: float) -> tuple[int, float]:
    if beyond is None:
        return 0, math.nan
    true = pairwise_distances(coords)
    seen = np.triu(beyond & np.isfinite(true), 1)
    return int(seen.sum()), mean(true[seen] >= farthest)


def compare_maps(
    first: tuple[np.ndarray | None, np.ndarray | None],
    second: tuple[np.ndarray | None, np.ndarray | None],
) -> MapDifference:
    """Compare two maps of one chain.

    Parameters
    ----------
    first, second : tuple of ndarray, shape=(N, N), dtype=float, or None
        Distances in Å, NaN where not known, and probabilities of contact.
    """
    difference, ours, theirs = np.zeros(0), np.zeros(0), np.zeros(0)
    if first[0] is not None and second[0] is not None:
        upper = np.triu_indices(len(first[0]), 1)
        ours, theirs = first[0][upper], second[0][upper]
        seen = np.isfinite(ours) & np.isfinite(theirs)
        ours, theirs = ours[seen], theirs[seen]
        difference = ours - theirs
    a, b = (find_named_contacts(*one) for one in (first, second))
    return MapDifference(
        pairs=len(difference),
        mean=mean(difference),
        mae=mean(np.abs(difference)),
        rmse=math.sqrt(mean(difference**2)),
        pearson=correlation(ours, theirs),
        both=int((a & b).sum()),
        only_first=int((a & ~b).sum()),
        only_second=int((b & ~a).sum()),
    )


def find_named_contacts(distances: np.ndarray | None, contacts: np.ndarray | None) -> PairMask:
    """Pairs i < j with |i − j| ≥ 6 that a map calls contacts; shape=(N, N), dtype=bool.

    By its probabilities where it has them, else by its distances.
    """
    table = contacts if contacts is not None else distances
    if table is None:
        raise ValueError("neither distances nor contacts")
    with np.errstate(invalid="ignore"):
        near = table >= LIKELY if contacts is not None else table < CONTACT_CUTOFF
    return np.triu(near & (separation(len(table)) >= NON_LOCAL))
