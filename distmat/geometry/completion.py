"""From the array a person gives to a distance map that can be embedded.

What is merely untidy (float32, a diagonal that isn't zero, halves that differ a little) is
mended and said; what can't be a distance map is refused with one sentence.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.sparse import csr_array
from scipy.sparse.csgraph import dijkstra

from distmat.errors import DistanceMapError, MapOptionError
from distmat.geometry.chain_geometry import BOND
from distmat.protein.arrays import Indices, PairTable

LONGEST_CHAIN = 4096
"""Residues; the arrays of a longer chain don't fit an ordinary machine's memory."""
_LARGEST = 1e6
"""Å; larger values are no distances within a molecule, and their squares lose all digits."""
_FEW = 0.01
"""Up to this share of negative values is noise, more is a mistake."""
_ASYMMETRY = 0.5
"""The halves of a map may differ by this share of its distances, root mean square."""

UNITS = {"Å": 1.0, "nm": 10.0, "pm": 0.01}
"""Å in each unit that a map may be given in."""
_BONDS = (2.5, 5.0)
"""Å; the median distance of neighbours in a map of Cα atoms lies in here, whatever the noise."""
_ODD_BONDS = (1.0, 15.0)
"""Å; outside of this no predictor is so wrong, and a map isn't one of distances in Å."""


@dataclass(frozen=True)
class KnownMap:
    """A distance map that has been checked.

    Parameters
    ----------
    distances : ndarray, shape=(N, N), dtype=float64
        Å; symmetric, zero on the diagonal, NaN where not known.
    complete : bool
        Whether all distances are known.
    std : ndarray, shape=(N, N), dtype=float64, or None
        Å; symmetric; NaN where not given.
    notes : tuple of str
        What was mended, in sentences.
    """

    distances: PairTable
    complete: bool
    std: PairTable | None
    notes: tuple[str, ...]


def check_map(
    distances: Any,
    std: Any = None,
    mask: Any = None,
    unit: str | None = None,
    zeros_are_missing: bool | None = None,
) -> KnownMap:
    """Check and symmetrise a distance map.

    Parameters
    ----------
    distances : array_like, shape=(N, N)
        Å; NaN or infinity where not known. Where only one of (i, j) and (j, i) is known it
        counts for both; where both are, their mean does.
    std : array_like, shape=(N, N), optional
        Standard deviations in Å.
    mask : array_like, shape=(N, N), dtype=bool, optional
        True where the distance is known and to be used.
    unit : str, optional
        One of `UNITS`, of distances and deviations. If not given it is Å, and neighbours must
        be as far apart as they are in Å.
    zeros_are_missing : bool, optional
        True if a zero between two residues says that their distance isn't known; False if it is
        their distance. If not given there may be none.

    Raises
    ------
    MapOptionError
        If the distances fit another unit, or some are zero, and nobody said what that means.
    DistanceMapError
        If this can't be a distance map; the sentence names the shape, pair or value.
    """
    given = _real_matrix(distances, "distance map")
    n = len(given)
    notes: list[str] = []
    if unit is not None:
        given *= _factor(unit)
    zeros = _zeros(given)
    if zeros_are_missing:
        given[zeros] = np.nan
    # Zeros and ones alone are contacts, which are refused as such.
    elif zeros_are_missing is None and np.nanmax(given, initial=0.0) > 1.0:
        _refuse_zeros(zeros)
    known = np.isfinite(given)
    if mask is not None:
        known &= _boolean_matrix(mask, n)
    diagonal = np.arange(n)
    known[diagonal, diagonal] = True
    full = bool(known.all())
    if np.any(np.abs(np.nan_to_num(given[diagonal, diagonal])) > 1e-3):
        notes.append("The diagonal wasn't zero and was set to zero.")
    given[diagonal, diagonal] = 0.0
    if not full:
        given[~known] = np.nan
    _check_values(given, notes)
    symmetric = _symmetrise(given, full, notes)
    if not full:
        known = np.isfinite(symmetric)
        if not (known.sum() > n or n == 1):
            raise DistanceMapError(
                f"None of the {n * (n - 1) // 2} distances is known; give at least some as "
                "finite numbers that the mask keeps."
            )
        full = bool(known.all())
    if unit is None:
        _check_bonds(symmetric, notes)
    return KnownMap(symmetric, full, _check_std(std, n, _factor(unit or "Å")), tuple(notes))


