"""Moving a trace until its distances, and its chain, are right.

The objective is a sum over pairs i < j of weight·(distance − target)², to which the chain's
own geometry is added once the fold has formed: starting with it would lock parts of the trace
into their mirror images.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.optimize import minimize

from distmat.geometry.scores import BOND

_BLOCK = 128
"""Rows handled at once, so that the temporary arrays stay in the processor's cache."""
_BOND_SLACK, _BOND_FORCE = 0.1, 10.0
_ANGLE_RANGE, _ANGLE_FORCE = (5.0, 7.3), 5.0
"""Å between residues i and i + 2: the sharpest turn and the straightest strand."""
_CONTACT, _CONTACT_FORCE = 4.0, 2.0
"""Å; Cα atoms three or more apart in the chain are hardly ever closer."""
_HELIX_TRIPLE, _HELIX_FORCE = 0.4, 5.0
"""Triple product of three bonds in units of a bond cubed; a right-handed helix has 0.8."""


@dataclass(frozen=True)
class Targets:
    """What the distances should be.

    Parameters
    ----------
    distances : ndarray, shape=(N, N), dtype=float
        Å; symmetric, anything where the weight is zero.
    weights : ndarray, shape=(N, N), dtype=float
        Å⁻²; symmetric, zero on the diagonal and where the distance isn't known.
    """

    distances: np.ndarray
    weights: np.ndarray


@dataclass(frozen=True)
class Places:
    """Which rows of a trace follow each other.

    Parameters
    ----------
    residue : ndarray, shape=(N,), dtype=int
        Rising places in the chain.
    """

    residue: np.ndarray

    def starts(self, steps: int) -> np.ndarray:
        """Rows after which the next `steps` rows are the next residues; shape=(windows,)."""
        first = np.arange(max(len(self.residue) - steps, 0))
        return first[self.residue[first + steps] - self.residue[first] == steps]


Term = Callable[[np.ndarray, np.ndarray], float]
"""From coordinates (N, 3) to an energy; adds its gradient to the second array."""


def minimized(
    coords: np.ndarray,
    terms: list[Term],
    iterations: int,
    progress: Callable[[float], None] | None = None,
) -> np.ndarray:
    """The coordinates after at most so many iterations of L-BFGS on the sum of the terms.

    Parameters
    ----------
    coords : ndarray, shape=(N, 3), dtype=float
        Å.
    progress : callable, optional
        Called with the share of the iterations that are done.
    """
    done = 0

    def count(_: np.ndarray) -> None:
        nonlocal done
        done += 1
        if progress is not None:
            progress(done / iterations)

    def objective(flat: np.ndarray) -> tuple[float, np.ndarray]:
        points = flat.reshape(-1, 3)
        gradient = np.zeros_like(points)
        energy = sum(term(points, gradient) for term in terms)
        return energy, gradient.ravel()

    result = minimize(
        objective,
        coords.ravel(),
        jac=True,
        method="L-BFGS-B",
        callback=count,
        options={"maxiter": iterations, "maxcor": 10, "ftol": 1e-7, "gtol": 1e-5},
    )
    return result.x.reshape(-1, 3)


def pair_term(targets: Targets, repel: bool = False) -> Term:
    """Weighted stress and, if asked for, what keeps residues from overlapping.

    Both need all distances, so they share them.
    """
    n = len(targets.distances)

    def term(points: np.ndarray, gradient: np.ndarray) -> float:
        square = np.einsum("ix,ix->i", points, points)
        one = np.ones(n)
        left = np.column_stack([-2.0 * points, square, one])
        right = np.column_stack([points, one, square])
        energy = 0.0
        for start in range(0, n, _BLOCK):
            stop = min(start + _BLOCK, n)
            rows, columns = slice(start, stop), slice(start, n)
            length = left[rows] @ right[columns].T
            np.maximum(length, 1e-12, out=length)
            np.sqrt(length, out=length)
            error = length - targets.distances[rows, columns]
            pull = targets.weights[rows, columns] * error
            # Within the diagonal block each pair shows twice, elsewhere once.
            inner = stop - start
            pull[:, :inner] *= 0.5
            energy += np.vdot(pull, error)
            pull /= length
            if repel:
                energy += _repel(length, pull, start)
            gradient[rows] += 2.0 * (
                pull.sum(axis=1)[:, None] * points[rows] - pull @ points[columns]
            )
            gradient[columns] += 2.0 * (
                pull.sum(axis=0)[:, None] * points[columns] - pull.T @ points[rows]
            )
        return float(energy)

    return term


