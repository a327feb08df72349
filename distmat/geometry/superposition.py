"""Laying one trace on another: the rotation and shift of least squares."""

from dataclasses import dataclass

import numpy as np

from distmat.protein.arrays import Coords


@dataclass(frozen=True)
class Superposition:
    """A trace laid on another.

    Parameters
    ----------
    coords : ndarray, shape=(N, 3), dtype=float
        All points of the mobile trace after the move, Å; NaN where they were.
    rmsd : float
        Å, over the points that both traces have; NaN if there are none.
    mirrored : bool
        Whether the mobile trace was reflected first.
    """

    coords: Coords
    rmsd: float
    mirrored: bool = False


def superpose(mobile: Coords, target: Coords, allow_mirror: bool = False) -> Superposition:
    """Lay `mobile` on `target` residue by residue so that the RMSD is least (Kabsch, 1976).

    Parameters
    ----------
    mobile, target : ndarray, shape=(N, 3), dtype=float
        Å; a residue with NaN or infinity in either has no say in the fit.
    allow_mirror : bool
        Also try the mirror image of `mobile`. A protein has one hand, so this says only how
        well the distances alone are met.

    Returns
    -------
    Superposition
        With no residue in common, `mobile` unmoved and an RMSD of NaN.

    Raises
    ------
    ValueError
        If the two aren't of one shape (N, 3).
    """
    mobile, target = np.asarray(mobile, dtype=float), np.asarray(target, dtype=float)
    if mobile.shape != target.shape or mobile.ndim != 2 or mobile.shape[1] != 3:
        raise ValueError(f"can't superpose shape {mobile.shape} on {target.shape}")
    common = np.isfinite(mobile).all(axis=1) & np.isfinite(target).all(axis=1)
    if not common.any():
        return Superposition(mobile.copy(), float("nan"))
    from_centre, to_centre = mobile[common].mean(axis=0), target[common].mean(axis=0)
    source, goal = mobile[common] - from_centre, target[common] - to_centre
    rotation = best_rotation(source.T @ goal, allow_mirror)
    rmsd = np.sqrt(((source @ rotation - goal) ** 2).sum(axis=1).mean())
    return Superposition(
        (mobile - from_centre) @ rotation + to_centre,
        float(rmsd),
        bool(np.linalg.det(rotation) < 0),
    )


def best_rotation(covariance: np.ndarray, allow_mirror: bool = False) -> np.ndarray:
    """Rotations that lay centred points on others, from the two sets' covariance.

    Parameters
    ----------
    covariance : ndarray, shape=(..., 3, 3), dtype=float
        ``source.T @ goal`` of points centred on their means, Å².
    allow_mirror : bool
        Give the best orthogonal matrix, which may reflect.

    Returns
    -------
    ndarray, shape=(..., 3, 3), dtype=float
        To be multiplied from the right: ``source @ rotation``.
    """
    left, _, right = np.linalg.svd(covariance)
    if not allow_mirror:
        # The axis of the smallest singular value is the cheapest one to turn around.
        left[..., :, 2] *= np.sign(np.linalg.det(left @ right))[..., None]
    rotation: np.ndarray = left @ right
    return rotation