def complete(distances: PairTable, residue: Indices) -> PairTable:
    """Fill unknown pairs with shortest paths over the known ones and the chain's bonds.

    A path is an upper bound of the distance (triangle inequality), so what is filled in is a
    start, never data to fit.

    Parameters
    ----------
    distances : ndarray, shape=(N, N), dtype=float
        Å; symmetric, NaN where not known.
    residue : ndarray, shape=(N,), dtype=int
        Rising places in the chain; neighbours are `BOND` apart, across a gap the chain is
        taken as stretched.

    Returns
    -------
    ndarray, shape=(N, N), dtype=float
    """
    n = len(distances)
    unknown = np.isnan(distances)
    rows, columns = np.nonzero(~unknown & ~np.eye(n, dtype=bool))
    step = np.arange(n - 1)
    gap = np.isnan(distances[step, step + 1])
    bonds = step[gap]
    length = BOND * np.diff(residue)[gap]
    # A distance of zero would be no edge at all.
    edges = np.concatenate([np.maximum(distances[rows, columns], 1e-6), length, length])
    graph = csr_array(
        (
            edges,
            (
                np.concatenate([rows, bonds, bonds + 1]),
                np.concatenate([columns, bonds + 1, bonds]),
            ),
        ),
        shape=(n, n),
    )
    lacking = np.flatnonzero(unknown.any(axis=1))
    paths = dijkstra(graph, indices=lacking)
    filled = distances.copy()
    filled[lacking] = np.where(unknown[lacking], paths, distances[lacking])
    symmetric: np.ndarray = 0.5 * (filled + filled.T)
    return symmetric


def _real_matrix(values: Any, what: str) -> np.ndarray:
    """A float64 copy of a square array of real numbers."""
    try:
        array = np.asarray(values)
        numbers = np.issubdtype(array.dtype, np.number) and not np.iscomplexobj(array)
        if not numbers and (array.dtype != object or not array.ndim):
            raise TypeError
        matrix = np.array(array, dtype=np.float64)
    except (TypeError, ValueError):
        raise DistanceMapError(
            f"The {what} must be an array of real numbers; this {type(values).__name__} isn't one."
        ) from None
    if matrix.ndim != 2 or matrix.shape[0] != matrix.shape[1]:
        raise DistanceMapError(
            f"The {what} has the shape {matrix.shape}; it must be square, (N, N), for N residues."
        )
    if not len(matrix):
        raise DistanceMapError(f"The {what} is empty; give one row and column for each residue.")
    if len(matrix) > LONGEST_CHAIN:
        raise DistanceMapError(
            f"The {what} has {len(matrix)} residues; more than {LONGEST_CHAIN} don't fit in "
            "memory: give a part of it."
        )
    return matrix


def _boolean_matrix(mask: Any, n: int) -> np.ndarray:
    array = np.asarray(mask)
    given = array.astype(np.float64) if array.dtype == bool else mask
    matrix = _same_size(_real_matrix(given, "mask"), n, "mask")
    odd = (matrix != 0.0) & (matrix != 1.0)
    if odd.any():
        i, j = np.argwhere(odd)[0]
        raise DistanceMapError(
            f"The mask is {matrix[i, j]:g} at ({i + 1}, {j + 1}); it must be true where a "
            "distance is known and false elsewhere."
        )
    known: np.ndarray = matrix == 1.0
    return known


def _factor(unit: str) -> float:
    if unit not in UNITS:
        raise DistanceMapError(f"The unit is {unit!r}; it must be one of {', '.join(UNITS)}.")
    return UNITS[unit]


def _zeros(given: np.ndarray) -> np.ndarray:
    """Pairs of residues that are zero apart, other than those of a half that isn't filled."""
    zeros: np.ndarray = (given == 0.0) & ~np.eye(len(given), dtype=bool)
    half = _find_filled_triangle(given) if len(given) > 1 else None
    if half is not None:
        zeros = np.triu(zeros) if half == "upper" else np.tril(zeros)
    return zeros


def _refuse_zeros(zeros: np.ndarray) -> None:
    if zeros.any():
        i, j = np.argwhere(zeros)[0]
        raise MapOptionError(
            f"The distance of residues {i + 1} and {j + 1} is zero, as are {zeros.mean():.1%} of "
            "all, and no two residues lie in one place; if zero says that it isn't known,",
            "zeros_are_missing",
            True,
        )


