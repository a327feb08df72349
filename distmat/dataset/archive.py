"""Structure files out of ZIP and tar archives that nobody has to trust."""

import errno
import lzma
import re
import shutil
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from distmat.errors import DatasetError, one_line
from distmat.protein.sequence import quote
from distmat.protein.structure.sniff import MAX_BYTES

MOST_BYTES = 20 * 2**30
"""An archive that unpacks to more is refused."""
MOST_MEMBERS = 1_000_000
"""An archive of more files is refused."""
_LARGEST_RATIO = 100
"""Structure files shrink fivefold when packed; what shrinks more than this is a trap."""
_ALWAYS_ALLOWED = 64 * 2**20
"""Bytes up to which any ratio is harmless."""
_SUFFIXES = (".zip", ".tar", ".tgz", ".tar.gz", ".tar.bz2", ".tbz2", ".tar.xz", ".txz")


_DAMAGES = (
    zipfile.BadZipFile,
    tarfile.TarError,
    zlib.error,
    lzma.LZMAError,
    EOFError,
    # An encrypted member, or one packed by a method that Python doesn't know.
    NotImplementedError,
    RuntimeError,
    # Of bzip2 and of names and numbers in headers that are cut or were never any.
    OSError,
    ValueError,
    IndexError,
    struct.error,
)
"""What Python's readers of archives raise of a file that is none."""


def is_archive(path: Path) -> bool:
    """Whether the file is called as archives are."""
    return path.name.lower().endswith(_SUFFIXES)


@dataclass(frozen=True)
class _Member:
    """A file of an archive: its name there, its unpacked size, and how to open it."""

    name: str
    size: int
    handle: zipfile.ZipInfo | tarfile.TarInfo


def unpack(path: Path, folder: Path, wanted: re.Pattern[str]) -> list[tuple[str, Path]]:
    """Unpack the files with wanted names.

    Nothing is written but into `folder`, under names of our own; links and devices are left
    out.

    Parameters
    ----------
    path : Path
        ZIP, or tar, packed or not.
    folder : Path
        Is made, or emptied, first.
    wanted : pattern
        Searched for in a member's name.

    Returns
    -------
    list of (str, Path)
        Name in the archive, and where the file is now, in the order of the names.

    Raises
    ------
    DatasetError
        If the archive is damaged, encrypted or a trap: a path out of the folder, or more data
        than anyone packs.
    """
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    limit = min(MOST_BYTES, max(_ALWAYS_ALLOWED, _LARGEST_RATIO * path.stat().st_size))
    found: list[tuple[str, Path]] = []
    total = count = 0
    try:
        with _open(path) as (members, open_member):
            for member in members:
                _check_name(path, member.name)
                total, count = total + member.size, count + 1
                if total > limit or count > MOST_MEMBERS:
                    raise DatasetError(_too_much(path))
                if not wanted.search(member.name):
                    continue
                target = folder / f"{count:07d}_{_plain(member.name)}"
                with open_member(member) as source, open(target, "wb") as file:
                    # What a ZIP says of its sizes needn't be true.
                    if _copy(source, file, min(member.size, MAX_BYTES + 1)):
                        raise DatasetError(_too_much(path))
                found.append((one_line(member.name), target))
    except DatasetError:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    except _DAMAGES as error:
        # A full disk, say, is no fault of the archive; to seek before its start is.
        if isinstance(error, OSError) and error.errno not in (None, errno.EINVAL):
            raise
        shutil.rmtree(folder, ignore_errors=True)
        reason = " ".join(str(error).split())[:100] or type(error).__name__
        raise DatasetError(
            f"The archive {quote(path.name, 200)} can't be unpacked ({reason}); unpack it "
            "yourself and give the folder."
        ) from None
    return sorted(found)


@contextmanager
def _open(path: Path) -> Iterator:
    """The members that are files, in the archive's order, and how to open one."""
    if path.suffix.lower() == ".zip":
        with zipfile.ZipFile(path) as packed:
            members = (
                _Member(info.filename, info.file_size, info)
                for info in packed.infolist()
                if not info.is_dir()
            )
            yield members, lambda member: packed.open(member.handle)
        return
    with tarfile.open(path) as archive:

        def named() -> Iterator[_Member]:
            for info in archive:
                _check_name(path, info.name)
                if info.isfile():
                    yield _Member(info.name, info.size, info)

        yield named(), lambda member: archive.extractfile(member.handle)


def _copy(source: IO[bytes], file: IO[bytes], most: int) -> bool:
    """Copy at most so many bytes; whether there were more, up to the most that is ever read."""
    left = most
    while chunk := source.read(min(2**20, left + 1)):
        if len(chunk) > left:
            # One byte more than is read of any file marks it as too large for the reader.
            file.write(chunk[:left])
            return most <= MAX_BYTES
        file.write(chunk)
        left -= len(chunk)
    return False


def _check_name(path: Path, name: str) -> None:
    parts = re.split(r"[/\\]", name)
    if name.startswith(("/", "\\")) or ".." in parts or re.match(r"^[A-Za-z]:", name):
        raise DatasetError(
            f"The archive {quote(path.name, 200)} holds {quote(name, 100)}, a path that leads "
            "out of its folder; unpack it yourself if you trust it, and give the folder."
        )


def _too_much(path: Path) -> str:
    return (
        f"The archive {quote(path.name, 200)} unpacks to far more than structure files would "
        f"(over {_LARGEST_RATIO} times its size, or {MOST_BYTES // 2**30} GiB); unpack it yourself "
        "if you trust it, and give the folder."
    )


def _plain(name: str) -> str:
    # Letters of other scripts have up to four bytes, and a file's name 255.
    return re.sub(r"[^\w.+-]+", "_", re.split(r"[/\\]", name)[-1])[-60:]
