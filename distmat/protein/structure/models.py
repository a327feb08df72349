"""The models of a structure file, as of an NMR ensemble: how many there are, and one alone."""

import io
import re
from typing import Any

import numpy as np

from distmat.errors import StructureError
from distmat.protein.structure.entry import MalformedError, parser_at_work
from distmat.protein.structure.sniff import decode, inert, structure_format, unpack

_MODEL = re.compile(r"^MODEL[ \t]+\d+", re.MULTILINE)
_COLUMN = "pdbx_PDB_model_num"
_MANY = re.compile(rb"MODEL[ \t]+\d|pdbx_PDB_model_num", re.IGNORECASE)


def count_models(data: bytes, filename: str) -> int:
    """How many models a structure file has; 1 where it can't be told.

    Parameters
    ----------
    data : bytes
    filename : str

    Raises
    ------
    StructureError
        If it is a damaged gzip file.
    """
    unpacked = unpack(data, filename)
    kind = structure_format(unpacked)
    if kind == "PDB":
        return max(1, len(_MODEL.findall(decode(unpacked))))
    if kind not in ("mmCIF", "BinaryCIF") or not _MANY.search(unpacked):
        return 1
    try:
        return len(np.unique(_numbers(_open(unpacked, kind))))
    # What is wrong with the file is said when it is read.
    except (MalformedError, KeyError):
        return 1


def one_model(data: bytes, filename: str, number: int) -> bytes:
    """A file with one of its models alone.

    Parameters
    ----------
    data : bytes
    filename : str
    number : int
        From 1, in the order of the file.

    Raises
    ------
    StructureError
        If there is no such model.
    """
    models = count_models(data, filename)
    if not 1 <= number <= models:
        raise StructureError(
            f"{inert(filename)} has {models} model{'s' * (models > 1)}, and no model {number}."
        )
    if models == 1:
        return data
    unpacked = unpack(data, filename)
    kind = structure_format(unpacked)
    if kind == "PDB":
        text = decode(unpacked)
        starts = [found.start() for found in _MODEL.finditer(text)]
        ends = [*starts[1:], len(text)]
        part = text[starts[number - 1] : ends[number - 1]].partition("ENDMDL")[0]
        return f"{text[: starts[0]]}{part}ENDMDL\nEND\n".encode()
    try:
        return _cif_of_model(unpacked, str(kind), number)
    except (MalformedError, KeyError):
        raise StructureError(
            f"Model {number} of {inert(filename)} can't be taken out; give it alone."
        ) from None


def _open(data: bytes, kind: str) -> Any:
    from biotite.structure.io.pdbx import BinaryCIFFile, CIFFile

    with parser_at_work():
        if kind == "mmCIF":
            return CIFFile.read(io.StringIO(decode(data)))
        return BinaryCIFFile.read(io.BytesIO(data))


def _numbers(file: Any) -> np.ndarray:
    with parser_at_work():
        return np.asarray(file.block["atom_site"][_COLUMN].as_array(int))


def _cif_of_model(data: bytes, kind: str, number: int) -> bytes:
    """As mmCIF, whatever the file is."""
    from biotite.structure.io.pdbx import CIFBlock, CIFCategory, CIFFile

    file = _open(data, kind)
    numbers = _numbers(file)
    # In the order of the file, whatever they are called.
    names = list(dict.fromkeys(numbers.tolist()))
    chosen = numbers == names[number - 1]
    block = CIFBlock()
    with parser_at_work():
        for name, table in file.block.items():
            columns = {key: column.as_array(str) for key, column in table.items()}
            if name == "atom_site":
                columns = {key: values[chosen] for key, values in columns.items()}
            block[name] = CIFCategory(columns)
        text = io.StringIO()
        CIFFile({"model": block}).write(text)
    return text.getvalue().encode()
