"""A prediction as files."""

import json
import re
from collections.abc import Callable, Sequence
from pathlib import Path

from distmat.prediction import Prediction
from distmat.protein.map_file import contacts_text, csv_text, npy_bytes
from distmat.protein.structure.write import write_mmcif, write_pdb
from distmat.workspace import replace_file

FORMATS: dict[str, Callable[[Prediction], bytes]] = {
    "npy": lambda one: npy_bytes(one.map.distances),
    "csv": lambda one: csv_text(one.map).encode(),
    "rr": lambda one: contacts_text(one.map).encode(),
    "pdb": lambda one: write_pdb(one.map.sequence, one.backbone.coords).encode(),
    "cif": lambda one: write_mmcif(one.map.sequence, one.backbone.coords).encode(),
    "json": lambda one: json.dumps(one.as_dict(), indent=2).encode(),
}
"""What a prediction can be written as, by the file's ending."""


def write_prediction(
    prediction: Prediction, folder: Path, stem: str, formats: Sequence[str] = tuple(FORMATS)
) -> None:
    """Write a prediction's files, each whole or not at all."""
    for ending in formats:
        with replace_file(folder / f"{stem}.{ending}", "wb") as file:
            file.write(FORMATS[ending](prediction))


def file_stems(names: Sequence[str]) -> list[str]:
    """For each name one that is safe as a file's, and that no other has in any case of letters."""
    taken: set[str] = set()
    numbers: dict[str, int] = {}
    stems = []
    for name in names:
        stem = re.sub(r"[^A-Za-z0-9._-]+", "_", name).strip("._")[:80] or "sequence"
        unique = stem
        while unique.lower() in taken:
            numbers[stem.lower()] = numbers.get(stem.lower(), 1) + 1
            unique = f"{stem}_{numbers[stem.lower()]}"
        taken.add(unique.lower())
        stems.append(unique)
    return stems
