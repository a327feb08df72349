"""Known chains laid on a query by an alignment, and what copying them would give."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from distmat.library.profiles import residue_codes
from distmat.protein.chain import Chain
from distmat.protein.distance_map import pairwise_distances

MOST_TEMPLATES = 4
"""Laid on a query at the most."""


@dataclass(frozen=True)
class Hit:
    """An alignment of a query with a known chain.

    Parameters
    ----------
    target : int
        Place of the known chain in its library.
    e_value : float
        Alignments as good that chance alone would find in the library.
    query_start, target_start : int
        First aligned residues, counted from 0.
    path : str
        Columns, as ``12M3I4M1D``: M both, I the query alone, D the known chain alone.
    """

    target: int
    e_value: float
    query_start: int
    target_start: int
    path: str

    def places(self, length: int) -> np.ndarray:
        """For each of the query's residues its counterpart's place, −1 where it has none.

        Parameters
        ----------
        length : int
            Residues of the query.

        Returns
        -------
        ndarray, shape=(length,), dtype=int
        """
        place = np.full(length, -1)
        q, t = self.query_start, self.target_start
        for count, kind in re.findall(r"(\d+)([MID])", self.path):
            n = int(count)
            if kind == "M":
                place[q : q + n] = np.arange(t, t + n)
            q += n if kind in "MI" else 0
            t += n if kind in "MD" else 0
        return place

    def find_identity(self, sequence: str, known: str) -> float:
        """Share of the aligned residues of query and known chain that are equal."""
        place = self.places(len(sequence))
        return _share_of_equals(residue_codes(sequence), residue_codes(known), place)


@dataclass(frozen=True)
class Template:
    """A known chain on a query's residues.

    Parameters
    ----------
    name : str
        Of the known chain.
    ca : ndarray, shape=(N, 3), dtype=float32
        Å; NaN where the query's residue has no counterpart, or that was not observed.
    place : ndarray, shape=(N,), dtype=int
        Index of each residue's counterpart in the known chain; −1 where it has none.
    confidence : ndarray, shape=(N,), dtype=float32
        Probability that the counterpart is the right one; 0 where there is none.
    e_value : float
    identity : float
        Share of the aligned residues that are equal.
    """

    name: str
    ca: np.ndarray
    place: np.ndarray
    confidence: np.ndarray
    e_value: float
    identity: float

    @property
    def coverage(self) -> float:
        """Share of the query's residues that are aligned."""
        return float(np.mean(self.place >= 0))

    @property
    def mean_confidence(self) -> float:
        """How likely an aligned residue has the right counterpart, over all that have one."""
        return float(np.mean(self.confidence[self.place >= 0]))

    @property
    def span(self) -> tuple[int, int]:
        """First and last aligned residue of the query, counted from 0."""
        aligned = np.flatnonzero(self.place >= 0)
        return int(aligned[0]), int(aligned[-1])

    def as_dict(self) -> dict:
        """For JSON; residues counted from 1."""
        first, last = self.span
        return {
            "id": self.name,
            "e_value": self.e_value,
            "identity": round(self.identity, 4),
            "coverage": round(self.coverage, 4),
            "confidence": round(self.mean_confidence, 4),
            "first_residue": first + 1,
            "last_residue": last + 1,
        }

    @property
    def distances(self) -> np.ndarray:
        """Å; shape=(N, N), NaN where either residue has no counterpart."""
        return pairwise_distances(self.ca)


def lay(
    sequence: str,
    known: Chain,
    place: np.ndarray,
    e_value: float,
    confidence: np.ndarray | None = None,
) -> Template:
    """A known chain on a query.

    Parameters
    ----------
    sequence : str
        The query; length N.
    known : Chain
    place : ndarray, shape=(N,), dtype=int
        As `Hit.places` gives it.
    e_value : float
    confidence : ndarray, shape=(N,), dtype=float32, optional
        Of each counterpart; all are certain if not given.
    """
    covered = place >= 0
    ca = np.full((len(sequence), 3), np.nan, dtype=np.float32)
    ca[covered] = known.ca[place[covered]]
    if confidence is None:
        confidence = covered.astype(np.float32)
    own, other = residue_codes(sequence), residue_codes(known.sequence)
    identity = _share_of_equals(own, other, place)
    return Template(known.name, ca, place, confidence, e_value, identity)


def _share_of_equals(own: np.ndarray, other: np.ndarray, place: np.ndarray) -> float:
    """Of two chains' residue codes, among those that `place` aligns."""
    covered = place >= 0
    return float(np.mean(own[covered] == other[place[covered]])) if covered.any() else 0.0


def copy_nearest(templates: Sequence[Template], otherwise: np.ndarray) -> np.ndarray:
    """The distances of the surest template, and others where it says nothing.

    What a model is to beat that has been shown templates: a null that knows no more than where
    to look.

    Parameters
    ----------
    templates : sequence of Template
        The surest first.
    otherwise : ndarray, shape=(N, N)
        Å; that of knowing only the separation, say.

    Returns
    -------
    ndarray, shape=(N, N)
        Å.
    """
    copied = otherwise.copy()
    for template in templates[:1]:
        distances = template.distances
        known = np.isfinite(distances)
        copied[known] = distances[known]
    return copied


def share_of_pairs(templates: Sequence[Template]) -> float:
    """Share of a query's pairs of residues of which any of the templates tells, 0 to 1."""
    if not templates:
        return 0.0
    seen = np.stack([np.isfinite(each.ca).all(axis=1) for each in templates[:MOST_TEMPLATES]])
    both = seen.T.astype(np.float32) @ seen
    return float(np.mean(both > 0))
