"""A protein chain: its sequence, where its Cα atoms are, and which were never observed."""

from dataclasses import dataclass

import numpy as np

from distmat.protein.distance_map import pairwise_distances


@dataclass(frozen=True)
class Chain:
    """One protein chain in chain order.

    Parameters
    ----------
    name : str
        What a person calls it, such as ``"1abc_A"``.
    sequence : str
        One letter per residue, the 20 amino acids and ``X``; length N.
    ca : ndarray, shape=(N, 3), dtype=float
        Cα coordinates in Å; a row of NaN where the residue was not observed.
    residue_numbers : tuple of str
        The author's number with its insertion code, such as ``"27A"``; ``""`` where the
        file gives none.
    """

    name: str
    sequence: str
    ca: np.ndarray
    residue_numbers: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.ca.shape != (len(self.sequence), 3):
            raise ValueError(
                f"{len(self.sequence)} residues but coordinates of shape {self.ca.shape}"
            )

    def __len__(self) -> int:
        return len(self.sequence)

    @property
    def observed(self) -> np.ndarray:
        """Which residues have coordinates; shape=(N,), dtype=bool."""
        return np.isfinite(self.ca).all(axis=1)

    @property
    def distances(self) -> np.ndarray:
        """The true distance map in Å; shape=(N, N), NaN where either residue is unobserved."""
        return pairwise_distances(self.ca)
