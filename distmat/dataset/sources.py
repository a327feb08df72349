"""What a dataset is built from: folders, globs, files, archives, lists of ids, JSON files."""

import csv
import glob
import os
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from distmat.dataset.archive import is_archive, unpack
from distmat.errors import DatasetError
from distmat.protein.sequence import quoted

STRUCTURE_NAME = re.compile(r"\.(pdb|ent|cif|mmcif|bcif|mmtf)(\.gz)?$", re.IGNORECASE)
"""Names that structure files have; MMTF is among them so that it is refused with a reason."""

_LISTS = (".txt", ".csv", ".tsv", ".lst", ".list", ".ids")
_ID = re.compile(r"(?P<entry>[0-9][A-Za-z0-9]{3}|pdb_[0-9a-z]{8})(?:[_:](?P<chain>[\w.+-]{1,20}))?")
_ROWS = 1024
"""Of a dataset, read at a time."""
_LONGEST_LIST = 64 * 2**20
"""Bytes of a list of ids; the whole PDB has fewer."""


@dataclass(frozen=True)
class Item:
    """One thing to read chains from.

    Parameters
    ----------
    kind : str
        ``"file"``, a structure file; ``"entry"``, one of the PDB's; ``"json"``, a file of the
        published pipeline; ``"rows"``, some of a dataset; ``"unknown"``, a name in a table of
        ids that is no PDB id.
    label : str
        What a person calls it, as in the list of rejects.
    path : str
        Of the file; of an entry, the id by which it is downloaded.
    chains : tuple of str
        Names of the chains wanted; all if empty.
    state : tuple of int
        Size and time of change of the file, by which a changed one is known.
    rows : tuple of int
        First row, and the one after the last, of a dataset.
    """

    kind: str
    label: str
    path: str
    chains: tuple[str, ...] = ()
    state: tuple[int, ...] = ()
    rows: tuple[int, ...] = ()


@dataclass(frozen=True)
class Listing:
    """All items in order, the splits that lists ask for, and what was passed over.

    Parameters
    ----------
    items : tuple of Item
    splits : dict
        Split by chain name, where a list has a column ``split``.
    passed_over : int
        Files in folders and archives that aren't called as structure files are.
    """

    items: tuple[Item, ...]
    splits: dict[str, str]
    passed_over: int


def list_items(inputs: Sequence[str], unpacked: Path) -> Listing:
    """Everything that the inputs name, in an order that the same inputs always give.

    Parameters
    ----------
    inputs : sequence of str
        Folders (searched through), globs such as ``pdbbind/*/*_protein.pdb``, structure files,
        ZIP and tar archives, lists of PDB ids or chains (``1abc``, ``1abc_A``) as text or CSV,
        JSON files of the published pipeline, Parquet datasets; or such an id itself.
    unpacked : Path
        Folder that archives are unpacked into.

    Raises
    ------
    DatasetError
        If an input is nothing of all that, or there is nothing in it.
    """
    items: list[Item] = []
    splits: dict[str, str] = {}
    wanted: dict[str, set[str]] = {}
    passed_over = 0
    for number, text in enumerate(inputs):
        path = Path(text)
        if _exists(path) and path.is_dir():
            found, others = _in_folder(path)
            if not found:
                raise DatasetError(
                    f"The folder {quoted(text, 200)} holds no structure file (.pdb, .ent, .cif, "
                    ".mmcif, .bcif, also .gz); check its name."
                )
            items += found
            passed_over += others
        elif _exists(path):
            items += _of_file(path, unpacked / str(number), wanted, splits)
        elif glob.has_magic(text):
            matches = sorted(glob.glob(text, recursive=True))
            if not matches:
                raise DatasetError(f"Nothing is called {quoted(text, 200)}; check the pattern.")
            for place, match in enumerate(matches):
                if os.path.isfile(match):
                    folder = unpacked / f"{number}.{place}"
                    items += _of_file(Path(match), folder, wanted, splits)
        elif _ID.fullmatch(text):
            _want([text], wanted)
        else:
            raise DatasetError(
                f"There is no file or folder {quoted(text, 200)}, and it is no PDB id; check it."
            )
    items += [
        Item("entry", entry, entry, tuple(sorted(chains - {""})) if "" not in chains else ())
        for entry, chains in wanted.items()
    ]
    if not items:
        raise DatasetError("There is nothing to build from; give a folder, files or PDB ids.")
    return Listing(tuple(items), splits, passed_over)


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    # A name with a NUL byte, or longer than any file system allows.
    except (ValueError, OSError):
        return False


