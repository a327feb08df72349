"""What a file is, told by its content; whatever it is called."""

import gzip
import io
import zlib
from enum import StrEnum
from pathlib import Path

from distmat.protein.structure.sniff import structure_format

HEAD_BYTES = 65536
"""Of a file, packed or not, are enough to tell what it is."""


class FileKind(StrEnum):
    """What a file holds, as a sentence can say it."""

    STRUCTURE = "a structure"
    SEQUENCES = "FASTA"
    TEXT = "text"
    JSON = "JSON"
    PARQUET = "Parquet"
    ARRAY = "a NumPy array"
    ARCHIVE = "an archive"
    MARKUP = "a web page or XML"
    EMPTY = "empty"
    OTHER = "no text"


_MAGIC = (
    (b"PK\x03\x04", FileKind.ARCHIVE),
    (b"BZh", FileKind.ARCHIVE),
    (b"\xfd7zXZ", FileKind.ARCHIVE),
    (b"\x28\xb5\x2f\xfd", FileKind.ARCHIVE),
    (b"7z\xbc\xaf", FileKind.ARCHIVE),
    (b"PAR1", FileKind.PARQUET),
    (b"\x93NUMPY", FileKind.ARRAY),
)


def file_kind(data: bytes) -> FileKind:
    """What these bytes are.

    Parameters
    ----------
    data : bytes
        Of a file, gzipped or not; its first `HEAD_BYTES` are enough.
    """
    start = unpack_start(data)
    for beginning, kind in _MAGIC:
        if start.startswith(beginning):
            return kind
    if start[257:262] == b"ustar":
        return FileKind.ARCHIVE
    if structure_format(start):
        return FileKind.STRUCTURE
    text = decode_text(start, cut_off=True)
    if text is None:
        return FileKind.OTHER
    first = text.lstrip("\ufeff \t\r\n\f")[:1]
    if not first:
        return FileKind.EMPTY
    return {
        ">": FileKind.SEQUENCES,
        ";": FileKind.SEQUENCES,
        "<": FileKind.MARKUP,
        "{": FileKind.JSON,
        "[": FileKind.JSON,
    }.get(first, FileKind.TEXT)


def kind_of_file(path: Path) -> FileKind:
    """`file_kind` of a file on disk, of which only the beginning is read.

    Raises
    ------
    OSError
        If it can't be read.
    """
    with open(path, "rb") as file:
        return file_kind(file.read(HEAD_BYTES))


def is_gzipped(data: bytes) -> bool:
    """Whether these bytes begin as gzip does."""
    return data.startswith(b"\x1f\x8b")


def unpack_start(data: bytes) -> bytes:
    """The first bytes, out of gzip if they are packed; what is damaged comes as it is."""
    head = data[:HEAD_BYTES]
    if not is_gzipped(head):
        return head
    try:
        return zlib.decompressobj(wbits=31).decompress(head, HEAD_BYTES)
    except zlib.error:
        return head


def unpack(data: bytes, most: int) -> bytes:
    """The content of a file, out of gzip if it is packed; of one that is longer `most` + 1 bytes.

    Raises
    ------
    ValueError
        If it is a gzip file that is damaged or cut off.
    """
    if not is_gzipped(data):
        return data[: most + 1]
    try:
        with gzip.open(io.BytesIO(data)) as file:
            return file.read(most + 1)
    except (OSError, EOFError, zlib.error):
        raise ValueError("a damaged or cut off gzip file") from None


def decode_text(data: bytes, cut_off: bool = False) -> str | None:
    """The text that bytes are: UTF-8, UTF-16 with its mark, else Latin-1; None if they are none.

    Parameters
    ----------
    data : bytes
    cut_off : bool
        Whether they are a file's beginning, whose last letter may lack a byte.
    """
    encodings = ["utf-8", "latin-1"]
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        encodings = ["utf-16"]
    for encoding in encodings:
        try:
            text = data.decode(encoding)
        except UnicodeDecodeError as error:
            if not (cut_off and error.end >= len(data) - 3):
                continue
            text = data[: error.start].decode(encoding)
        text = text.removeprefix("\ufeff")
        # What is read as Latin-1 can be anything: control characters tell.
        return None if any(letter in text for letter in _NO_TEXT) else text
    return None


_NO_TEXT = (
    "".join(chr(code) for code in range(32) if chr(code) not in "\t\n\v\f\r\x1a\x1b") + "\x7f"
)
"""Characters that no text has; an end-of-file mark of DOS and terminal colours do occur."""
