"""Known chains laid on a query by an alignment, and what copying them would give."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from distmat.library.blosum import likeness
from distmat.library.profiles import residue_codes
from distmat.protein.chain import Chain
from distmat.protein.distance_map import pairwise_distances

MOST_TEMPLATES = 4
"""Laid on a query at the most."""

_AROUND = 9
"""Residues over which likeness is averaged."""


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
    match : ndarray, shape=(N,), dtype=float32
        How alike the residues around are, from 0 to 1; see `likeness`.
    e_value : float
    identity : float
        Share of the aligned residues that are equal.
    """

    name: str
    ca: np.ndarray
    place: np.ndarray
    match: np.ndarray
    e_value: float
    identity: float

    @property
    def coverage(self) -> float:
        """Share of the query's residues that are aligned."""
        return float(np.mean(self.place >= 0))

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
            "first_residue": first + 1,
            "last_residue": last + 1,
        }

    @property
    def distances(self) -> np.ndarray:
        """Å; shape=(N, N), NaN where either residue has no counterpart."""
        return pairwise_distances(self.ca)


def lay(sequence: str, known: Chain, place: np.ndarray, e_value: float) -> Template:
    """A known chain on a query.

    Parameters
    ----------
    sequence : str
        The query; length N.
    known : Chain
    place : ndarray, shape=(N,), dtype=int
        As `Hit.places` gives it.
    e_value : float
    """
    covered = place >= 0
    ca = np.full((len(sequence), 3), np.nan, dtype=np.float32)
    ca[covered] = known.ca[place[covered]]
    from scipy.ndimage import uniform_filter1d

    own = residue_codes(sequence)[covered]
    other = residue_codes(known.sequence)[place[covered]]
    match = np.zeros(len(sequence))
    match[covered] = likeness()[own, other]
    total = uniform_filter1d(match, _AROUND, mode="constant")
    counted = uniform_filter1d(covered.astype(float), _AROUND, mode="constant")
    smooth = np.where(covered, total / np.maximum(counted, 1e-9), 0.0).astype(np.float32)
    identity = float(np.mean(own == other)) if len(own) else 0.0
    return Template(known.name, ca, place, smooth, e_value, identity)


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