def _in_folder(folder: Path) -> tuple[list[Item], int]:
    found, others = [], 0
    for root, folders, names in os.walk(folder):
        folders.sort()
        for name in sorted(names):
            if STRUCTURE_NAME.search(name):
                path = Path(root, name)
                found.append(_file(path, str(path.relative_to(folder))))
            else:
                others += 1
    return found, others


def _file(path: Path, label: str) -> Item:
    try:
        state = path.stat()
        return Item("file", label, str(path.absolute()), (), (state.st_size, state.st_mtime_ns))
    # A link to nowhere: whoever reads it will say so.
    except OSError:
        return Item("file", label, str(path.absolute()))


def _of_file(
    path: Path, folder: Path, wanted: dict[str, set[str]], splits: dict[str, str]
) -> list[Item]:
    """The items of a file; the chains of a list are added to `wanted` and `splits`."""
    suffix = path.suffix.lower()
    if is_archive(path):
        members = unpack(path, folder, STRUCTURE_NAME)
        if not members:
            raise DatasetError(
                f"The archive {quoted(path.name, 200)} holds no structure file; check it."
            )
        state = path.stat()
        # The unpacked copies are new each time; what they are copies of is not.
        known = (state.st_size, state.st_mtime_ns)
        return [
            Item("file", f"{path.name}:{name}", str(copy.absolute()), (), known)
            for name, copy in members
        ]
    if suffix == ".json":
        return [Item("json", path.name, str(path.absolute()), (), _file(path, "").state)]
    if suffix == ".parquet":
        return _rows_of(path)
    if suffix in _LISTS:
        unknown = []
        for name, split in read_ids(path):
            if not _ID.fullmatch(name):
                unknown.append(Item("unknown", name, path.name))
                continue
            _want([name], wanted)
            if split:
                splits[name] = split
        return unknown
    return [_file(path, path.name)]


def _rows_of(path: Path) -> list[Item]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        n = pq.read_metadata(path).num_rows
    except (pa.ArrowException, OSError) as error:
        reason = str(error).splitlines()[0]
        raise DatasetError(f"{path.name} can't be read as Parquet ({reason}); check it.") from None
    state = _file(path, "").state
    return [
        Item("rows", path.name, str(path.absolute()), (), state, (first, min(n, first + _ROWS)))
        for first in range(0, n, _ROWS)
    ]


def _want(names: Iterable[str], wanted: dict[str, set[str]]) -> None:
    for name in names:
        match = _ID.fullmatch(name)
        assert match is not None  # noqa: S101  (both callers have looked)
        entry, chain = match["entry"].lower(), match["chain"]
        wanted.setdefault(entry, set()).add(f"{entry}_{chain}" if chain else "")


def read_ids(path: Path) -> list[tuple[str, str]]:
    """Read a list of PDB ids or chains.

    Parameters
    ----------
    path : Path
        One id or more a line, or CSV with the columns ``id`` and, if there, ``split``; what
        follows a ``#`` is a remark.

    Returns
    -------
    list of (str, str)
        Id, with the entry in lower case, and split (``""`` where there is none). A table may
        hold other names, which come as they are: it was made by a program, and is no typing error.

    Raises
    ------
    DatasetError
        If the file can't be read, or a line of a plain list holds something else; the line is
        named.
    """
    try:
        if path.stat().st_size > _LONGEST_LIST:
            raise DatasetError(f"{path.name} is too large for a list of PDB ids; check it.")
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is no text"
        raise DatasetError(f"{path.name} can't be read ({reason}); give a list of ids.") from None
    lines = text.splitlines()
    delimiter = "\t" if lines and "\t" in lines[0] else ","
    header = [word.strip().lower() for word in lines[0].split(delimiter)] if lines else []
    is_table = "id" in header
    if is_table:
        table = csv.DictReader(lines[1:], fieldnames=header, delimiter=delimiter)
        named = [
            (number, (row["id"] or "").strip(), (row.get("split") or "").strip())
            for number, row in enumerate(table, start=2)
        ]
    else:
        named = [
            (number, word, "")
            for number, line in enumerate(lines, start=1)
            for word in re.split(r"[\s,;]+", line.partition("#")[0].strip())
            if word
        ]
    found = []
    for number, name, split in named:
        match = _ID.fullmatch(name)
        if not match and not is_table:
            raise DatasetError(
                f"{path.name}, line {number}: {quoted(name)} is no PDB id; write 1abc or 1abc_A."
            )
        if split not in ("", "train", "val", "test"):
            raise DatasetError(
                f"{path.name}, line {number}: {quoted(split)} is no split; it must be train, val "
                "or test."
            )
        if match:
            name = match["entry"].lower() + (f"_{match['chain']}" if match["chain"] else "")
        found.append((name, split))
    if not found:
        raise DatasetError(f"{path.name} holds no PDB id; write one a line, 1abc or 1abc_A.")
    return found
