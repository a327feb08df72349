"""Datasets that can be built by name, from lists of ids that ship."""

from dataclasses import dataclass

from distmat.dataset.build import BuildSettings
from distmat.dataset.filters import NO_FILTERS
from distmat.errors import DatasetError
from distmat.protein.sequence import quote
from distmat.workspace import shipped_file


@dataclass(frozen=True)
class Preset:
    """What is built, and how.

    Parameters
    ----------
    words : str
        What it is, for people.
    entries : int
        Of the Protein Data Bank that are downloaded.
    chain_list : str
        Place of the list of its chains among what ships.
    """

    words: str
    entries: int
    chain_list: str

    @property
    def inputs(self) -> tuple[str, ...]:
        """What it is built from."""
        return (str(shipped_file(self.chain_list)),)

    @property
    def settings(self) -> BuildSettings:
        """Which chains, and which split each belongs to, is all in the list."""
        return BuildSettings(filters=NO_FILTERS, deduplicate=False)


PRESETS = {
    "mini": Preset(
        "the chains that the shipped model was trained and validated on, by id; 300 of the 10,058 "
        "came from files without one and are listed as left out",
        7_400,
        "checkpoints/mini/chains.csv",
    ),
    "benchmark": Preset(
        "the validation and test chains of the figures in the README, by id",
        1_148,
        "benchmark/chains.csv",
    ),
    "foldbench": Preset(
        "the 334 single chains of FoldBench, released after 2022, on which others have published "
        "their scores; some are designed",
        334,
        "benchmark/foldbench.csv",
    ),
}
"""What each is, by its name."""


def preset(name: str) -> Preset:
    """A preset by its name.

    Raises
    ------
    DatasetError
        If there is none of that name.
    """
    if name not in PRESETS:
        raise DatasetError(f"There is no preset {quote(name)}; there is: {', '.join(PRESETS)}.")
    return PRESETS[name]