def _repel(length: np.ndarray, pull: np.ndarray, start: int) -> float:
    """Add the repulsion to the pull of a block whose first row and column is `start`."""
    close = np.flatnonzero(length.ravel() < _CONTACT)
    row, column = np.divmod(close, length.shape[1])
    far = np.abs(column - row) >= 3
    close, row, column = close[far], row[far], column[far]
    share = np.where(column < length.shape[0], 0.5, 1.0)
    near = length.ravel()[close]
    depth = _CONTACT - near
    pull.ravel()[close] -= _CONTACT_FORCE * share * depth / near
    return float(_CONTACT_FORCE * (share * depth**2).sum())


def chain_term(places: Places) -> Term:
    """Bonds of 3.8 Å, and angles between them that proteins have."""
    bond, angle = places.starts(1), places.starts(2)

    def term(points: np.ndarray, gradient: np.ndarray) -> float:
        return _interval(
            points, gradient, bond, 1, BOND - _BOND_SLACK, BOND + _BOND_SLACK, _BOND_FORCE
        ) + _interval(points, gradient, angle, 2, *_ANGLE_RANGE, _ANGLE_FORCE)

    return term


def _interval(
    points: np.ndarray,
    gradient: np.ndarray,
    first: np.ndarray,
    steps: int,
    low: float,
    high: float,
    force: float,
) -> float:
    """Force times the squared excess of the distances `steps` apart beyond low…high."""
    vector = points[first + steps] - points[first]
    length = np.maximum(np.sqrt(np.einsum("wx,wx->w", vector, vector)), 1e-6)
    excess = length - np.clip(length, low, high)
    push = (2.0 * force * excess / length)[:, None] * vector
    gradient[first + steps] += push
    gradient[first] -= push
    return float(force * (excess @ excess))


def helix_windows(coords: np.ndarray, places: Places, run: int = 3) -> np.ndarray:
    """First rows of the windows of four residues that are helix-like in either hand.

    Parameters
    ----------
    run : int
        At least so many windows in a row.

    Returns
    -------
    ndarray, shape=(windows,), dtype=int
    """
    first = places.starts(3)
    if not len(first):
        return first
    two = np.linalg.norm(coords[2:] - coords[:-2], axis=1)
    three = np.linalg.norm(coords[first + 3] - coords[first], axis=1)
    like = (
        (three > 4.0)
        & (three < 6.4)
        & (np.abs(two[first] - 5.5) < 0.8)
        & (np.abs(two[first + 1] - 5.5) < 0.8)
    )
    flag = np.zeros(len(coords), dtype=bool)
    flag[first[like]] = True
    edges = np.flatnonzero(np.diff(np.concatenate([[0], flag.view(np.int8), [0]])))
    keep = [np.arange(a, b) for a, b in edges.reshape(-1, 2) if b - a >= run]
    return np.concatenate(keep) if keep else np.empty(0, dtype=int)


def helix_term(window: np.ndarray) -> Term:
    """Turn windows of helices to the right: a hinge on the triple product of their bonds."""

    def term(points: np.ndarray, gradient: np.ndarray) -> float:
        a = points[window + 1] - points[window]
        b = points[window + 2] - points[window + 1]
        c = points[window + 3] - points[window + 2]
        unit = BOND**3
        by_a, by_b, by_c = np.cross(b, c), np.cross(c, a), np.cross(a, b)
        lack = np.minimum(np.einsum("wx,wx->w", a, by_a) / unit - _HELIX_TRIPLE, 0.0)
        push = (2.0 * _HELIX_FORCE * lack / unit)[:, None]
        # Windows overlap, so that a row may be named more than once.
        np.add.at(gradient, window, -push * by_a)
        np.add.at(gradient, window + 1, push * (by_a - by_b))
        np.add.at(gradient, window + 2, push * (by_b - by_c))
        np.add.at(gradient, window + 3, push * by_c)
        return float(_HELIX_FORCE * (lack @ lack))

    return term
