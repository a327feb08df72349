"""What a structure file holds, and what its parser may find wrong with it."""

from dataclasses import dataclass
from typing import NamedTuple

from distmat.protein.chain import Chain


class Experiment(NamedTuple):
    """What a file says of the experiment.

    Parameters
    ----------
    resolution : float, optional
        Å; None where the file states none, as of NMR and of models.
    method, title : str
        In the file's words, such as ``"X-RAY DIFFRACTION"``; ``""`` where it has none.
    """

    resolution: float | None = None
    method: str = ""
    title: str = ""


@dataclass(frozen=True)
class Entry:
    """What a structure file holds.

    Parameters
    ----------
    chains : tuple of Chain
        As from `read_structure`.
    resolution, method, title
        See `Experiment`.
    """

    chains: tuple[Chain, ...]
    resolution: float | None
    method: str
    title: str


def parse_resolution(text: str) -> float | None:
    """A number of Å; some files state zero where there is none."""
    try:
        return float(text) if 0 < float(text) < 100 else None
    except ValueError:
        return None
