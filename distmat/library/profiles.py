"""Sequence profiles: which residues nature puts at each place of a chain; MMseqs2's files of them.

A profile holds, for each residue of a chain, the frequencies of the 20 amino acids among its
relatives. Libraries keep the square root of a frequency in a byte, which is exact where it matters:
among the rare ones.
"""

import struct
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np

LETTERS = "ACDEFGHIKLMNPQRSTVWY"
"""The order of the frequencies, which is also MMseqs2's."""

_IN_BLOCKS = "7.41 2.46 5.35 5.43 4.74 7.42 2.62 6.79 5.81 9.89 2.49 4.46 3.88 3.45 5.16 5.73 5.09"
BACKGROUND = np.array([float(percent) for percent in f"{_IN_BLOCKS} 7.29 1.30 3.23".split()])
"""Frequencies of the amino acids in the blocks that BLOSUM62 was made from, in `LETTERS`' order;
Henikoff & Henikoff, PNAS 89 (1992)."""
BACKGROUND = BACKGROUND / BACKGROUND.sum()

BACKGROUND_SHARE = 0.05
"""Of a stored profile's column when it is searched with: no residue is impossible."""

_SCALE = 8.0
"""MMseqs2 keeps eight times the logarithm to base 2 of a frequency over the background."""
_ROW = 25
"""Bytes of a residue in MMseqs2's file: 20 scores, the residue, the consensus, the number of
effective sequences, two gap penalties."""
_NEFF = 129
"""The byte that stands for four effective sequences."""
_PROFILE, _ALIGNMENT, _TEXT = 2, 11, 12
"""MMseqs2's numbers for a database of profiles, of alignments, and of names."""


def pack_frequencies(frequency: np.ndarray) -> np.ndarray:
    """Frequencies as bytes.

    Parameters
    ----------
    frequency : ndarray, shape=(N, 20), dtype=float
        Each row adds up to 1.

    Returns
    -------
    ndarray, shape=(N, 20), dtype=uint8
        255·√frequency, rounded.
    """
    return np.round(255 * np.sqrt(frequency)).astype(np.uint8)


def unpack_frequencies(packed: np.ndarray) -> np.ndarray:
    """What `pack_frequencies` packed; each row adds up to 1.

    Parameters
    ----------
    packed : ndarray, shape=(N, 20), dtype=uint8

    Returns
    -------
    ndarray, shape=(N, 20), dtype=float32
        The background's where a row holds nothing.
    """
    frequency = np.square(packed.astype(np.float32) / 255)
    total = frequency.sum(axis=1, keepdims=True)
    return np.where(total > 0, frequency / np.maximum(total, 1e-9), BACKGROUND.astype(np.float32))


def find_log_odds(frequency: np.ndarray) -> np.ndarray:
    """What each residue of a query scores in a profile that is searched with.

    Parameters
    ----------
    frequency : ndarray, shape=(N, 20), dtype=float
        By `unpack_frequencies`.

    Returns
    -------
    ndarray, shape=(N, 20), dtype=float64
        Bits: logarithms to base 2 of how often it is there over how often it is anywhere, with
        `BACKGROUND_SHARE` of the background.
    """
    searched = (1 - BACKGROUND_SHARE) * frequency + BACKGROUND_SHARE * BACKGROUND
    return np.log2(searched / BACKGROUND)


def residue_codes(sequence: str) -> np.ndarray:
    """Each residue's place in `LETTERS`, 20 for any other; shape=(N,), dtype=uint8."""
    return _CODES[np.frombuffer(sequence.encode("ascii", "replace"), dtype=np.uint8)]


_CODES = np.full(256, len(LETTERS), dtype=np.uint8)
_CODES[np.frombuffer(LETTERS.encode(), dtype=np.uint8)] = np.arange(len(LETTERS))


