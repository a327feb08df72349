"""What a dataset's Parquet file may hold, column by column.

Everything is checked here, once, before it is used; messages begin with the file and the row.
"""

import re
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from distmat.errors import DatasetError
from distmat.protein.sequence import ALPHABET, UNKNOWN, quote

SPLITS = ("train", "val", "test")
"""What the column ``split`` may hold."""

LONGEST_CHAIN = 100_000
"""Residues of a chain at most; the longest protein known has a third."""
MOST_ROWS = 20_000_000
LARGEST_COORDINATE = 1e5
"""Å; the largest that a structure file can say."""

_TEXTS = ("id", "sequence", "split", "method", "title", "source")
_LARGEST_RATIO = 200
"""A file that holds more than so many times its size is a trap; coordinates shrink little."""
_ALWAYS_ALLOWED = 2**28
"""Bytes up to which any ratio is harmless."""
_WRONG_LETTER = re.compile(f"[^{ALPHABET}{UNKNOWN}]")


def schema() -> Any:
    """Columns and types of a dataset that is written here."""
    import pyarrow as pa

    numbers, text = pa.float32(), pa.string()
    return pa.schema(
        {
            "id": text,
            "length": pa.int32(),
            "sequence": text,
            "ca": pa.list_(pa.list_(numbers, 3)),
            "cluster": pa.int32(),
            "group": pa.int32(),
            "rep": pa.bool_(),
            "split": text,
            "resolution": numbers,
            "method": text,
            "title": text,
            "source": text,
            "missing": pa.int32(),
            "breaks": pa.int32(),
            "rg": numbers,
            "helix": numbers,
            "strand": numbers,
        }
    )


def known_columns() -> list[str]:
    """All columns that anything here reads."""
    return [*schema().names, "homologues"]


def check_batches(
    file: Any,
    name: str,
    columns: list[str],
    rows: int,
    groups: list[int] | None = None,
    before: int = 0,
) -> Iterator[Any]:
    """The rows of an open Parquet file, column by column of a type and content that is known.

    Parameters
    ----------
    file : pyarrow ParquetFile
    name : str
        What to call it in an error.
    columns : list of str
        Of `known_columns`, and in the file.
    rows : int
        Of a batch, at most.
    groups : list of int, optional
        The groups of rows to read, and in `before` how many rows come before them; all of them
        if not given.

    Yields
    ------
    pyarrow RecordBatch
        Texts are strings, whole numbers int64, others float32, ``rep`` boolean, ``homologues``
        lists of strings, and ``ca`` lists of float32, three for each residue.

    Raises
    ------
    DatasetError
        If a column has another type, a value is missing or out of its range, a text is no
        UTF-8, or the file holds more than it can.
    """
    import pyarrow as pa

    if file.metadata.num_rows > MOST_ROWS:
        raise DatasetError(f"{name} has more than {MOST_ROWS:,} rows; give a smaller dataset.")
    size = sum(part.total_compressed_size for part in _chunks(file))
    limit = max(_ALWAYS_ALLOWED, _LARGEST_RATIO * max(size, 0))
    total = 0
    most = _rows_of_a_batch(file, columns, rows)
    for batch in file.iter_batches(most, row_groups=groups, columns=columns):
        try:
            batch.validate(full=True)
        except pa.ArrowInvalid as error:
            raise DatasetError(
                f"{name}, rows {before + 1} to {before + len(batch)} hold what is no text or no "
                f"list ({str(error).splitlines()[0][:100]}); write the dataset again."
            ) from None
        arrays = {
            column: _check_column(batch.column(column), column, name, before) for column in columns
        }
        # Only now is a text that was told once there in each row that means it.
        total += sum(array.nbytes for array in arrays.values())
        if total > limit:
            raise DatasetError(
                f"{name} unpacks to far more than chains would ({_LARGEST_RATIO} times its size); "
                "give another dataset."
            )
        yield pa.RecordBatch.from_pydict(arrays)
        before += len(batch)


def sequences_only(file: Any, name: str) -> Iterator[str]:
    """The column ``sequence`` of an open Parquet file that needn't be a dataset.

    Raises
    ------
    DatasetError
        As `check_batches`.
    """
    for batch in check_batches(file, name, ["sequence"], 4096):
        yield from batch.column(0).to_pylist()


def _chunks(file: Any) -> Iterator[Any]:
    for group in range(file.metadata.num_row_groups):
        rows = file.metadata.row_group(group)
        for column in range(rows.num_columns):
            yield rows.column(column)


