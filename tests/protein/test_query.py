"""What a person gives to be predicted, told by its content."""

import gzip

import numpy as np
import pytest

from distmat.errors import DistmatError, SequenceError, StructureError
from distmat.protein.examples import examples
from distmat.protein.map_file import npy_bytes
from distmat.protein.query import read_query_file, read_query_path, read_query_text
from distmat.protein.structure.write import write_mmcif, write_pdb

LETTERS = "MKTAYIAKQRQISFVKSHFSRQ"
FASTA = f">x caf\u00e9\n{LETTERS}\n"

SEQUENCE_FILES = {
    "x.fasta": FASTA.encode(),
    "latin1.fasta": FASTA.encode("latin-1"),
    "windows.txt": FASTA.encode("utf-16"),
    "pearson.fasta": f";comment\n{FASTA}".encode(),
    "x.fasta.gz": gzip.compress(FASTA.encode()),
    "packed-without-saying.fa": gzip.compress(FASTA.encode()),
    "x.fas": FASTA.encode(),
    "x.fa": FASTA.encode(),
    "x.faa": FASTA.encode(),
    "x.pep": FASTA.encode(),
    "x.seq": LETTERS.encode(),
    "x.a3m": f">x\n{LETTERS}\n>y\nMKTA--AKQRQISFVKaaSHFSRQ\n".encode(),
    "one-row.a3m": FASTA.encode(),
    "x.a2m": f">x\n{LETTERS}\n>y\n{LETTERS}\n".encode(),
    "x.pdb": FASTA.encode(),
    "no-suffix": FASTA.encode(),
}


@pytest.mark.parametrize("name", SEQUENCE_FILES)
def test_a_file_of_sequences_is_read_whatever_it_is_called(name, tmp_path):
    (query,) = read_query_file(SEQUENCE_FILES[name], name)
    assert (query.sequence, query.structure) == (LETTERS, None)
    (tmp_path / name).write_bytes(SEQUENCE_FILES[name])
    assert read_query_path(tmp_path / name) == [query]


@pytest.mark.parametrize("name", ["x.pdb", "x.pdb.txt", "x.txt", "x.fasta", "x"])
@pytest.mark.parametrize("write", [write_pdb, write_mmcif])
def test_a_structure_is_read_whatever_it_is_called(name, write):
    chain = examples()[0].read()
    data = write(chain.sequence, chain.ca).encode()
    for content in (data, gzip.compress(data)):
        (query,) = read_query_file(content, name)
        assert query.sequence == chain.sequence
        np.testing.assert_allclose(query.structure.ca, chain.ca, atol=1e-3)


def test_an_alignment_says_what_was_made_of_it():
    (query,) = read_query_file(SEQUENCE_FILES["x.a3m"], "x.a3m")
    assert query.note == "This is the first of the 2 rows of an alignment, without its gaps."
    (query,) = read_query_file(SEQUENCE_FILES["x.fasta"], "x.fasta")
    assert query.note == ""


@pytest.mark.parametrize(
    ("name", "data", "kind", "words"),
    [
        ("x.fasta", b"", SequenceError, "'x.fasta' is empty; give a FASTA file"),
        ("x.pdb", b"", StructureError, "x.pdb is empty; give a PDB"),
        ("x.pdb", b"hello", StructureError, "x.pdb is no structure file"),
        ("x.fasta", b"\x7fELF\0\1", SequenceError, "'x.fasta' is no text"),
        ("x.txt", b"PK\x03\x04", StructureError, "is a ZIP archive; unpack it"),
        ("x.txt", b"<html>", SequenceError, "'x.txt' is a web page or XML"),
        ("x.zip", b"PK\x03\x04", StructureError, "is a ZIP archive"),
        ("map.npy", npy_bytes(np.zeros((3, 3))), SequenceError, "is a NumPy array; give FASTA"),
        ("x.json", b'{"a": 1}', SequenceError, "is JSON; give FASTA"),
        ("x.fa.gz", gzip.compress(FASTA.encode())[:-9], SequenceError, "damaged or cut off gzip"),
        ("x.fa", b">x\n" + b"MK" * 2**23, SequenceError, "more than 16 MiB of text"),
        ("x.fa", gzip.compress(b">x\n" + b"MK" * 2**23), SequenceError, "more than 16 MiB"),
    ],
    # A packed stream holds the time of day: not for a name that every process must collect alike.
    ids=lambda value: value if isinstance(value, str) else type(value).__name__,
)
def test_anything_else_is_refused_by_what_it_is(name, data, kind, words):
    with pytest.raises(kind) as error:
        read_query_file(data, name)
    assert words in str(error.value)


def test_a_file_that_is_too_large_is_not_even_read(tmp_path):
    with open(tmp_path / "x.fasta", "wb") as file:
        file.write(b">x\nMKTA")
        file.truncate(2**40)
    with pytest.raises(DistmatError, match="1,048,576 MiB, more than is read"):
        read_query_path(tmp_path / "x.fasta")


def test_pasted_text_is_read_as_a_file_is():
    assert read_query_text(FASTA) == read_query_file(FASTA.encode(), "x.fasta")
