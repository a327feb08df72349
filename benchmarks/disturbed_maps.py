"""Real chains of three kinds of folds, and noise models that disturb their distance maps.

Shared by the benchmark of the reconstruction and by the table of known chains.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import biotite.structure as struc
import numpy as np
from scipy.ndimage import gaussian_filter
from scipy.spatial.distance import cdist

from distmat.dataset.store import Dataset
from distmat.protein.chain import Chain

FOLDS = ("mainly α", "mainly β", "mixed")
SHORTEST, LONGEST = 46, 220
NOISE_WIDTH = 1.4
"""Standard deviation in residues over which errors of a weak predictor are alike."""
_LEAST = 1e-3
"""Å: no distance is disturbed to zero, which in a map says that it isn't known."""
Noise = Callable[[np.ndarray, np.random.Generator], np.ndarray]
"""From a true map (N, N) in Å to a disturbed one."""


def secondary_structure(ca: np.ndarray) -> np.ndarray:
    """Per residue ``a``, ``b`` or ``c`` by Cα geometry (P-SEA, as biotite has it)."""
    atoms = struc.AtomArray(len(ca))
    atoms.coord = ca.astype(np.float32)
    atoms.atom_name[:], atoms.element[:], atoms.res_name[:] = "CA", "C", "ALA"
    atoms.chain_id[:], atoms.res_id[:] = "A", np.arange(1, len(ca) + 1)
    return struc.annotate_sse(atoms)


def fold_of(ca: np.ndarray) -> str | None:
    """One of `FOLDS`, or None for what is neither."""
    kinds = secondary_structure(ca)
    helix, strand = (kinds == "a").mean(), (kinds == "b").mean()
    if helix > 0.4 and strand < 0.1:
        return FOLDS[0]
    if strand > 0.3 and helix < 0.12:
        return FOLDS[1]
    return FOLDS[2] if helix > 0.2 and strand > 0.15 else None


def true_map(chain: Chain) -> np.ndarray:
    """Distances in Å, in double precision whatever the file has."""
    ca = chain.ca.astype(float)
    return cdist(ca, ca)


def unbroken(chain: Chain) -> bool:
    """Whether every residue was observed and follows the one before."""
    if not chain.observed.all():
        return False
    bonds = np.linalg.norm(np.diff(chain.ca.astype(float), axis=0), axis=1)
    return bool(np.abs(bonds - 3.8).max() < 1.2)


def chosen_chains(dataset: Dataset, count: int) -> dict[str, list[Chain]]:
    """A third of `count` chains of each fold, one of each cluster, in a fixed random order."""
    chosen: dict[str, list[Chain]] = {fold: [] for fold in FOLDS}
    candidates = dataset.representatives().chains
    for place in np.random.default_rng(1).permutation(len(candidates)):
        chain = candidates[place]
        if SHORTEST <= len(chain) <= LONGEST and unbroken(chain):
            fold = fold_of(chain.ca)
            if fold and len(chosen[fold]) < count // len(FOLDS):
                chosen[fold].append(chain)
    return chosen


@dataclass(frozen=True)
class Separations:
    """Mean and standard deviation of true distances by separation, Å; shape=(S,)."""

    mean: np.ndarray
    std: np.ndarray


def separation_statistics(chains: Iterable[Chain]) -> Separations:
    """Over all observed pairs of these chains."""
    sums = np.zeros((512, 3))
    for chain in chains:
        i, j = np.triu_indices(len(chain), 1)
        distances = true_map(chain)[i, j]
        seen = np.isfinite(distances)
        apart, distances = (j - i)[seen], distances[seen]
        for column, values in enumerate((np.ones_like(distances), distances, distances**2)):
            sums[:, column] += np.bincount(apart, values, minlength=512)
    seen = np.flatnonzero(sums[:, 0] > 2000)
    count, total, squares = sums[seen].T
    mean, every = total / count, np.arange(512)
    std = np.sqrt(squares / count - mean**2)
    return Separations(
        np.interp(every, [0, *seen], [0, *mean]), np.interp(every, [0, *seen], [0, *std])
    )


def symmetric_noise(n: int, random: np.random.Generator, width: float = 0.0) -> np.ndarray:
    """Normal noise of variance 1, the same for (i, j) and (j, i), smooth over `width`."""
    upper = np.triu(random.normal(size=(n, n)), 1)
    noise = upper + upper.T
    if width:
        noise = gaussian_filter(noise, width, mode="reflect")
        noise /= noise[np.triu_indices(n, 1)].std()
    np.fill_diagonal(noise, 0.0)
    return noise


def independent(share: float) -> Noise:
    """Each distance is off by a share of itself."""

    def disturbed(true: np.ndarray, random: np.random.Generator) -> np.ndarray:
        return np.maximum(true * (1.0 + share * symmetric_noise(len(true), random)), _LEAST)

    return disturbed


def shrunk(rho: float, separations: Separations) -> Noise:
    """A weak predictor: shrunk to the mean by separation, with errors that neighbours share.

    The variance of its maps is ρ times the true one: ρ = 1 is perfect, ρ = 0 knows the
    separation only.
    """

    def disturbed(true: np.ndarray, random: np.random.Generator) -> np.ndarray:
        n = len(true)
        apart = np.abs(np.subtract.outer(np.arange(n), np.arange(n)))
        mean, std = separations.mean[apart], separations.std[apart]
        noise = np.sqrt(rho * (1.0 - rho)) * std * symmetric_noise(n, random, NOISE_WIDTH)
        return np.maximum(mean + rho * (true - mean) + noise, _LEAST)

    return disturbed
