"""How good a predicted map or a rebuilt trace is, measured against a known structure."""

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from scipy.spatial.distance import pdist

from distmat.geometry.superposition import superpose
from distmat.geometry.tm_score import tm_and_gdt
from distmat.protein.distance_map import BANDS, CONTACT_CUTOFF, pairwise_distances

LDDT_RADIUS = 15.0
"""lDDT looks at pairs whose true distance is below this (Å; Mariani et al., 2013)."""
LDDT_THRESHOLDS = (0.5, 1.0, 2.0, 4.0)
"""A distance is kept within each of these errors, or not (Å; Mariani et al., 2013)."""
BOND = 3.8
"""Consecutive Cα atoms across a trans peptide bond are this far apart (Å)."""
BOND_TOLERANCE = 0.2
"""A bond is right within this error (Å)."""
CLASH = 3.6
"""Cα atoms of residues three or more apart can't come closer than this (Å; CASP's "bump")."""
_LONG = BANDS["long"][0]


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

    def as_dict(self) -> dict[str, Any]:
        """For JSON: None where a score is undefined."""
        return _plain(asdict(self))


@dataclass(frozen=True)
class MapScores:
    """The quality of one predicted map.

    Parameters
    ----------
    mae, rmse : float
        Mean absolute and root-mean-square error over all observed pairs i < j, Å.
    pearson : float
        Correlation of predicted with true distances over the same pairs.
    lddt : float
        Share of the pairs truly closer than `LDDT_RADIUS` whose distance is kept, averaged
        over `LDDT_THRESHOLDS`; 0 to 1.
    long_precision : float
        P@L: of the L most likely contacts with |i − j| ≥ 24, the share that are in contact.
        L is the number of residues, or the number of such pairs where there are fewer.
    long_precision_ceiling : float
        The best P@L that any prediction could have had: many chains have fewer than L contacts.
    pairs : int
        Observed pairs i < j.
    bands : dict of str to BandScores
        By the names in `distmat.protein.distance_map.BANDS`.
    """

    mae: float
    rmse: float
    pearson: float
    lddt: float
    long_precision: float
    long_precision_ceiling: float
    pairs: int
    bands: dict[str, BandScores]

    def as_dict(self) -> dict[str, Any]:
        """For JSON: None where a score is undefined."""
        return _plain(asdict(self))


@dataclass(frozen=True)
class TraceScores:
    """The quality of one trace.

    Parameters
    ----------
    rmsd : float
        After the best rotation, Å; a mirror image counts as wrong.
    rmsd_mirror_allowed : float
        After the best rotation or reflection, Å: what the distances alone achieve.
    tm : float
        TM-score, maximised over superpositions; 0 to 1, above 0.5 the same fold.
    gdt_ts : float
        Mean over 1, 2, 4 and 8 Å of the largest share of residues that a superposition brings
        within that error; 0 to 1.
    lddt : float
        lDDT-Cα: the share of true neighbourhood distances that are kept; 0 to 1.
    bonds_right : float
        Share of consecutive Cα pairs of the trace at `BOND` ± `BOND_TOLERANCE`.
    clashes : float
        Pairs of the trace with |i − j| ≥ 3 that are closer than `CLASH`, per 100 residues.
    mds_pearson : float
        Correlation of the trace's distances with the true ones.
    residues : int
        Residues that both the trace and the truth have.
    """

    rmsd: float
    rmsd_mirror_allowed: float
    tm: float
    gdt_ts: float
    lddt: float
    bonds_right: float
    clashes: float
    mds_pearson: float
    residues: int

    def as_dict(self) -> dict[str, Any]:
        """For JSON: None where a score is undefined."""
        return _plain(asdict(self))


def score_map(
    distances: np.ndarray, ca: np.ndarray, contacts: np.ndarray | None = None
) -> MapScores:
    """Compare a predicted distance map with a structure.

    Parameters
    ----------
    distances : ndarray, shape=(N, N), dtype=float
        Predicted, Å; only i < j is read, pairs that aren't finite are left out.
    ca : ndarray, shape=(N, 3), dtype=float
        True Cα coordinates, Å; NaN where not observed.
    contacts : ndarray, shape=(N, N), dtype=float, optional
        Probability of contact, by which long-range pairs are ranked; without it the closest
        come first. Pairs that rank alike share their hits.

    Raises
    ------
    ValueError
        If the shapes don't fit together.
    """
    n = len(ca)
    _check_shape(distances, (n, n))
    i, j = np.triu_indices(n, 1)
    predicted, apart = np.asarray(distances)[i, j].astype(np.float64), j - i
    true = pdist(np.asarray(ca, dtype=np.float64))
    rank = -predicted
    if contacts is not None:
        _check_shape(contacts, (n, n))
        rank = np.asarray(contacts)[i, j].astype(np.float64)
    seen = np.isfinite(predicted) & np.isfinite(true)
    far = seen & (apart >= _LONG) & ~np.isnan(rank)
    precision, ceiling = _precision(rank[far], true[far] < CONTACT_CUTOFF, n)
    predicted, true, apart = predicted[seen], true[seen], apart[seen]
    overall = _errors(predicted, true)
    return MapScores(
        mae=overall.mae,
        rmse=overall.rmse,
        pearson=overall.pearson,
        lddt=_kept(predicted, true),
        long_precision=precision,
        long_precision_ceiling=ceiling,
        pairs=overall.pairs,
        bands={name: _errors(*_within(predicted, true, apart, name)) for name in BANDS},
    )


