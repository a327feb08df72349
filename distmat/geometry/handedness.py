"""Which of the two mirror images: distances can't tell, the turns of the chain can.

Proteins are made of L-amino acids, so helices turn right and strands twist one way: the
dihedral angle of four consecutive Cα atoms takes some values far more often than their
negatives.
"""

from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np

from distmat.protein.arrays import Coords, Indices

CONFIDENT = 0.15
"""Log odds per window of four residues from which the hand counts as chosen: 97 % of such
hands were right on traces rebuilt from strongly disturbed maps."""
KNOWN_CHAINS = Path(__file__).with_name("known_chains.npz")
"""Counts over the training chains, written by ``benchmarks/known_chains.py``."""
_THETA_FIRST, _THETA_WIDTH, _THETA_BINS = 80.0, 15.0, 5
_TAU_WIDTH, _TAU_BINS = 10.0, 18
HAND_BINS = _THETA_BINS * _TAU_BINS
"""Kinds of windows that are told apart when the hand is chosen."""
_FLAT = 1e-3
"""Å; a trace thinner than this is its own mirror image."""


@dataclass(frozen=True)
class Hand:
    """The hand of a trace.

    Parameters
    ----------
    coords : ndarray, shape=(N, 3), dtype=float
        The trace in the likelier hand, Å.
    mirrored : bool
        Whether it had to be reflected for that.
    confidence : float
        |log odds| of the two hands per window of four residues.
    verdict : str
        ``"chosen"``; ``"undecided"`` if the confidence is below `CONFIDENT`; ``"flat"`` if
        both images are the same.
    """

    coords: Coords
    mirrored: bool
    confidence: float
    verdict: str


def choose_hand(coords: Coords, residue: Indices | None = None) -> Hand:
    """Reflect a trace if its mirror image looks more like a protein.

    Parameters
    ----------
    coords : ndarray, shape=(N, 3), dtype=float
        Å.
    residue : ndarray, shape=(N,), dtype=int, optional
        Rising places in the chain, where some are missing; windows across a gap don't count.
    """
    theta, tau = trace_angles(coords, residue)
    seen = np.isfinite(tau)
    if not seen.any() or _thickness(coords) < _FLAT:
        return Hand(coords, False, 0.0, "flat")
    odds = _known_chains()["hand_log_odds"][hand_bin(theta[seen], tau[seen])]
    ratio = float((np.sign(tau[seen]) * odds).mean())
    verdict = "chosen" if abs(ratio) >= CONFIDENT else "undecided"
    return Hand(mirror(coords) if ratio < 0 else coords, ratio < 0, abs(ratio), verdict)


def hand_bin(theta: np.ndarray, tau: np.ndarray) -> Indices:
    """The kind of each window, whichever hand it has.

    Parameters
    ----------
    theta, tau : ndarray, shape=(windows,), dtype=float
        Degrees, as from `trace_angles`.

    Returns
    -------
    ndarray, shape=(windows,), dtype=int
        0 to `HAND_BINS` − 1.
    """
    row = np.clip((theta - _THETA_FIRST) // _THETA_WIDTH, 0, _THETA_BINS - 1)
    column = np.minimum(np.abs(tau) // _TAU_WIDTH, _TAU_BINS - 1)
    bins: np.ndarray = (row * _TAU_BINS + column).astype(int)
    return bins


@dataclass(frozen=True)
class ReferenceAngles:
    """How often the windows of known chains have each (θ, τ).

    Parameters
    ----------
    theta_edges : ndarray, shape=(T + 1,), dtype=float
        Degrees.
    tau_edges : ndarray, shape=(U + 1,), dtype=float
        Degrees, −180 to 180.
    density : ndarray, shape=(T, U), dtype=float
        Share of all windows; sums to 1.
    """

    theta_edges: np.ndarray
    tau_edges: np.ndarray
    density: np.ndarray


def reference_angles() -> ReferenceAngles:
    """The (θ, τ) plot of known chains, to lay that of a trace on (see `trace_angles`)."""
    known = _known_chains()
    counts = known["density"].astype(float)
    return ReferenceAngles(
        known["theta_edges"].astype(float),
        known["tau_edges"].astype(float),
        counts / counts.sum(),
    )


@cache
def _known_chains() -> dict[str, np.ndarray]:
    with np.load(KNOWN_CHAINS) as file:
        return {name: file[name] for name in file.files}


def mirror(coords: np.ndarray) -> np.ndarray:
    """The mirror image through the plane across the thinnest direction.

    That plane moves the points least, so the image stays close to the original.
    """
    centre = np.nanmean(coords, axis=0)
    points = coords - centre
    finite = points[np.isfinite(points).all(axis=1)]
    normal = np.linalg.svd(finite.T @ finite)[0][:, 2]
    return coords - 2.0 * np.outer(points @ normal, normal)


def trace_angles(coords: Coords, residue: Indices | None = None) -> tuple[np.ndarray, np.ndarray]:
    """The angle and dihedral by which a trace goes on, a Ramachandran plot's coordinates.

    Parameters
    ----------
    coords : ndarray, shape=(N, 3), dtype=float
        Å; windows with NaN give NaN.
    residue : ndarray, shape=(N,), dtype=int, optional
        Rising places in the chain, where some are missing; windows across a gap give NaN.

    Returns
    -------
    theta, tau : ndarray, shape=(N,), dtype=float
        Degrees. Row i belongs to the residues i − 1, i, i + 1, i + 2: `theta` is the angle at
        i (0 to 180), `tau` the dihedral about the bond from i to i + 1 (−180 to 180, positive
        for a right-handed turn; a right-handed helix has about 50, a strand about −170).
        NaN in the first row and the last two.
    """
    coords = np.asarray(coords, dtype=float)
    theta, tau = np.full(len(coords), np.nan), np.full(len(coords), np.nan)
    if len(coords) < 4:
        return theta, tau
    bond = np.diff(coords, axis=0)
    if residue is not None:
        bond[np.diff(residue) != 1] = np.nan
    first, middle, last = bond[:-2], bond[1:-1], bond[2:]
    with np.errstate(invalid="ignore"):
        normal, next_normal = np.cross(first, middle), np.cross(middle, last)
        length = np.linalg.norm(middle, axis=1)
        sine = length * np.einsum("wx,wx->w", first, next_normal)
        cosine = np.einsum("wx,wx->w", normal, next_normal)
        tau[1:-2] = np.degrees(np.arctan2(sine, cosine))
        theta[1:-2] = np.degrees(
            np.arctan2(np.linalg.norm(normal, axis=1), -np.einsum("wx,wx->w", first, middle))
        )
    return theta, tau


def _thickness(coords: np.ndarray) -> float:
    points = coords[np.isfinite(coords).all(axis=1)]
    points = points - points.mean(axis=0)
    return float(np.linalg.svd(points, compute_uv=False)[2] / np.sqrt(len(points)))
