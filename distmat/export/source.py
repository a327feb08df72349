"""What the files of a prediction are made of."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from distmat.export.restraints import DEFAULT_THRESHOLD
from distmat.prediction import Prediction
from distmat.protein.distance_map import BANDS, separation
from distmat.protein.distogram import Distogram

_MOST_PAIRS = 10


@dataclass(frozen=True)
class Source:
    """A prediction and what else its files tell.

    Parameters
    ----------
    prediction : Prediction
    checkpoint : str
        Name of the checkpoint that predicted.
    folder : Path, optional
        Of that checkpoint, where it may tell how often restraints hold.
    distogram : callable, optional
        Predicts how likely each distance is, once that is asked for; None from a head without.
    pairs : tuple of tuple of int
        Pairs that a person chose, from 0.
    threshold : float
        Å: the deviation up to which a pair makes a restraint.
    """

    prediction: Prediction
    checkpoint: str = ""
    folder: Path | None = None
    distogram: Callable[[], Distogram | None] = lambda: None
    pairs: tuple[tuple[int, int], ...] = ()
    threshold: float = DEFAULT_THRESHOLD

    @property
    def shown_pairs(self) -> tuple[tuple[int, int], ...]:
        """The pairs that a person chose; without any, the ten likeliest long-range contacts."""
        if self.pairs:
            return self.pairs
        contacts = self.prediction.map.contacts
        far = np.triu(separation(len(contacts)) >= BANDS["long"][0])
        i, j = np.nonzero(far & (contacts > 0))
        order = np.argsort(-contacts[i, j], kind="stable")[:_MOST_PAIRS]
        return tuple((int(i[k]), int(j[k])) for k in order)
