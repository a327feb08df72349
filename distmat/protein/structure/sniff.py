"""What kind of structure file some bytes are, whatever the file is called."""

import gzip
import io
import re
import zlib

from distmat.errors import StructureError
from distmat.protein.sequence import quote

MAX_BYTES = 256 * 2**20
"""Larger files, packed or unpacked, are not read: in memory they grow tenfold."""

_PDB_RECORDS = re.compile(
    # What is spelt with the letters of amino acids alone could as well begin a sequence's line.
    rb"(HEADER|COMPND|REMARK|SEQRES)[ \t]|TITLE |CRYST1|MODEL |ATOM  |HETATM",
    re.IGNORECASE,
)


def structure_format(data: bytes) -> str | None:
    """The format of a structure file, by its content alone.

    Parameters
    ----------
    data : bytes
        Unpacked; its first 64 KiB are enough.

    Returns
    -------
    str or None
        ``"PDB"``, ``"mmCIF"``, ``"BinaryCIF"`` or ``"MMTF"``; None if it is none of these.
    """
    start = data[:65536].removeprefix(b"\xef\xbb\xbf").lstrip()
    if b"mmtfVersion" in start:
        return "MMTF"
    # BinaryCIF is one MessagePack map with this key.
    if start and start[0] & 0xF0 == 0x80 and b"dataBlocks" in data:
        return "BinaryCIF"
    if b"\0" in start or start.startswith((b"<", b">", b";")):
        return None
    for line in start.splitlines():
        if line.strip().lower().startswith((b"data_", b"_atom_site.", b"_entry.")):
            return "mmCIF"
        if _PDB_RECORDS.match(line):
            return "PDB"
    return None


def check_size(size: int, filename: str) -> None:
    """Refuse a file of more than `MAX_BYTES`, before it is read.

    Raises
    ------
    StructureError
        If it is larger.
    """
    if size > MAX_BYTES:
        raise StructureError(
            f"{inert(filename)} has {size / 2**20:,.0f} MiB, and {MAX_BYTES // 2**20} is the most "
            "that is read; give the chain you need alone."
        )


def unpack(data: bytes, filename: str) -> bytes:
    """The content of a file that may be gzipped.

    Raises
    ------
    StructureError
        If it is damaged, or larger than `MAX_BYTES`.
    """
    if not data.startswith(b"\x1f\x8b"):
        return data
    try:
        with gzip.open(io.BytesIO(data)) as file:
            unpacked = file.read(MAX_BYTES + 1)
    # The bytes are in memory: an OSError is gzip's word on them.
    except (OSError, EOFError, zlib.error):
        raise StructureError(
            f"{inert(filename)} is a damaged or cut off gzip file; download it again."
        ) from None
    if len(unpacked) > MAX_BYTES:
        raise StructureError(
            f"{inert(filename)} unpacks to more than {MAX_BYTES // 2**20} MiB, the most that is "
            "read; give the chain you need alone."
        )
    return unpacked


def inert(text: str) -> str:
    """A file's name for a sentence: bare, unless something in it must be escaped."""
    return text[:200] if quote(text, 200) == f"'{text[:200]}'" else ascii(text[:200])


def decode(data: bytes) -> str:
    """The text of a structure file; what is no UTF-8 can only be in its remarks."""
    return data.decode("utf-8", errors="replace").removeprefix("\ufeff")
