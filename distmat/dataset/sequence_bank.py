"""Files of sequences that are searched for relatives: FASTA of any dialect, or Parquet."""

import gzip
import zlib
from collections.abc import Iterator
from pathlib import Path

from distmat.access import check_may_read
from distmat.dataset.schema import sequences_only
from distmat.dataset.store import open_parquet
from distmat.errors import DatasetError
from distmat.protein.file_kind import (
    HEAD_BYTES,
    FileKind,
    is_gzipped,
    kind_of_file,
    unpack_start,
)
from distmat.protein.sequence import is_nucleic
from distmat.workspace import own_folders


def check_sequences(path: Path) -> None:
    """Refuse what MMseqs2 would fail at without saying why, or take for DNA.

    Raises
    ------
    DatasetError
        If there is no such file, or it is neither FASTA of proteins nor Parquet.
    """
    check_may_read(path, own_folders())
    if not path.is_file():
        raise DatasetError(f"There is no file of sequences at {path}; check the path.")
    try:
        kind, head = kind_of_file(path), _head(path)
    except OSError as error:
        raise DatasetError(f"{path.name} can't be read ({error.strerror}).") from None
    if kind is FileKind.PARQUET:
        return
    if kind is not FileKind.SEQUENCES or b"\n>" not in b"\n" + head:
        raise DatasetError(
            f"{path.name} is no FASTA, which begins with '>'; give FASTA, gzipped or not, or "
            "Parquet with a column 'sequence'."
        )
    letters = b"".join(line.strip() for line in head.splitlines() if line[:1] not in b">;")
    if is_nucleic(letters.decode("latin-1").upper()):
        raise DatasetError(f"{path.name} holds DNA or RNA; give sequences of proteins.")


def plain_fasta(path: Path, copy: Path) -> Path:
    """The file as MMseqs2 reads it: itself, or a copy without what it would misread.

    Parameters
    ----------
    path : Path
        See `check_sequences`.
    copy : Path
        Where one is written if it is needed.

    Raises
    ------
    DatasetError
        If the file is damaged, or Parquet without a column ``sequence``.
    """
    if kind_of_file(path) is FileKind.PARQUET:
        with open(copy, "w", encoding="ascii") as file:
            for number, letters in enumerate(_sequences_of(path)):
                file.write(f">{number}\n{letters}\n")
    elif _is_plain(path):
        return path
    else:
        _write_plain(path, copy)
    return copy


def _head(path: Path) -> bytes:
    with open(path, "rb") as file:
        return unpack_start(file.read(HEAD_BYTES)).removeprefix(b"\xef\xbb\xbf")


def _is_plain(path: Path) -> bool:
    """Whether MMseqs2 reads the file as it is: no comments, no gaps, packed as its name says."""
    with open(path, "rb") as file:
        packed = is_gzipped(file.read(2))
    lines = _head(path).splitlines()
    marked = any(line[:1] == b";" or (line[:1] != b">" and line.strip(_LETTERS)) for line in lines)
    return packed == (path.suffix == ".gz") and not marked


def _write_plain(path: Path, target: Path) -> None:
    """Write FASTA again without comments, gaps and packing, a line in memory at a time."""
    with open(path, "rb") as file:
        packed = is_gzipped(file.read(2))
    try:
        with (gzip.open if packed else open)(path, "rb") as source, open(target, "wb") as file:
            for line in source:
                if line[:1] == b">":
                    file.write(line)
                elif line[:1] != b";":
                    file.write(line.translate(None, b"-. *").upper())
    except (EOFError, zlib.error, gzip.BadGzipFile):
        raise DatasetError(f"{path.name} is a damaged or cut off gzip file.") from None


_LETTERS = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz*\r "


def _sequences_of(path: Path) -> Iterator[str]:
    with open_parquet(path) as file:
        if "sequence" not in file.schema_arrow.names:
            raise DatasetError(
                f"{path.name} has no column 'sequence'; give Parquet with one, or FASTA."
            )
        yield from sequences_only(file, path.name)
