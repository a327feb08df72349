"""A card's two files beside its dataset: for programs (.json) and for people (.md)."""

import json
from pathlib import Path
from typing import Any

from distmat.dataset.card.schema import card_fault
from distmat.dataset.card.words import markdown
from distmat.documents import DocumentError, read_json
from distmat.errors import DatasetError
from distmat.workspace import replace_file


def read_card(path: Path) -> dict[str, Any]:
    """The card beside a dataset.

    Parameters
    ----------
    path : Path
        Of the Parquet file.

    Returns
    -------
    dict
        Empty where there is none, as for files that were made elsewhere.

    Raises
    ------
    DatasetError
        If it can't be read.
    """
    place = Path(path).with_suffix(".json")
    if not place.exists():
        return {}
    try:
        content = read_json(place)
    except (OSError, DocumentError) as error:
        raise DatasetError(
            f"The card {place.name} can't be read ({' '.join(str(error).split())[:100]}); build "
            "the dataset again."
        ) from None
    if fault := card_fault(content):
        raise DatasetError(f"{place.name} is no dataset's card ({fault}); build the dataset again.")
    return content


def write_card(card: dict[str, Any], path: Path) -> None:
    """Write a card beside its dataset: for programs (.json) and for people (.md).

    Parameters
    ----------
    card : dict
    path : Path
        Of the Parquet file.
    """
    with replace_file(path.with_suffix(".json"), "w") as file:
        json.dump(card, file, indent=1, ensure_ascii=False)
    with replace_file(path.with_suffix(".md"), "w") as file:
        file.write(markdown(card))