def write_profile_database(
    path: Path, sequences: Sequence[str], profiles: Sequence[np.ndarray]
) -> None:
    """Write a profile database as MMseqs2 reads it, its entries numbered from 0.

    Parameters
    ----------
    path : Path
        Of the database; files beside it begin with its name.
    sequences : sequence of str
    profiles : sequence of ndarray, shape=(N, 20), dtype=uint8
        By `pack_frequencies`.
    """
    with path.open("wb") as data, _beside(path, ".index").open("w") as index:
        offset = 0
        for number, (sequence, packed) in enumerate(zip(sequences, profiles, strict=True)):
            entry = _entry(sequence, packed)
            data.write(entry)
            index.write(f"{number}\t{offset}\t{len(entry)}\n")
            offset += len(entry)
    _write_names(_beside(path, "_h"), len(sequences))
    _beside(path, ".dbtype").write_bytes(struct.pack("<I", _PROFILE))


def write_alignment_database(path: Path, texts: Mapping[int, str]) -> None:
    """Write a database of alignments as MMseqs2 reads them.

    Parameters
    ----------
    path : Path
        Of the database; files beside it begin with its name.
    texts : mapping of int to str
        For each number an alignment in FASTA, the query first.
    """
    with path.open("wb") as data, _beside(path, ".index").open("w") as index:
        offset = 0
        for number, text in texts.items():
            # MMseqs2 names a profile by its first row.
            entry = f">{number}\n{text.partition(chr(10))[2]}\0".encode()
            data.write(entry)
            index.write(f"{number}\t{offset}\t{len(entry)}\n")
            offset += len(entry)
    _beside(path, ".dbtype").write_bytes(struct.pack("<I", _ALIGNMENT))


def read_profile_database(path: Path) -> Iterator[tuple[int, np.ndarray]]:
    """The profiles of a database that MMseqs2 wrote.

    Yields
    ------
    int
        The entry's number in the database, which is not its place in the FASTA file.
    ndarray, shape=(N, 20), dtype=uint8
        By `pack_frequencies`.
    """
    data = np.memmap(path, dtype=np.uint8, mode="r")
    for line in _beside(path, ".index").read_text().splitlines():
        number, offset, length = map(int, line.split("\t"))
        rows = np.array(data[offset : offset + length - 1]).reshape(-1, _ROW)
        frequency = BACKGROUND * 2.0 ** (rows[:, :20].view(np.int8) / _SCALE)
        yield number, pack_frequencies(frequency / frequency.sum(axis=1, keepdims=True))


def read_text_database(path: Path) -> Iterator[tuple[int, str]]:
    """The texts of a database that MMseqs2 wrote, each with its number."""
    data = path.read_bytes()
    for line in _beside(path, ".index").read_text().splitlines():
        number, offset, length = map(int, line.split("\t"))
        yield number, data[offset : offset + length].rstrip(b"\0").decode("utf-8", "replace")


def _entry(sequence: str, packed: np.ndarray) -> bytes:
    frequency = unpack_frequencies(packed)
    score = np.round(_SCALE * find_log_odds(frequency)).clip(-128, 127).astype(np.int8)
    rows = np.zeros((len(sequence), _ROW), dtype=np.uint8)
    rows[:, :20] = score.view(np.uint8)
    rows[:, 20] = residue_codes(sequence)
    rows[:, 21] = frequency.argmax(axis=1)
    rows[:, 22] = _NEFF
    return rows.tobytes() + b"\0"


def _write_names(path: Path, entries: int) -> None:
    with path.open("wb") as names, _beside(path, ".index").open("w") as index:
        offset = 0
        for number in range(entries):
            entry = f"{number}\n\0".encode()
            names.write(entry)
            index.write(f"{number}\t{offset}\t{len(entry)}\n")
            offset += len(entry)
    _beside(path, ".dbtype").write_bytes(struct.pack("<I", _TEXT))


def _beside(path: Path, suffix: str) -> Path:
    return path.with_name(path.name + suffix)