def _rows_of_a_batch(file: Any, columns: list[str], most: int) -> int:
    """So few that a text, told once and meant in each row, can't fill the memory."""
    largest = max(
        (
            part.total_uncompressed_size
            for part in _chunks(file)
            if part.path_in_schema.partition(".")[0] in columns
            and any("DICTIONARY" in kind for kind in part.encodings)
        ),
        default=0,
    )
    return max(1, min(most, _ALWAYS_ALLOWED // max(largest, 1)))


def _check_column(values: Any, column: str, name: str, before: int) -> Any:
    import pyarrow as pa

    if column == "ca":
        return _flat_coordinates(values, name, before)
    kind: Any
    if column in _TEXTS:
        kind, words = pa.string(), "text"
    elif column == "homologues":
        kind, words = pa.list_(pa.string()), "lists of text"
    elif column == "rep":
        kind, words = pa.bool_(), "true or false"
    elif pa.types.is_floating(schema().field(column).type):
        kind, words = pa.float32(), "numbers"
    else:
        kind, words = pa.int64(), "whole numbers"
    values = _cast(values, kind, words, column, name)
    _CHECKS.get(column, _accept)(values.to_pylist(), name, before)
    return values


def _cast(values: Any, kind: Any, words: str, column: str, name: str) -> Any:
    import pyarrow as pa

    given = values.type
    # A text that says 1 or true is no number; arrow would read it as one.
    text = pa.types.is_string(given) or pa.types.is_large_string(given)
    fits = column in _TEXTS or column == "homologues" or not text
    # Of other numbers, all but 0 would be true.
    if pa.types.is_boolean(kind) and not pa.types.is_boolean(given):
        fits = pa.types.is_integer(given) and set(values.to_pylist()) <= {0, 1, None}
    try:
        if fits or pa.types.is_null(given):
            return values.cast(kind)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        pass
    raise DatasetError(
        f"{name}: the column '{column}' is of type {str(given)[:60]}; it must hold {words}."
    )


def _flat_coordinates(values: Any, name: str, before: int) -> Any:
    """Lists of numbers of lists of numbers, or of threes; each number in its range."""
    import pyarrow as pa
    import pyarrow.compute as pc

    triples = pa.list_(pa.list_(pa.float32(), 3))
    try:
        values = _as_list(values)
        inner = values.type.value_type
        if pa.types.is_floating(inner) or pa.types.is_integer(inner) or pa.types.is_null(inner):
            flat = values.cast(pa.list_(pa.float32()))
        else:
            flat = _join_triples(values.cast(triples))
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError, TypeError):
        raise DatasetError(
            f"{name}: the column 'ca' is of type {str(values.type)[:60]}, or a place in it hasn't "
            "three numbers; it must hold x, y and z of each residue."
        ) from None
    numbers = flat.values.fill_null(float("nan"))
    outside = pc.greater(pc.abs(numbers), LARGEST_COORDINATE)
    if pc.any(outside).as_py():
        where = int(np.flatnonzero(outside.to_numpy(zero_copy_only=False))[0])
        row = int(np.searchsorted(flat.offsets.to_numpy(), where, side="right"))
        raise DatasetError(
            f"{name}, row {before + row} has a coordinate of {numbers[where].as_py():g} Å; none "
            f"is beyond {LARGEST_COORDINATE:,.0f} Å."
        )
    empty = flat.is_null()
    return pa.ListArray.from_arrays(flat.offsets, numbers, mask=empty)


def _as_list(values: Any) -> Any:
    import pyarrow as pa

    if pa.types.is_null(values.type):
        return values.cast(pa.list_(pa.float32()))
    if not hasattr(values.type, "value_type"):
        raise TypeError("no list")
    return values.cast(pa.list_(values.type.value_type))


def _join_triples(values: Any) -> Any:
    """A list of threes as one list of numbers."""
    import pyarrow as pa

    triples = values.values
    if triples.null_count:
        raise TypeError("a place is null")
    offsets = values.offsets.to_numpy() * 3
    return pa.ListArray.from_arrays(
        pa.array(offsets, pa.int32()), triples.values, mask=values.is_null()
    )


def _accept(values: list[Any], name: str, before: int) -> None:
    """Whatever is of the right type, or missing."""


def _check_ids(values: list[Any], name: str, before: int) -> None:
    for row, value in enumerate(values, start=before + 1):
        if not value or len(value) > 1000:
            what = "a name of thousands of letters" if value else "no name"
            raise DatasetError(f"{name}, row {row} has {what} in 'id'; give each chain its own.")


def _check_sequences(values: list[Any], name: str, before: int) -> None:
    for row, value in enumerate(values, start=before + 1):
        if not value:
            raise DatasetError(f"{name}, row {row} has no sequence; leave the row out.")
        if len(value) > LONGEST_CHAIN:
            raise DatasetError(
                f"{name}, row {row} has {len(value):,} residues; no chain has more than "
                f"{LONGEST_CHAIN:,}."
            )
        if wrong := _WRONG_LETTER.search(value):
            raise DatasetError(
                f"{name}, row {row}, residue {wrong.start() + 1} is {quote(wrong.group())}, which "
                f"is no amino acid; use one of {ALPHABET}, or {UNKNOWN} for an unknown one."
            )


def _check_splits(values: list[Any], name: str, before: int) -> None:
    for row, value in enumerate(values, start=before + 1):
        if value is not None and value not in SPLITS:
            raise DatasetError(
                f"{name}, row {row} has the split {quote(value)}; it must be train, val or test."
            )


def _check_homologues(values: list[Any], name: str, before: int) -> None:
    for row, texts in enumerate(values, start=before + 1):
        for text in texts or ():
            if text is None or _WRONG_LETTER.search(text):
                raise DatasetError(
                    f"{name}, row {row} has a homologue that is no sequence; leave it out."
                )


_CHECKS: dict[str, Callable[[list[Any], str, int], None]] = {
    "id": _check_ids,
    "sequence": _check_sequences,
    "split": _check_splits,
    "homologues": _check_homologues,
}
