"""Moving a trace until its distances, and its chain, are right.

The objective is a sum over pairs i < j of weight·(distance − target)², to which the chain's
own geometry is added once the fold has formed: starting with it would lock parts of the trace
into their mirror images.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.optimize import minimize
from scipy.spatial import cKDTree
from scipy.spatial.distance import cdist

from distmat.geometry.scores import BOND

_BLOCK = 128
"""Rows handled at once, so that the temporary arrays stay in the processor's cache."""
_BOND_SLACK = 0.1
_ANGLE_RANGE = (5.0, 7.3)
"""Å between residues i and i + 2: the sharpest turn and the straightest strand."""
_CONTACT = 4.0
"""Å; Cα atoms three or more apart in the chain are hardly ever closer."""
_CONTACT_REACH = 7.0
"""Å; while a trace settles, nothing that starts further apart comes into contact."""
_HELIX_TRIPLE = 0.4
"""Triple product of three bonds in units of a bond cubed; a right-handed helix has 0.8."""
_LEAST_VARIANCE = 0.05
"""Å²; no distance is trusted more than this."""
_STRETCH = 30
"""Iterations after which the last digits are dropped and the minimisation begins anew."""
_LOG_CHI2 = -1.27
"""Mean of the logarithm of the square of a standard normal variable."""
_ENOUGH_PAIRS = 30
_PAIRS_FOR_FIT = 40_000
"""More don't make the few coefficients of the variance any surer."""


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
        Å. What comes back is rounded by `without_last_digits`.
    progress : callable, optional
        Called with the share of the iterations that are done.
    """
    done = 0

    def objective(flat: np.ndarray) -> tuple[float, np.ndarray]:
        points = flat.reshape(coords.shape)
        gradient = np.zeros_like(points)
        energy = sum(term(points, gradient) for term in terms)
        return energy, gradient.ravel()

    def count(_: np.ndarray) -> None:
        nonlocal done
        done += 1
        if progress is not None:
            progress(done / iterations)

    while done < iterations:
        stretch = min(_STRETCH, iterations - done)
        result = minimize(
            objective,
            coords.ravel(),
            jac=True,
            method="L-BFGS-B",
            callback=count,
            options={"maxiter": stretch, "maxcor": 10, "ftol": 1e-7, "gtol": 1e-5},
        )
        coords = without_last_digits(result.x.reshape(coords.shape))
        if result.success:
            break
    return coords


def without_last_digits(coords: np.ndarray) -> np.ndarray:
    """Coordinates to 0.0001 Å.

    Processors and libraries round differently. A minimisation makes the difference larger at
    every iteration, until the same map would give visibly different traces.
    """
    return np.round(coords, 4)


def error_variance(coords: np.ndarray, target: np.ndarray, residue: np.ndarray) -> np.ndarray:
    """How far each target is off, to judge by how far a trace that fits them all is from them.

    Its logarithm is taken as linear in those of the separation and of the trace's distance.
    (The target itself would be a bad witness: pairs that came out short by chance would rule.)

    Parameters
    ----------
    coords : ndarray, shape=(N, 3), dtype=float
        Å.
    target : ndarray, shape=(N, N), dtype=float
        Å; NaN where not known.
    residue : ndarray, shape=(N,), dtype=int
        Rising places in the chain.

    Returns
    -------
    ndarray, shape=(N, N), dtype=float
        Å², at least `_LEAST_VARIANCE`.
    """
    n = len(coords)
    rows = np.arange(0, n, max(1, n * n // (2 * _PAIRS_FOR_FIT)))
    i, j = np.nonzero(np.isfinite(target[rows]) & (residue > residue[rows, None] + 1))
    i = rows[i]
    length = np.linalg.norm(coords[i] - coords[j], axis=1)
    square = (length - target[i, j]) ** 2
    if len(i) < _ENOUGH_PAIRS:
        mean = square.mean() if len(i) else 0.0
        return np.full((n, n), max(float(mean), _LEAST_VARIANCE))
    log_apart, log_length = np.log(residue[j] - residue[i]), np.log(np.maximum(length, BOND))
    design = np.column_stack([np.ones(len(i)), log_apart, log_length])
    constant, by_apart, by_length = np.linalg.lstsq(
        design, np.log(square + 1e-4) - _LOG_CHI2, rcond=None
    )[0]
    # In place, because for long chains each of these arrays is most of the memory used.
    variance = cdist(coords, coords)
    np.log(np.maximum(variance, BOND, out=variance), out=variance)
    variance *= by_length
    every = np.log(np.maximum(np.arange(residue[-1] - residue[0] + 1), 1))
    variance += (constant + by_apart * every)[np.abs(residue[:, None] - residue)]
    np.exp(variance, out=variance)
    return np.maximum(variance, _LEAST_VARIANCE, out=variance)


def pair_term(targets: Targets, repulsion: float = 0.0) -> Term:
    """Weighted stress and, if asked for, what keeps residues from overlapping.

    Both need all distances, so they share them.

    Parameters
    ----------
    repulsion : float
        Å⁻², times the squared overlap of residues three or more apart.
    """
    n = len(targets.distances)

    def term(points: np.ndarray, gradient: np.ndarray) -> float:
        energy = 0.0
        for start in range(0, n, _BLOCK):
            stop = min(start + _BLOCK, n)
            rows, columns = slice(start, stop), slice(start, n)
            length = cdist(points[rows], points[columns])
            np.maximum(length, 1e-6, out=length)
            error = length - targets.distances[rows, columns]
            pull = targets.weights[rows, columns] * error
            # Within the diagonal block each pair shows twice, elsewhere once.
            inner = stop - start
            pull[:, :inner] *= 0.5
            energy += np.vdot(pull, error)
            pull /= length
            if repulsion:
                energy += _repel(length, pull, repulsion)
            gradient[rows] += 2.0 * (
                pull.sum(axis=1)[:, None] * points[rows] - pull @ points[columns]
            )
            gradient[columns] += 2.0 * (
                pull.sum(axis=0)[:, None] * points[columns] - pull.T @ points[rows]
            )
        return float(energy)

    return term


def _repel(length: np.ndarray, pull: np.ndarray, force: float) -> float:
    """Add the repulsion to the pull of a block that begins on the diagonal."""
    close = np.flatnonzero(length.ravel() < _CONTACT)
    row, column = np.divmod(close, length.shape[1])
    far = np.abs(column - row) >= 3
    close, row, column = close[far], row[far], column[far]
    share = np.where(column < length.shape[0], 0.5, 1.0)
    near = length.ravel()[close]
    depth = _CONTACT - near
    pull.ravel()[close] -= force * share * depth / near
    return float(force * (share * depth**2).sum())


def chain_term(places: Places, force: float) -> Term:
    """Bonds of 3.8 Å and, half as strong, angles between them that proteins have.

    Parameters
    ----------
    force : float
        Å⁻², times the squared excess.
    """
    bond, angle = places.starts(1), places.starts(2)
    bond_range = (BOND - _BOND_SLACK, BOND + _BOND_SLACK)

    def term(points: np.ndarray, gradient: np.ndarray) -> float:
        return _interval(points, gradient, bond, 1, bond_range, force) + _interval(
            points, gradient, angle, 2, _ANGLE_RANGE, 0.5 * force
        )

    return term


def _interval(
    points: np.ndarray,
    gradient: np.ndarray,
    first: np.ndarray,
    steps: int,
    allowed: tuple[float, float],
    force: float,
) -> float:
    """Force times the squared excess of the distances `steps` apart outside a range."""
    vector = points[first + steps] - points[first]
    length = np.maximum(np.sqrt(np.einsum("wx,wx->w", vector, vector)), 1e-6)
    excess = length - np.clip(length, *allowed)
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


def helix_term(window: np.ndarray, force: float) -> Term:
    """Turn windows of helices to the right: a hinge on the triple product of their bonds.

    Parameters
    ----------
    window : ndarray, shape=(windows,), dtype=int
        First rows, as from `helix_windows`.
    force : float
        Times the squared lack of a triple product in units of a bond cubed.
    """

    def term(points: np.ndarray, gradient: np.ndarray) -> float:
        a = points[window + 1] - points[window]
        b = points[window + 2] - points[window + 1]
        c = points[window + 3] - points[window + 2]
        unit = BOND**3
        by_a, by_b, by_c = np.cross(b, c), np.cross(c, a), np.cross(a, b)
        lack = np.minimum(np.einsum("wx,wx->w", a, by_a) / unit - _HELIX_TRIPLE, 0.0)
        push = (2.0 * force * lack / unit)[:, None]
        # The windows differ, so that each of these rows is named once.
        gradient[window] -= push * by_a
        gradient[window + 1] += push * (by_a - by_b)
        gradient[window + 2] += push * (by_b - by_c)
        gradient[window + 3] += push * by_c
        return float(force * (lack @ lack))

    return term


def settled(
    coords: np.ndarray, places: Places, helix: np.ndarray, force: float, iterations: int
) -> np.ndarray:
    """The nearest trace with right bonds and no overlaps: what a compromise with the map left.

    Each iteration costs only as much as the chain is long, not its square.

    Parameters
    ----------
    coords : ndarray, shape=(N, 3), dtype=float
        Å.
    helix : ndarray, shape=(windows,), dtype=int
        First rows of windows that are to stay right-handed helices.
    force : float
        How much the chain's terms weigh against a residue's squared shift.
    """
    pairs = cKDTree(coords).query_pairs(_CONTACT_REACH, output_type="ndarray")
    pairs = pairs[np.abs(pairs[:, 1] - pairs[:, 0]) >= 3]
    terms = [_anchor_term(coords), chain_term(places, force), _overlap_term(pairs, 0.5 * force)]
    if len(helix):
        terms.append(helix_term(helix, 0.2 * force))
    return minimized(coords, terms, iterations)


def _anchor_term(coords: np.ndarray) -> Term:
    def term(points: np.ndarray, gradient: np.ndarray) -> float:
        shift = points - coords
        gradient += 2.0 * shift
        return float(np.vdot(shift, shift))

    return term


def _overlap_term(pairs: np.ndarray, force: float) -> Term:
    first, second = pairs.T

    def term(points: np.ndarray, gradient: np.ndarray) -> float:
        vector = points[first] - points[second]
        length = np.sqrt(np.einsum("px,px->p", vector, vector)) + 1e-9
        depth = np.maximum(_CONTACT - length, 0.0)
        push = (-2.0 * force * depth / length)[:, None] * vector
        # A row may be in many pairs.
        np.add.at(gradient, first, push)
        np.subtract.at(gradient, second, push)
        return float(force * (depth @ depth))

    return term