def _check_bonds(distances: np.ndarray, notes: list[str]) -> None:
    """Refuse a map in another unit: neighbours tell, who are 3.8 Å apart."""
    bonds = np.diagonal(distances, 1)
    bonds = bonds[np.isfinite(bonds)]
    # A map of zeros alone is refused for that.
    if not len(bonds) or not np.nanmax(distances):
        return
    median = float(np.median(bonds))
    if _BONDS[0] <= median <= _BONDS[1]:
        return
    seen = f"Neighbours in the chain are {median:.3g} apart in the median"
    for unit, factor in UNITS.items():
        if _BONDS[0] <= factor * median <= _BONDS[1]:
            raise MapOptionError(
                f"{seen}, and not 3.8 as in Å; if they are in {unit},", "unit", unit
            )
    if not _ODD_BONDS[0] <= median <= _ODD_BONDS[1]:
        raise MapOptionError(
            f"{seen}, which is a Cα atom's distance from the next in none of {', '.join(UNITS)}; "
            "give distances and no scaled map, or, if these are in Å all the same,",
            "unit",
            "Å",
        )
    notes.append(f"{seen}, where Cα atoms are 3.8 Å apart: the map is far from a chain's.")


def _same_size(matrix: np.ndarray, n: int, what: str) -> np.ndarray:
    if len(matrix) != n:
        raise DistanceMapError(
            f"The {what} is for {len(matrix)} residues but the distance map for {n}; they must "
            "be of one size."
        )
    return matrix


def _check_values(distances: np.ndarray, notes: list[str]) -> None:
    low, high = distances.min(), distances.max()
    if np.isnan(low):
        low, high = np.nanmin(distances), np.nanmax(distances)
    if low < 0:
        negative = distances < 0
        i, j = np.unravel_index(np.nanargmin(distances), distances.shape)
        worst = f"the distance of residues {i + 1} and {j + 1} is {low:.4g} Å"
        if negative.sum() > _FEW * distances.size:
            raise DistanceMapError(
                f"{negative.mean():.0%} of the distances are negative ({worst}); correct them, "
                "or give NaN where a distance isn't known."
            )
        # Noise can do that to a few; they say "near".
        notes.append(f"{negative.sum()} negative values were taken for zero ({worst}).")
        distances[negative] = 0.0
    if high > _LARGEST:
        i, j = np.unravel_index(np.nanargmax(distances), distances.shape)
        raise DistanceMapError(
            f"The distance of residues {i + 1} and {j + 1} is {high:.4g} Å, longer than any "
            "chain; give distances in Å."
        )


def _symmetrise(given: np.ndarray, full: bool, notes: list[str]) -> np.ndarray:
    """The mean of both halves, or the one half that is there."""
    n = len(given)
    half = _find_filled_triangle(given) if n > 1 else None
    if half is not None:
        notes.append(f"Only the {half} triangle was filled, and it was taken for both.")
        triangle = np.triu(given) if half == "upper" else np.tril(given)
        both: np.ndarray = triangle + triangle.T
        return both
    if full and np.array_equal(given, given.T):
        return given
    apart = given - given.T
    np.abs(apart, out=apart)
    np.nan_to_num(apart, copy=False)
    worst = float(apart.max())
    scale = np.sqrt(np.nansum(given**2))
    if n > 1 and np.sqrt((apart**2).sum()) > _ASYMMETRY * scale:
        i, j = sorted(np.unravel_index(np.argmax(apart), apart.shape))
        raise DistanceMapError(
            f"The distance of residues {i + 1} and {j + 1} is {given[i, j]:g} Å one way and "
            f"{given[j, i]:g} Å the other, and so throughout; a distance map is symmetric: give "
            "one value for both."
        )
    if worst > 1e-3:
        notes.append(
            f"The two halves of the map differed by up to {worst:.2f} Å; their mean was taken."
        )
    other = given.T
    mean: np.ndarray = 0.5 * (given + other)
    if full:
        return mean
    return np.where(np.isnan(given), other, np.where(np.isnan(other), given, mean))


def _find_filled_triangle(given: np.ndarray) -> str | None:
    """Which triangle is filled if the other one is all zeros."""
    # Looking at the first row and column settles it for nearly all maps.
    if given[0, 1:].any() and given[1:, 0].any():
        return None
    upper, lower = np.triu(given, 1).any(), np.tril(given, -1).any()
    if upper == lower:
        return None
    return "upper" if upper else "lower"


def _check_std(std: Any, n: int, factor: float) -> np.ndarray | None:
    if std is None:
        return None
    matrix = factor * _same_size(_real_matrix(std, "array of standard deviations"), n, "std")
    matrix[~np.isfinite(matrix)] = np.nan
    if np.nanmin(matrix, initial=0.0) < 0:
        i, j = np.unravel_index(np.nanargmin(matrix), matrix.shape)
        raise DistanceMapError(
            f"The standard deviation of residues {i + 1} and {j + 1} is {matrix[i, j]:g} Å; it "
            "can't be negative."
        )
    return 0.5 * (matrix + matrix.T)
