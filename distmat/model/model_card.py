"""The card of a checkpoint: the README in its folder, which tells what was measured."""

import re
from dataclasses import dataclass
from pathlib import Path

CARD = "README.md"

SCORES, WITH_LIBRARY = "How good it is", "With its library"
"""Sections of a card that begin with a table of scores beside the baseline's."""


@dataclass(frozen=True)
class MeasuredScores:
    """What a section of a card says.

    Parameters
    ----------
    text : str
        How it was measured, as Markdown.
    rows : tuple of dict
        Of the table, by its header; the cells are Markdown.
    """

    text: str
    rows: tuple[dict[str, str], ...]


def read_measured_scores(checkpoint: Path, section: str = SCORES) -> MeasuredScores | None:
    """The first table of a section of a checkpoint's card, and what stands before it.

    Parameters
    ----------
    checkpoint : Path
        Its folder.
    section : str
        Heading of the section, such as `SCORES`.

    Returns
    -------
    MeasuredScores or None
        None where there is no card, no such section, or no table in it.
    """
    try:
        card = (checkpoint / CARD).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return None
    for part in re.split(r"^## ", card, flags=re.MULTILINE)[1:]:
        heading, _, body = part.partition("\n")
        if heading.strip() == section:
            return _first_table(body)
    return None


def _first_table(body: str) -> MeasuredScores | None:
    before, bar, rest = body.partition("\n|")
    lines = (bar + rest).strip().splitlines()
    table = [_cells(line) for line in lines[: _end_of_table(lines)]]
    if len(table) < 3:
        return None
    header, _, *rows = table
    return MeasuredScores(
        " ".join(before.split()), tuple(dict(zip(header, row, strict=False)) for row in rows)
    )


def _end_of_table(lines: list[str]) -> int:
    return next((k for k, line in enumerate(lines) if not line.startswith("|")), len(lines))


def _cells(line: str) -> list[str]:
    return [cell.strip() for cell in line.strip().strip("|").split("|")]
