"""What a dataset is built from: folders, globs, files, archives, lists of ids, JSON files."""

import glob
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from distmat.dataset.archive import is_archive, unpack
from distmat.dataset.id_list import join_splits, read_ids
from distmat.dataset.store import open_parquet
from distmat.errors import DatasetError
from distmat.protein.entry_id import EntryId, parse_id
from distmat.protein.file_kind import FileKind, kind_of_file
from distmat.protein.sequence import quote

STRUCTURE_NAME = re.compile(r"\.(pdb|ent|cif|mmcif|bcif|mmtf)(\.txt)?(\.gz)?$", re.IGNORECASE)
"""Names that structure files have; MMTF is among them so that it is refused with a reason."""

_OTHER_NAMES = ("", ".txt")
"""Endings that say nothing of a file in a folder; what it holds tells whether it is a structure."""
_ROWS = 1024
"""Of a dataset, read at a time."""


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
                    f"The folder {quote(text, 200)} holds no structure file (.pdb, .ent, .cif, "
                    ".mmcif, .bcif, also .gz); check its name."
                )
            items += found
            passed_over += others
        elif _exists(path):
            items += _of_file(path, unpacked / str(number), wanted, splits)
        elif glob.has_magic(text):
            matches = sorted(glob.glob(text, recursive=True))
            if not matches:
                raise DatasetError(f"Nothing is called {quote(text, 200)}; check the pattern.")
            for place, match in enumerate(matches):
                if os.path.isfile(match):
                    folder = unpacked / f"{number}.{place}"
                    items += _of_file(Path(match), folder, wanted, splits)
        elif found_id := parse_id(text):
            _want(found_id, wanted)
        else:
            raise DatasetError(
                f"There is no file or folder {quote(text, 200)}, and it is no PDB id; check it."
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
    """The structure files of a folder and of all in it, and how many others there are.

    Links to folders are followed; a folder that is reached twice is read once.
    """
    found, others = [], 0
    seen = {_identity(folder)}
    for root, folders, names in os.walk(folder, followlinks=True):
        folders.sort()
        new = [name for name in folders if _identity(Path(root, name)) not in seen]
        seen.update(_identity(Path(root, name)) for name in new)
        folders[:] = new
        for name in sorted(names):
            path = Path(root, name)
            if STRUCTURE_NAME.search(name) or _is_structure(path):
                found.append(_file(path, str(path.relative_to(folder))))
            else:
                others += 1
    return found, others


def _identity(folder: Path) -> tuple[int, int]:
    try:
        state = folder.stat()
    # Gone meanwhile, or not to be entered: os.walk passes it over.
    except OSError:
        return (-1, -1)
    return state.st_dev, state.st_ino


def _is_structure(path: Path) -> bool:
    """Whether a file whose name doesn't tell holds a structure, such as ``1abc.pdb.txt``."""
    if path.suffix.lower() not in _OTHER_NAMES or not path.is_file():
        return False
    try:
        return kind_of_file(path) is FileKind.STRUCTURE
    except OSError:
        return False


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
                f"The archive {quote(path.name, 200)} holds no structure file; check it."
            )
        state = path.stat()
        # The unpacked copies are new each time; what they are copies of is not.
        known = (state.st_size, state.st_mtime_ns)
        return [
            Item("file", f"{path.name}:{name}", str(copy.absolute()), (), known)
            for name, copy in members
        ]
    kind = _kind(path)
    if kind is FileKind.PARQUET or suffix == ".parquet":
        return _rows_of(path)
    if kind is FileKind.JSON or suffix == ".json":
        return [Item("json", path.name, str(path.absolute()), (), _file(path, "").state)]
    if kind is FileKind.SEQUENCES:
        raise DatasetError(
            f"{quote(path.name, 200)} holds sequences; a dataset needs structures, or their PDB "
            "ids."
        )
    if kind is FileKind.STRUCTURE or STRUCTURE_NAME.search(path.name):
        return [_file(path, path.name)]
    listed = read_ids(path)
    join_splits(splits, listed, path.name)
    unknown = []
    for name, _ in listed:
        found = parse_id(name)
        if found is None:
            unknown.append(Item("unknown", name, path.name))
        else:
            _want(found, wanted)
    return unknown


def _kind(path: Path) -> FileKind:
    try:
        return kind_of_file(path)
    except OSError as error:
        raise DatasetError(
            f"{quote(path.name, 200)} can't be read ({error.strerror}); check its permissions."
        ) from None


def _rows_of(path: Path) -> list[Item]:
    with open_parquet(path) as file:
        n = file.metadata.num_rows
    state = _file(path, "").state
    return [
        Item("rows", path.name, str(path.absolute()), (), state, (first, min(n, first + _ROWS)))
        for first in range(0, n, _ROWS)
    ]


def _want(found: EntryId, wanted: dict[str, set[str]]) -> None:
    wanted.setdefault(found.entry, set()).add(str(found) if found.chain else "")
