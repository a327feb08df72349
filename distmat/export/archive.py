"""All files of a prediction in one ZIP, with a README of how they were made."""

import io
import zipfile

from distmat import __version__
from distmat.export.formats import FORMATS, precision_words
from distmat.export.source import Source
from distmat.scoring.map_scores import MAP_SCORES

KIND = "application/zip"
_DATE = (1980, 1, 1, 0, 0, 0)
"""Of every file in the archive, so that equal content makes equal archives."""


def archive(source: Source, stem: str) -> bytes:
    """Everything that can be made of a source.

    Parameters
    ----------
    source : Source
    stem : str
        Of the files' names.
    """
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as packed:
        for name, content in [
            ("README.txt", readme(source, stem).encode()),
            *((f"{stem}{f.suffix}", f.content(source)) for f in FORMATS.values() if f.fits(source)),
        ]:
            packed.writestr(zipfile.ZipInfo(name, _DATE), content, zipfile.ZIP_DEFLATED)
    return buffer.getvalue()


def readme(source: Source, stem: str) -> str:
    """How the files of a prediction were made, and what each holds."""
    one = source.prediction
    lines = [
        "A predicted distance map and the backbone that it implies",
        "=" * 57,
        "",
        f"Made by distmat {__version__} with the checkpoint '{source.checkpoint}'.",
        f"Sequence, {len(one.map):,} residues:",
        *(f"  {one.map.sequence[at : at + 60]}" for at in range(0, len(one.map), 60)),
        "",
        "Distances are in angstrom, between CA atoms; residues count from 1.",
    ]
    if one.templates:
        names = ", ".join(f"{t.name} ({t.identity:.0%} identical)" for t in one.templates)
        lines.append(f"Known structures that it rests on: {names}.")
    else:
        lines.append("Predicted from the sequence alone, without known structures.")
    if one.training_overlap is not None:
        relatives = "relatives of it were" if one.training_overlap.relatives else "no relative was"
        lines.append(f"Of this chain {relatives} in the checkpoint's training.")
    lines += ["", "How the backbone was built:", *(f"  {step}" for step in one.backbone.steps)]
    if one.comparison is not None:
        lines += ["", f"Against the structure: {one.comparison.verdict.sentence()}"]
        lines.append(f"  {'':<28}{'model':>10}{'separation only':>18}")
        for score in MAP_SCORES.list_shown("table"):
            values = [side.values.get(score.key) for side in _sides(source)]
            if None not in values:
                ours, theirs = (score.number(value) for value in values)
                lines.append(f"  {score.column:<28}{ours:>10}{theirs:>18}")
    lines += [
        "",
        f"Restraints are of pairs whose deviation is at most {source.threshold:g} angstrom.",
        precision_words(source),
        "",
        "Files:",
        *(f"  {stem}{f.suffix:<16}{f.hint}" for f in FORMATS.values() if f.fits(source)),
        "",
        "It is a CA trace: the full backbone and side chains are out of scope.",
        "",
    ]
    return "\n".join(lines)


def _sides(source: Source):
    comparison = source.prediction.comparison
    return () if comparison is None else (comparison.model, comparison.baseline)
