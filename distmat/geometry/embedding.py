"""Classical multidimensional scaling: points from a complete distance map (Torgerson, 1952)."""

from dataclasses import dataclass

import numpy as np
from scipy.linalg import eigh
from scipy.sparse.linalg import eigsh

from distmat.protein.arrays import Coords, PairTable

EXACT_SHARE = 0.999
"""From this share of the eigenvalues on, three dimensions hold the whole map."""
_SMALL = 64
"""Up to so many points a direct solver is faster than an iterative one."""
_GUARD = 3
"""Extra columns of the trial subspace, which make it certain to cover the map's own three."""


@dataclass(frozen=True)
class Embedding:
    """Points whose distances are as close to a map's as classical scaling gets.

    Parameters
    ----------
    coords : ndarray, shape=(N, 3), dtype=float
        Å, centred, along their own principal axes; in an arbitrary hand.
    eigenvalue_share : float
        The top three eigenvalues' part of the sum of all absolute eigenvalues: 1 if the map
        is one of points in space.
    """

    coords: Coords
    eigenvalue_share: float

    @property
    def exact(self) -> bool:
        """Whether the map is, for practical purposes, one of points in space."""
        return self.eigenvalue_share > EXACT_SHARE


def embed(distances: PairTable) -> Embedding:
    """Embed a complete distance map in three dimensions.

    Parameters
    ----------
    distances : ndarray, shape=(N, N), dtype=float
        Å; symmetric, finite, zero on the diagonal.

    Returns
    -------
    Embedding
        Planar and collinear maps have zeros in their last columns.
    """
    gram = gram_matrix(distances)
    if not gram.any():
        # All points in one place: no solver finds a direction in that.
        return Embedding(np.zeros((len(gram), 3)), 0.0)
    values, vectors, share = _exact_pairs(gram)
    if share is None:
        values, vectors = _top_three(gram)
        share = _share(values, gram)
    return Embedding(points_of(values, vectors), share)


def points_of(values: np.ndarray, vectors: np.ndarray) -> np.ndarray:
    """Points from eigenpairs of a `gram_matrix`; shape=(N, D) as of the vectors, Å.

    The largest coordinate of each axis is positive, so that no solver's sign shows.
    """
    points: np.ndarray = vectors * np.sqrt(np.maximum(values, 0.0))
    largest = points[np.abs(points).argmax(axis=0), np.arange(points.shape[1])]
    points *= np.where(largest < 0, -1.0, 1.0)
    return points


def gram_matrix(distances: PairTable) -> PairTable:
    """Scalar products of the centred points: squared distances, centred both ways, times −½."""
    gram = distances**2
    mean = gram.mean(axis=0)
    gram -= mean
    gram -= (mean - mean.mean())[:, None]
    gram *= -0.5
    return gram


def _exact_pairs(gram: np.ndarray) -> tuple[np.ndarray, np.ndarray, float | None]:
    """The top eigenpairs of a matrix of rank three; a share of None if it isn't one.

    Such a matrix maps any few vectors into its own range (a randomised range finder, Halko et
    al., 2011, here with fixed vectors), so two thin products do what a solver needs many for.
    """
    n = len(gram)
    columns = min(n, 3 + _GUARD)
    trial = np.cos(np.outer(np.arange(1, n + 1), np.sqrt([2.0, 3.0, 5.0, 7.0, 11.0, 13.0])))
    basis, _ = np.linalg.qr(gram @ trial[:, :columns])
    values, turned = np.linalg.eigh(basis.T @ (gram @ basis))
    vectors = basis @ turned
    values, vectors = _pad(values[::-1], vectors[:, ::-1])
    total = np.vdot(gram, gram)
    rest = max(float(total - values @ values), 0.0)
    # n − 3 values with this sum of squares have at most this sum (Cauchy and Schwarz).
    bound = np.sqrt(rest * max(n - 3, 0))
    top = float(np.maximum(values, 0.0).sum())
    if top > 0 and top > EXACT_SHARE * (top + bound):
        return values, vectors, top / (top + bound)
    return values, vectors, None


def _top_three(gram: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    n = len(gram)
    if n <= _SMALL:
        values, vectors = eigh(gram, subset_by_index=(max(n - 3, 0), n - 1))
    else:
        # Any fixed start that isn't the constant vector, which centring took away.
        values, vectors = eigsh(gram, k=3, which="LA", v0=np.cos(np.arange(1.0, n + 1)))
    order = np.argsort(-values)
    return _pad(values[order], vectors[:, order])


def _pad(values: np.ndarray, vectors: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The first three eigenpairs, with zeros where there are fewer."""
    lacking = max(3 - len(values), 0)
    return (
        np.pad(values, (0, lacking))[:3],
        np.pad(vectors, ((0, 0), (0, lacking)))[:, :3],
    )


def _share(values: np.ndarray, gram: np.ndarray) -> float:
    total = float(np.abs(np.linalg.eigvalsh(gram)).sum())
    return float(np.maximum(values, 0.0).sum()) / total if total > 0 else 0.0
