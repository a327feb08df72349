"""The datasets of the workspace: which there are, and how to be rid of one."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from distmat.access import check_may_change
from distmat.dataset.card.files import read_card
from distmat.dataset.store import open_parquet
from distmat.errors import DatasetError
from distmat.protein.sequence import quote
from distmat.workspace import workspace

CARD_SUFFIXES = (".json", ".md", ".rejects.csv")
"""Of the files beside a dataset."""


@dataclass(frozen=True)
class Summary:
    """A dataset of the workspace.

    Parameters
    ----------
    name : str
    path : Path
    size : int
        Bytes of the Parquet file.
    chains : int
    card : dict
        Empty where there is none or it can't be read.
    fault : str
        Why the file can't be used; ``""`` if it can.
    """

    name: str
    path: Path
    size: int
    chains: int
    card: dict[str, Any]
    fault: str = ""

    def split_sizes(self) -> dict[str, int]:
        """Chains of each split that has any; empty without a card."""
        parts = self.card.get("splits", {})
        return {name: part["chains"] for name, part in parts.items() if part["chains"]}


def list_datasets() -> list[Summary]:
    """All datasets of the workspace by name; a damaged one comes with its fault."""
    folder = workspace() / "datasets"
    return [_summary(path) for path in sorted(folder.glob("*.parquet")) if path.name[0] != "."]


def _summary(path: Path) -> Summary:
    size = path.stat().st_size
    try:
        with open_parquet(path) as file:
            chains = file.metadata.num_rows
    except DatasetError as error:
        return Summary(path.stem, path, size, 0, {}, str(error))
    if not chains:
        return Summary(path.stem, path, size, 0, {}, f"{path.name} holds no chain.")
    try:
        return Summary(path.stem, path, size, chains, read_card(path))
    except DatasetError as error:
        return Summary(path.stem, path, size, chains, {}, str(error))


def delete_dataset(name: str) -> list[Path]:
    """Delete a dataset of the workspace with its card and its list of rejects.

    Parameters
    ----------
    name : str
        Not a path: what lies elsewhere is nobody's to delete here.

    Returns
    -------
    list of Path
        What was deleted.

    Raises
    ------
    DatasetError
        If there is no such dataset.
    """
    check_may_change("delete datasets")
    known = {summary.name: summary.path for summary in list_datasets()}
    if name not in known:
        there = ", ".join(known) or "none yet"
        raise DatasetError(f"There is no dataset {quote(name)} to delete; there are: {there}.")
    path = known[name]
    files = [path, *(path.with_name(f"{name}{suffix}") for suffix in CARD_SUFFIXES)]
    deleted = [file for file in files if file.exists()]
    for file in deleted:
        file.unlink()
    return deleted
