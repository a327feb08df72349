"""A prediction's files in a folder."""

import re
from collections.abc import Sequence
from pathlib import Path

from distmat.export.formats import FORMATS
from distmat.export.source import Source
from distmat.workspace import replace_file


def write_prediction(source: Source, folder: Path, stem: str, formats: Sequence[str]) -> None:
    """Write a prediction's files, each whole or not at all.

    Parameters
    ----------
    source : Source
    folder : Path
    stem : str
        Of the files' names.
    formats : sequence of str
        Of `FORMATS`; what needs a structure is passed over where none is known.
    """
    for form in (FORMATS[key] for key in formats):
        if form.fits(source):
            with replace_file(folder / f"{stem}{form.suffix}", "wb") as file:
                file.write(form.content(source))


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
