"""Which of the two mirror images: distances can't tell, the turns of the chain can.

Proteins are made of L-amino acids, so helices turn right and strands twist one way: the
dihedral angle of four consecutive Cα atoms takes some values far more often than their
negatives.
"""

from dataclasses import dataclass

import numpy as np

CONFIDENT = 0.15
"""Log-likelihood ratio per window from which the hand counts as chosen. Below it, of refined
noisy maps, too many went wrong."""
_TABLE_WIDTH = 10.0
_LOG_ODDS = np.array(
    [0.31, 0.71, 1.28, 2.09, 3.68, 3.31, 1.80, 0.51, -0.06]
    + [-0.49, -0.77, -1.01, -1.10, -1.12, -1.25, -1.30, -1.06, -0.39]
)
"""log P(τ > 0) / P(τ < 0) by |τ| in bins of 10°, counted over known chains."""
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
        |log-likelihood ratio| of the two hands per window of four residues.
    verdict : str
        ``"chosen"``; ``"undecided"`` if the confidence is below `CONFIDENT`; ``"flat"`` if
        both images are the same.
    """

    coords: np.ndarray
    mirrored: bool
    confidence: float
    verdict: str


def choose_hand(coords: np.ndarray, residue: np.ndarray | None = None) -> Hand:
    """Reflect a trace if its mirror image looks more like a protein.

    Parameters
    ----------
    coords : ndarray, shape=(N, 3), dtype=float
        Å.
    residue : ndarray, shape=(N,), dtype=int, optional
        Rising places in the chain, where some are missing; windows across a gap don't count.
    """
    _, tau = trace_angles(coords, residue)
    tau = tau[np.isfinite(tau)]
    if not len(tau) or _thickness(coords) < _FLAT:
        return Hand(coords, False, 0.0, "flat")
    ratio = float(hand_log_odds(tau).mean())
    verdict = "chosen" if abs(ratio) >= CONFIDENT else "undecided"
    return Hand(mirror(coords) if ratio < 0 else coords, ratio < 0, abs(ratio), verdict)


def hand_log_odds(tau: np.ndarray) -> np.ndarray:
    """How much each dihedral speaks for the hand it has, against its mirror image.

    Parameters
    ----------
    tau : ndarray, dtype=float
        Degrees, −180 to 180.
    """
    size = np.abs(tau)
    row = np.minimum((size / _TABLE_WIDTH).astype(int), len(_LOG_ODDS) - 1)
    return np.sign(tau) * _LOG_ODDS[row]


def mirror(coords: np.ndarray) -> np.ndarray:
    """The mirror image through the plane across the thinnest direction.

    That plane moves the points least, so the image stays close to the original.
    """
    centre = np.nanmean(coords, axis=0)
    points = coords - centre
    finite = points[np.isfinite(points).all(axis=1)]
    normal = np.linalg.svd(finite.T @ finite)[0][:, 2]
    return coords - 2.0 * np.outer(points @ normal, normal)


def trace_angles(
    coords: np.ndarray, residue: np.ndarray | None = None
) -> tuple[np.ndarray, np.ndarray]:
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