def score_trace(coords: np.ndarray, ca: np.ndarray) -> TraceScores:
    """Compare a trace with a structure, residue by residue.

    Parameters
    ----------
    coords : ndarray, shape=(N, 3), dtype=float
        The trace, Å; in any position.
    ca : ndarray, shape=(N, 3), dtype=float
        True Cα coordinates, Å; NaN where not observed.

    Raises
    ------
    ValueError
        If the two aren't of one shape (N, 3).
    """
    coords, ca = np.asarray(coords, dtype=np.float64), np.asarray(ca, dtype=np.float64)
    proper = superpose(coords, ca)
    common = np.isfinite(coords).all(axis=1) & np.isfinite(ca).all(axis=1)
    trace, truth = coords[common], ca[common]
    rebuilt, true = pdist(trace), pdist(truth)
    length = int(np.isfinite(ca).all(axis=1).sum())
    tm, gdt_ts = tm_and_gdt(trace, truth, length)
    return TraceScores(
        rmsd=proper.rmsd,
        rmsd_mirror_allowed=superpose(coords, ca, allow_mirror=True).rmsd,
        tm=tm,
        gdt_ts=gdt_ts,
        lddt=_kept(rebuilt, true),
        bonds_right=bonds_right(coords),
        clashes=clashes(coords),
        mds_pearson=_pearson(rebuilt, true),
        residues=int(common.sum()),
    )


def per_residue_error(coords_superposed: np.ndarray, ca: np.ndarray) -> np.ndarray:
    """How far each residue of a superposed trace is from where it should be.

    Parameters
    ----------
    coords_superposed, ca : ndarray, shape=(N, 3), dtype=float
        Å, in one frame (see `distmat.geometry.superposition.superpose`).

    Returns
    -------
    ndarray, shape=(N,), dtype=float
        Å; NaN where either isn't observed.
    """
    return np.linalg.norm(np.asarray(coords_superposed, dtype=float) - ca, axis=1)


def bonds_right(coords: np.ndarray) -> float:
    """Share of consecutive Cα pairs at `BOND` ± `BOND_TOLERANCE`; NaN without a pair.

    Parameters
    ----------
    coords : ndarray, shape=(N, 3), dtype=float
        Å; a pair with NaN isn't counted.
    """
    lengths = np.linalg.norm(np.diff(coords, axis=0), axis=1)
    lengths = lengths[np.isfinite(lengths)]
    return _mean(np.abs(lengths - BOND) <= BOND_TOLERANCE)


def clashes(coords: np.ndarray) -> float:
    """Pairs with |i − j| ≥ 3 closer than `CLASH`, per 100 residues; NaN without a residue.

    Parameters
    ----------
    coords : ndarray, shape=(N, 3), dtype=float
        Å; residues with NaN aren't counted.
    """
    residues = int(np.isfinite(coords).all(axis=1).sum())
    close = np.triu(pairwise_distances(coords) < CLASH, 3).sum()
    return 100.0 * float(close) / residues if residues else float("nan")


def _within(
    predicted: np.ndarray, true: np.ndarray, apart: np.ndarray, band: str
) -> tuple[np.ndarray, np.ndarray]:
    first, last = BANDS[band]
    chosen = apart >= first
    if last is not None:
        chosen &= apart <= last
    return predicted[chosen], true[chosen]


def _errors(predicted: np.ndarray, true: np.ndarray) -> BandScores:
    error = predicted - true
    return BandScores(
        mae=_mean(np.abs(error)),
        rmse=float(np.sqrt(_mean(error**2))),
        pearson=_pearson(predicted, true),
        pairs=len(error),
    )


def _kept(predicted: np.ndarray, true: np.ndarray) -> float:
    near = true < LDDT_RADIUS
    error = np.abs(predicted[near] - true[near])
    return float(np.mean([_mean(error <= threshold) for threshold in LDDT_THRESHOLDS]))


def _precision(rank: np.ndarray, contact: np.ndarray, residues: int) -> tuple[float, float]:
    """P@L and its ceiling, from the rank (higher first) and truth of each candidate pair."""
    wanted = min(residues, len(rank))
    if not wanted:
        return float("nan"), float("nan")
    last = np.partition(rank, -wanted)[-wanted]
    above, tied = rank > last, rank == last
    # A table by separation ranks whole diagonals alike: any order among them would be luck.
    hits = contact[above].sum() + (wanted - above.sum()) * contact[tied].mean()
    return float(hits / wanted), float(min(contact.sum(), wanted) / wanted)


def _pearson(predicted: np.ndarray, true: np.ndarray) -> float:
    if len(true) < 2:
        return float("nan")
    predicted, true = predicted - predicted.mean(), true - true.mean()
    spread = np.sqrt((predicted @ predicted) * (true @ true))
    # A constant leaves rounding errors behind, whose correlation means nothing.
    if spread <= 1e-12 * len(true):
        return float("nan")
    return float(np.clip(predicted @ true / spread, -1.0, 1.0))


def _mean(values: np.ndarray) -> float:
    return float(values.mean()) if len(values) else float("nan")


def _check_shape(array: np.ndarray, shape: tuple[int, ...]) -> None:
    if np.shape(array) != shape:
        raise ValueError(f"an array of shape {np.shape(array)} where {shape} is needed")


def _plain(scores: dict[str, Any]) -> dict[str, Any]:
    """The same with None for NaN, all the way down."""
    return {
        name: _plain(value)
        if isinstance(value, dict)
        else (None if isinstance(value, float) and not np.isfinite(value) else value)
        for name, value in scores.items()
    }
