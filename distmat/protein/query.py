"""What a person wants predicted: a sequence, with its structure where one is known."""

from dataclasses import dataclass, field, replace
from pathlib import Path

from distmat.errors import SequenceError, StructureError
from distmat.protein.alignment import Alignment, lay_rows
from distmat.protein.chain import Chain, describe_breaks, describe_model
from distmat.protein.file_kind import FileKind, decode_text, file_kind, kind_of_file, unpack
from distmat.protein.sequence import quote, read_sequences
from distmat.protein.structure.all_atoms import read_plddt
from distmat.protein.structure.read import read_structure_bytes
from distmat.protein.structure.sniff import MAX_BYTES

SEQUENCE_SUFFIXES = ("fasta", "fas", "fa", "faa", "pep", "seq", "a3m", "a2m", "sto", "stk", "txt")
STRUCTURE_SUFFIXES = ("pdb", "ent", "cif", "mmcif", "bcif")

_ALIGNMENTS = (".a3m", ".a2m", ".sto", ".stk")
_LONGEST_TEXT = 16 * 2**20
"""Bytes of a sequence file that are read; ten thousand chains have fewer."""


@dataclass(frozen=True)
class Query:
    """A chain to predict.

    Parameters
    ----------
    name : str
        The record's or chain's; may hold anything.
    sequence : str
    structure : Chain, optional
        Its known structure.
    note : str
        What was made of the input, in a sentence; ``""`` where it is what it says.
    alignment : Alignment, optional
        Of its relatives, where the input is one.
    """

    name: str
    sequence: str
    structure: Chain | None = None
    note: str = ""
    alignment: Alignment | None = field(default=None, compare=False)


def read_query_text(text: str, amino_acids: bool = False) -> list[Query]:
    """The chains of a pasted text; parameters and errors as in `read_sequences`."""
    return _queries(text, amino_acids)


def read_query_file(data: bytes, filename: str, amino_acids: bool = False) -> list[Query]:
    """The chains of a sequence or structure file, which its content tells.

    Parameters
    ----------
    data : bytes
        FASTA, an alignment, plain text, PDB, mmCIF or BinaryCIF; gzipped or not.
    filename : str
        For names and errors; nothing is opened by it.
    amino_acids : bool
        See `read_sequences`.

    Raises
    ------
    SequenceError, StructureError
        If it is of another kind, or nothing in it can be read.
    """
    kind, suffix = file_kind(data), _suffix(filename)
    if kind in (FileKind.ARRAY, FileKind.PARQUET, FileKind.JSON):
        raise SequenceError(
            f"{quote(filename, 200)} is {kind}; give FASTA, or a structure file (PDB, mmCIF or "
            "BinaryCIF)."
        )
    is_text = kind in (FileKind.SEQUENCES, FileKind.TEXT)
    if kind is FileKind.SEQUENCES or (is_text and suffix[1:] not in STRUCTURE_SUFFIXES):
        return _queries(_text(data, filename), amino_acids, suffix in _ALIGNMENTS)
    refused = (FileKind.EMPTY, FileKind.OTHER, FileKind.MARKUP)
    if suffix[1:] in SEQUENCE_SUFFIXES and kind in refused:
        raise SequenceError(f"{quote(filename, 200)} is {kind}; give a FASTA file.")
    chains = read_structure_bytes(data, filename)
    return [_structure_query(data, filename, chain) for chain in chains]


def _structure_query(data: bytes, filename: str, chain: Chain) -> Query:
    plddt = read_plddt(data, filename, chain)
    if plddt is None:
        return Query(chain.name, chain.sequence, chain, describe_breaks(chain))
    chain = replace(chain, plddt=plddt)
    return Query(chain.name, chain.sequence, chain, describe_model(chain))


def read_query_path(path: Path, amino_acids: bool = False) -> list[Query]:
    """`read_query_file` of a file on disk, which may not be larger than any that is read."""
    try:
        size = path.stat().st_size
        if size > (_LONGEST_TEXT if kind_of_file(path) is FileKind.SEQUENCES else MAX_BYTES):
            raise StructureError(
                f"{quote(path.name, 200)} has {size / 2**20:,.0f} MiB, more than is read; give "
                "the chains that you need alone."
            )
        data = path.read_bytes()
    except OSError as error:
        raise StructureError(
            f"{quote(path.name, 200)} can't be opened ({error.strerror}); check its permissions."
        ) from None
    return read_query_file(data, path.name, amino_acids)


def _queries(text: str, amino_acids: bool, alignment: bool = False) -> list[Query]:
    sequences = read_sequences(text, alignment=alignment, amino_acids=amino_acids)
    return [
        Query(one.name, one.letters, None, one.note, lay_rows(one.rows) if one.rows else None)
        for one in sequences
    ]


def _suffix(filename: str) -> str:
    return Path(filename.lower().removesuffix(".gz")).suffix


def _text(data: bytes, filename: str) -> str:
    try:
        data = unpack(data, _LONGEST_TEXT)
    except ValueError as error:
        raise SequenceError(f"{quote(filename, 200)} is {error}; download it again.") from None
    if len(data) > _LONGEST_TEXT:
        raise SequenceError(
            f"{quote(filename, 200)} has more than {_LONGEST_TEXT // 2**20} MiB of text; give "
            "the sequences that you need alone."
        )
    text = decode_text(data)
    if text is None:
        raise SequenceError(f"{quote(filename, 200)} is no text; give a FASTA file.")
    return text
