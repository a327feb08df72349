"""CSV files that a spreadsheet opens without taking a cell for a formula."""

import csv
import io
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import IO, Any

_FORMULA = re.compile(r"[\s'\"]*[=+\-@]")
"""What a spreadsheet runs: see OWASP's "CSV Injection"."""


def inert(value: Any) -> Any:
    """A cell that no spreadsheet takes for a formula: texts that begin like one get an apostrophe.

    Parameters
    ----------
    value : object
        Numbers stay as they are, also as texts.
    """
    if not isinstance(value, str):
        return value
    # Python's writer doesn't quote it.
    value = value.replace("\r", " ")
    if not _FORMULA.match(value):
        return value
    try:
        float(value)
    except ValueError:
        return f"'{value}"
    return value


def write_table(
    file: IO[str], header: Sequence[str], rows: Iterable[Mapping[str, Any] | Sequence[Any]]
) -> None:
    """Write rows under a header.

    Parameters
    ----------
    file : text file
        Open for writing.
    header : sequence of str
    rows : iterable of mapping or sequence
        Of a mapping what the header names; what it lacks is left empty.
    """
    table = csv.writer(file, lineterminator="\n")
    table.writerow(map(inert, header))
    for row in rows:
        cells = [row.get(name, "") for name in header] if isinstance(row, Mapping) else row
        table.writerow(map(inert, cells))


def table_text(columns: Mapping[str, Iterable[Any]]) -> str:
    """The same for columns by their heads; what is no number (NaN) is left empty.

    Parameters
    ----------
    columns : mapping of str to iterable
        All of one length; a data frame is one.

    Returns
    -------
    str
    """
    file = io.StringIO()
    parts = [["" if value != value else value for value in columns[name]] for name in columns]
    write_table(file, list(columns), zip(*parts, strict=True))
    return file.getvalue()
