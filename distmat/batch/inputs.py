"""What a person wants predicted all at once: sequences, tables, structures, archives of them."""

import csv
import io
import re
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from distmat.dataset.archive import is_archive, unpack
from distmat.dataset.store import stream_rows
from distmat.errors import DistmatError, SequenceError
from distmat.protein.file_kind import FileKind, decode_text, kind_of_file
from distmat.protein.query import (
    SEQUENCE_SUFFIXES,
    STRUCTURE_SUFFIXES,
    Query,
    read_query_path,
    read_query_text,
)
from distmat.protein.sequence import check_letters, is_nucleic, quote

_TABLES = (".csv", ".tsv")
_NAMES = ("id", "name", "entry", "accession")
"""Headings of a table's column of names, the first of them that is there."""
_SEQUENCES = ("sequence", "seq")
_LARGEST_TABLE = 256 * 2**20
_MEMBER = re.compile(rf"\.({'|'.join((*SEQUENCE_SUFFIXES, *STRUCTURE_SUFFIXES))})(\.gz)?$", re.I)


@dataclass(frozen=True)
class Refused:
    """A part of the input that can't be predicted.

    Parameters
    ----------
    name : str
        Of the file.
    reason : str
        A sentence.
    """

    name: str
    reason: str


def read_inputs(
    paths: Sequence[Path], amino_acids: bool = False
) -> tuple[list[Query], list[Refused]]:
    """Everything in some files and folders.

    Parameters
    ----------
    paths : sequence of Path
        Files of sequences, alignments (whose first row is the query) or structures; tables
        (.csv, .tsv, or Parquet as datasets are) with a column 'sequence' and, if there, one
        called 'id' or 'name'; ZIP or tar archives and folders of such files.
    amino_acids : bool
        See `distmat.protein.sequence.read_sequences`.

    Returns
    -------
    list of Query, list of Refused
        Of an archive or folder, one bad file is refused and the others are read.

    Raises
    ------
    DistmatError
        If a file that was named can't be read, or nothing is left.
    """
    queries: list[Query] = []
    refused: list[Refused] = []
    for path in paths:
        if path.is_dir() or is_archive(path):
            for name, found in _members(path, amino_acids):
                if isinstance(found, DistmatError):
                    refused.append(Refused(name, str(found)))
                else:
                    queries += found
        else:
            queries += _read(path, amino_acids)
    if not queries:
        first = f" The first: {refused[0].reason}" if refused else ""
        raise SequenceError(f"There is no sequence and no structure in what you gave.{first}")
    return queries, refused


def is_collection(path: Path) -> bool:
    """Whether it is a folder, an archive or a table, and no file of sequences or a structure."""
    if path.is_dir() or is_archive(path) or path.suffix.lower() in _TABLES:
        return True
    return kind_of_file(path) is FileKind.PARQUET


def _members(path: Path, amino_acids: bool) -> Iterator[tuple[str, list[Query] | DistmatError]]:
    with tempfile.TemporaryDirectory(prefix="distmat-batch-") as folder:
        if path.is_dir():
            there = [one for one in sorted(path.rglob("*")) if one.is_file()]
            files = [(str(f.relative_to(path)), f) for f in there if _MEMBER.search(f.name)]
        else:
            files = unpack(path, Path(folder), _MEMBER)
        for name, file in files:
            try:
                found = _read(file, amino_acids)
            except DistmatError as error:
                yield name, error
                continue
            if path.is_dir():
                yield name, found
            else:
                # Unpacked files have names of our own.
                stem = re.sub(r"\.gz$", "", file.name).rpartition(".")[0]
                given = _MEMBER.sub("", Path(name).name)
                yield name, [replace(one, name=one.name.replace(stem, given)) for one in found]


def _read(path: Path, amino_acids: bool) -> list[Query]:
    kind = kind_of_file(path)
    if kind is FileKind.PARQUET:
        return [
            Query(chain.name, chain.sequence, chain if chain.observed.any() else None)
            for chain in (row["chain"] for row in stream_rows(path, ()))
        ]
    if path.suffix.lower() in _TABLES:
        return _read_table(path, amino_acids)
    return read_query_path(path, amino_acids)


def _read_table(path: Path, amino_acids: bool) -> list[Query]:
    called = quote(path.name, 200)
    if path.stat().st_size > _LARGEST_TABLE:
        raise SequenceError(f"{called} is larger than {_LARGEST_TABLE // 2**20} MiB; split it.")
    text = decode_text(path.read_bytes())
    if text is not None:
        text = text.removeprefix("\ufeff").lstrip()
    else:
        raise SequenceError(f"{called} is no text; give a table as CSV or TSV.")
    first = text.partition("\n")[0]
    rows = csv.DictReader(io.StringIO(text), delimiter=max("\t;,", key=first.count))
    try:
        columns = {str(name).strip().lower(): name for name in rows.fieldnames or ()}
        column = next((columns[name] for name in _SEQUENCES if name in columns), None)
        if column is None:
            if len(columns) < 2:
                return read_query_text(text, amino_acids)
            raise SequenceError(
                f"{called} has no column 'sequence'; its first line must name the columns."
            )
        names = next((columns[name] for name in _NAMES if name in columns), None)
        return [
            _of_row(row, column, names, number, called, amino_acids)
            for number, row in enumerate(rows, start=2)
        ]
    except csv.Error as error:
        raise SequenceError(f"{called} is no table ({error}); save it as CSV again.") from None


def _of_row(
    row: dict, column: str, names: str | None, line: int, called: str, amino_acids: bool
) -> Query:
    letters = check_letters(row[column] or "", f"{called}, line {line}")
    if not amino_acids and is_nucleic(letters):
        raise SequenceError(
            f"{called}, line {line} looks like DNA or RNA; translate it, or say that it is amino "
            "acids."
        )
    return Query(str(row[names] or "").strip() if names else f"row {line - 1}", letters)
