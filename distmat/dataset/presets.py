"""Datasets that can be built by name."""

from dataclasses import dataclass
from pathlib import Path

from distmat.dataset.build import BuildSettings
from distmat.dataset.filters import NO_FILTERS
from distmat.errors import DatasetError
from distmat.protein.sequence import quote
from distmat.workspace import checkpoint_path


@dataclass(frozen=True)
class Preset:
    """What is built, and how.

    Parameters
    ----------
    words : str
        What it is, for people.
    inputs : tuple of str
    settings : BuildSettings
    """

    words: str
    inputs: tuple[str, ...]
    settings: BuildSettings


PRESETS = {
    "mini": "the chains that the shipped model was trained and validated on, by id; 300 of the "
    "10,058 came from files without one and are listed as left out"
}
"""Names, and what each is."""


def preset(name: str) -> Preset:
    """A preset by its name.

    Raises
    ------
    DatasetError
        If there is none of that name.
    """
    if name not in PRESETS:
        raise DatasetError(f"There is no preset {quote(name)}; there is: {', '.join(PRESETS)}.")
    chains = Path(checkpoint_path(name)) / "chains.csv"
    # Which chains, and which split each belongs to, is all in the list.
    settings = BuildSettings(filters=NO_FILTERS, deduplicate=False)
    return Preset(PRESETS[name], (str(chains),), settings)
