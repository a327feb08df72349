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

from distmat.geometry.chain_geometry import BOND
from distmat.protein.arrays import Coords, Indices, PairTable

BLOCK = 128
"""Rows handled at once, so that the temporary arrays stay in the processor's cache."""
LEAST_STD = 0.3
"""Å; no predictor is surer than this."""
_BOND_SLACK = 0.1
_ANGLE_RANGE = (5.0, 7.3)
"""Å between residues i and i + 2: the sharpest turn and the straightest strand."""
_CONTACT = 4.0
"""Å; Cα atoms three or more apart in the chain are hardly ever closer."""
_SETTLED_CONTACT = 4.1
"""Å; a little more while a trace settles, because a spring never quite reaches its end."""
_CONTACT_REACH = 7.0
"""Å; while a trace settles, nothing that starts further apart comes into contact."""
_HELIX_TRIPLE = 0.4
"""Triple product of three bonds in units of a bond cubed; a right-handed helix has 0.8."""
_LEAST_VARIANCE = 0.05
"""Å²; no distance is trusted more than this."""
_LARGEST_LOG = 30.0
"""Of a variance in Å²: what a line through few pairs says of distant ones may be anything."""
_SETTLED = 1e-5
"""A share of the energy by which settling further no longer shows in any bond."""
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

    distances: PairTable
    weights: PairTable


@dataclass(frozen=True)
class Places:
    """Which rows of a trace follow each other.

    Parameters
    ----------
    residue : ndarray, shape=(N,), dtype=int
        Rising places in the chain.
    """

    residue: Indices

    def starts(self, steps: int) -> np.ndarray:
        """Rows after which the next `steps` rows are the next residues; shape=(windows,)."""
        first = np.arange(max(len(self.residue) - steps, 0))
        starts: np.ndarray = first[self.residue[first + steps] - self.residue[first] == steps]
        return starts


Term = Callable[[np.ndarray, np.ndarray], float]
"""From coordinates (N, 3) to an energy; adds its gradient to the second array."""


def minimize_energy(
    coords: Coords,
    terms: list[Term],
    iterations: int,
    progress: Callable[[float], None] | None = None,
    tolerance: float = 1e-7,
) -> np.ndarray:
    """The coordinates after at most so many iterations of L-BFGS on the sum of the terms.

    Parameters
    ----------
    coords : ndarray, shape=(N, 3), dtype=float
        Å. What comes back is rounded by `round_coords`.
    progress : callable, optional
        Called with the share of the iterations that are done.
    tolerance : float
        An iteration that lowers the energy by less than this share of it is the last.
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
            options={"maxiter": stretch, "maxcor": 10, "ftol": tolerance, "gtol": 1e-5},
        )
        coords = round_coords(result.x.reshape(coords.shape))
        if result.success:
            break
    return coords


def round_coords(coords: np.ndarray) -> np.ndarray:
    """Coordinates to 0.0001 Å.

    Processors and libraries round differently. A minimisation makes the difference larger at
    every iteration, until the same map would give visibly different traces.
    """
    return np.round(coords, 4)


def error_variance(coords: Coords, target: PairTable, residue: Indices) -> PairTable:
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
    variance: np.ndarray = cdist(coords, coords)
    np.log(np.maximum(variance, BOND, out=variance), out=variance)
    variance *= by_length
    every = np.log(np.maximum(np.arange(residue[-1] - residue[0] + 1), 1))
    every = constant + by_apart * every
    for row, place in zip(variance, residue, strict=True):
        row += every[np.abs(residue - place)]
    np.exp(np.minimum(variance, _LARGEST_LOG, out=variance), out=variance)
    np.maximum(variance, _LEAST_VARIANCE, out=variance)
    return variance


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
        for start in range(0, n, BLOCK):
            stop = min(start + BLOCK, n)
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
    first = np.concatenate([bond, angle])
    second = np.concatenate([bond + 1, angle + 2])
    is_bond = np.arange(len(first)) < len(bond)
    low = np.where(is_bond, BOND - _BOND_SLACK, _ANGLE_RANGE[0])
    high = np.where(is_bond, BOND + _BOND_SLACK, _ANGLE_RANGE[1])
    strength = np.where(is_bond, force, 0.5 * force)

    def term(points: np.ndarray, gradient: np.ndarray) -> float:
        vector = points[second] - points[first]
        length = np.maximum(np.sqrt(np.einsum("wx,wx->w", vector, vector)), 1e-6)
        excess = length - np.minimum(np.maximum(length, low), high)
        push = (2.0 * strength * excess / length)[:, None] * vector
        # Bonds and angles one after the other, because each names a row once.
        for part in (slice(0, len(bond)), slice(len(bond), None)):
            gradient[second[part]] += push[part]
            gradient[first[part]] -= push[part]
        return float(strength @ (excess * excess))

    return term


def helix_windows(coords: np.ndarray, places: Places, run: int = 3) -> Indices:
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


def helix_term(window: Indices, force: float) -> Term:
    """Turn windows of helices to the right: a hinge on the triple product of their bonds.

    Parameters
    ----------
    window : ndarray, shape=(windows,), dtype=int
        First rows, as from `helix_windows`.
    force : float
        Times the squared lack of a triple product in units of a bond cubed.
    """
    rows = window + np.arange(4)[:, None]

    def term(points: np.ndarray, gradient: np.ndarray) -> float:
        bonds = np.diff(points[rows], axis=0)
        unit = BOND**3
        by_a, by_b, by_c = np.cross(bonds[[1, 2, 0]], bonds[[2, 0, 1]])
        lack = np.minimum(np.einsum("wx,wx->w", bonds[0], by_a) / unit - _HELIX_TRIPLE, 0.0)
        push = (2.0 * force * lack / unit)[:, None]
        # The windows differ, so that each of these rows is named once.
        gradient[rows[0]] -= push * by_a
        gradient[rows[1]] += push * (by_a - by_b)
        gradient[rows[2]] += push * (by_b - by_c)
        gradient[rows[3]] += push * by_c
        return float(force * (lack @ lack))

    return term


def resolve_clashes(
    coords: Coords, places: Places, helix: Indices, force: float, iterations: int
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
    return minimize_energy(coords, terms, iterations, tolerance=_SETTLED)


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
        depth = np.maximum(_SETTLED_CONTACT - length, 0.0)
        push = (-2.0 * force * depth / length)[:, None] * vector
        # A row may be in many pairs.
        np.add.at(gradient, first, push)
        np.subtract.at(gradient, second, push)
        return float(force * (depth @ depth))

    return term
