"""Lists of PDB ids and chains, as people, R, Excel and the PDB's own reports write them."""

import csv
import io
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from distmat.dataset.schema import SPLITS
from distmat.errors import DatasetError
from distmat.protein.entry_id import EntryId, parse_id
from distmat.protein.file_kind import decode_text, unpack
from distmat.protein.sequence import quote

_LARGEST = 64 * 2**20
"""Bytes of a list of ids; the whole PDB has fewer."""

_ID = ("id", "ids", "pdb", "pdbid", "pdbcode", "entry", "entryid")
_CHAIN = ("chain", "chains", "chainid", "pdbchain", "authasymid", "authchainid")
_LABEL_CHAIN = ("asymid", "labelasymid")
_MERGED = "entryid"
"""Columns as they are called, without case, blanks and marks; the PDB's reports name an entry in
the first of its rows alone."""

_DELIMITERS = ("\t", ";", ",", " ")


def read_ids(path: Path) -> list[tuple[str, str]]:
    """Read a list of PDB ids or chains.

    Parameters
    ----------
    path : Path
        One id or more a line, where what follows a ``#`` is a remark; or a table with a column
        of ids and, if there, ``chain`` and ``split``. Its cells may be quoted, and separated by
        commas, semicolons, tabs or blanks.

    Returns
    -------
    list of (str, str)
        Id in its normal form (see `distmat.protein.entry_id`), and split (``""`` where there is
        none). A table may hold other names, which come as they are: it was made by a program,
        and is no typing error.

    Raises
    ------
    DatasetError
        If the file can't be read, or a line of a plain list holds something else; the line is
        named. If a name is listed in two splits.
    """
    text = _text(path)
    rows = _table(path.name, text)
    found = list(_plain(path.name, text) if rows is None else rows)
    if not found:
        raise DatasetError(f"{path.name} holds no PDB id; write one a line, 1abc or 1abc_A.")
    for number, _, split in found:
        if split not in ("", *SPLITS):
            raise DatasetError(
                f"{path.name}, line {number}: {quote(split)} is no split; it must be train, val "
                "or test."
            )
    listed = [(name, split) for _, name, split in found]
    join_splits({}, listed, path.name)
    return listed


def join_splits(known: dict[str, str], listed: Sequence[tuple[str, str]], source: str) -> None:
    """Add the splits of a list to those that are known.

    Raises
    ------
    DatasetError
        If a name is known in another split: in train and test it would be learned by heart.
    """
    for name, split in listed:
        if split and known.setdefault(name, split) != split:
            raise DatasetError(
                f"{source} lists {quote(name)} as {split}, and it is listed as {known[name]}, "
                "too; give it one split."
            )


def _text(path: Path) -> str:
    try:
        if path.stat().st_size > _LARGEST:
            raise DatasetError(f"{path.name} is too large for a list of PDB ids; check it.")
        data = unpack(path.read_bytes(), _LARGEST)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or f"it is {error}"
        raise DatasetError(f"{path.name} can't be read ({reason}); give a list of ids.") from None
    if len(data) > _LARGEST:
        raise DatasetError(f"{path.name} is too large for a list of PDB ids; check it.")
    text = decode_text(data)
    if text is None:
        raise DatasetError(f"{path.name} can't be read (it is no text); give a list of ids.")
    return text


def _plain(file: str, text: str) -> Iterator[tuple[int, str, str]]:
    """Line, id and no split of each word."""
    for number, line in enumerate(text.splitlines(), start=1):
        for word in re.split(r"[\s,;]+", line.partition("#")[0]):
            name = word.strip("\"'")
            if not name:
                continue
            found = parse_id(name)
            if found is None:
                raise DatasetError(
                    f"{file}, line {number}: {quote(name)} is no PDB id; write 1abc or 1abc_A."
                )
            yield number, str(found), ""


def _table(file: str, text: str) -> Iterator[tuple[int, str, str]] | None:
    """Line, name and split of each row; None if no line at the top names a column of ids."""
    lines = text.splitlines()
    # Above the columns' names there may be remarks, Excel's mark, and the names of groups.
    for place, line in enumerate(lines[:5]):
        for delimiter in _DELIMITERS if not line.startswith("#") else ():
            names = [_plain_name(cell) for cell in _cells(line, delimiter)]
            if any(name in _ID for name in names):
                body = "\n".join(lines[place + 1 :])
                return _rows(file, names, body, delimiter, place + 1)
    return None


def _plain_name(cell: str) -> str:
    return re.sub(r"[^a-z0-9]", "", cell.lower())


def _cells(line: str, delimiter: str) -> list[str]:
    return next(csv.reader([line], delimiter=delimiter, skipinitialspace=True), [])


def _rows(
    file: str, names: list[str], body: str, delimiter: str, before: int
) -> Iterator[tuple[int, str, str]]:
    id_place = next(place for place, name in enumerate(names) if name in _ID)
    chain_place = next((place for place, name in enumerate(names) if name in _CHAIN), None)
    split_place = names.index("split") if "split" in names else None
    if chain_place is None and any(name in _LABEL_CHAIN for name in names):
        raise DatasetError(
            f"{file} has a column of label_asym_id, by which chains aren't called here; give the "
            "authors' ids (auth_asym_id)."
        )
    last = ""
    for number, row in _read(file, body, delimiter, before):
        cells = [*_without_row_name(row, len(names), id_place), *[""] * (len(names) - len(row))]
        name = cells[id_place]
        if not name and names[id_place] == _MERGED:
            name = last
        if not name:
            raise DatasetError(f"{file}, line {number} has no id; fill it in, or delete the line.")
        last = name
        chains = re.split(r"[\s,;]+", cells[chain_place]) if chain_place is not None else [""]
        split = cells[split_place].lower() if split_place is not None else ""
        for chain in chains:
            yield number, _join(file, number, name, chain), split


def _read(file: str, body: str, delimiter: str, before: int) -> Iterator[tuple[int, list[str]]]:
    reader = csv.reader(io.StringIO(body), delimiter=delimiter, skipinitialspace=True)
    try:
        for row in reader:
            cells = [cell.strip() for cell in row]
            if any(cells) and not cells[0].startswith("#"):
                yield before + reader.line_num, cells
    except csv.Error as error:
        raise DatasetError(
            f"{file}, line {before + reader.line_num} is no row of a table ({error}); check it."
        ) from None


def _without_row_name(row: list[str], columns: int, id_place: int) -> list[str]:
    """R writes the rows' names in a column that has none itself."""
    named = len(row) == columns + 1 and not parse_id(row[id_place]) and parse_id(row[id_place + 1])
    return row[1:] if named else row


def _join(file: str, number: int, name: str, chain: str) -> str:
    found = parse_id(name)
    if found is None:
        return f"{name}_{chain}" if chain else name
    if found.chain and chain and found.chain != chain:
        raise DatasetError(
            f"{file}, line {number}: the id is {quote(name)}, and the chain {quote(chain)}; give "
            "one of the two."
        )
    return str(EntryId(found.entry, found.chain or chain))
