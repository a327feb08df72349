"""What a file is, by its content."""

import gzip
import io
import json
import tarfile
import zipfile

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from biotite.structure.io.pdbx import BinaryCIFBlock, BinaryCIFCategory, BinaryCIFFile, CIFFile

from distmat.protein.examples import examples
from distmat.protein.file_kind import FileKind, decode_text, file_kind, kind_of_file
from distmat.protein.structure.write import write_mmcif, write_pdb


def a_zip():
    with zipfile.ZipFile(data := io.BytesIO(), "w") as file:
        file.writestr("x", "x")
    return data.getvalue()


def a_tar():
    with tarfile.open(fileobj=(data := io.BytesIO()), mode="w") as file:
        file.addfile(tarfile.TarInfo("x"))
    return data.getvalue()


def a_table():
    pq.write_table(pa.table({"id": [1]}), data := io.BytesIO())
    return data.getvalue()


def an_array():
    np.save(data := io.BytesIO(), np.zeros((2, 2)))
    return data.getvalue()


def a_chain(write):
    chain = examples()[0].read()
    return write(chain.sequence, chain.ca)


def a_bcif():
    cif = CIFFile.read(io.StringIO(a_chain(write_mmcif)))
    atoms = cif["trace"]["atom_site"]
    columns = {name: column.as_array(str) for name, column in atoms.items()}
    file = BinaryCIFFile({"trace": BinaryCIFBlock({"atom_site": BinaryCIFCategory(columns)})})
    file.write(data := io.BytesIO())
    return data.getvalue()


FILES = {
    "PDB": (a_chain(write_pdb).encode(), FileKind.STRUCTURE),
    "atoms alone": (b"ATOM      1  CA  PRO A   1 ...", FileKind.STRUCTURE),
    "mmCIF": (a_chain(write_mmcif).encode(), FileKind.STRUCTURE),
    "BinaryCIF": (a_bcif(), FileKind.STRUCTURE),
    "FASTA": (b">x\nMKTA", FileKind.SEQUENCES),
    "FASTA with a comment": (b";comment\n>x\nMKTA", FileKind.SEQUENCES),
    "FASTA in Latin-1": (">x caf\u00e9\nMKTA".encode("latin-1"), FileKind.SEQUENCES),
    "FASTA by Windows": ("\ufeff>x caf\u00e9\r\nMKTA".encode("utf-16"), FileKind.SEQUENCES),
    "a sequence": (b"MKTAYIAK\nQRQISFVK", FileKind.TEXT),
    "a sequence with a record's letters": (b"MKTAYIAK\nHEADERSEQRES\nREMARK", FileKind.TEXT),
    "ids": (b'"id","split"\n"1hml_A","train"\n', FileKind.TEXT),
    "JSON": (json.dumps([{"id": 1}]).encode(), FileKind.JSON),
    "a page": (b"<!DOCTYPE html><html>", FileKind.MARKUP),
    "ZIP": (a_zip(), FileKind.ARCHIVE),
    "tar": (a_tar(), FileKind.ARCHIVE),
    "Parquet": (a_table(), FileKind.PARQUET),
    "an array": (an_array(), FileKind.ARRAY),
    "nothing": (b"", FileKind.EMPTY),
    "blanks": (b"\xef\xbb\xbf \r\n", FileKind.EMPTY),
    "a program": (b"\x7fELF\x02\x01\0\0", FileKind.OTHER),
}


@pytest.mark.parametrize(("data", "kind"), FILES.values(), ids=FILES)
@pytest.mark.parametrize("pack", [bytes, gzip.compress], ids=["plain", "gzip"])
def test_the_content_tells_what_it_is(data, kind, pack, tmp_path):
    assert file_kind(pack(data)) is kind
    (tmp_path / "named.txt").write_bytes(pack(data))
    assert kind_of_file(tmp_path / "named.txt") is kind


def test_a_letter_that_is_cut_in_two_doesnt_matter():
    text = ">x " + "\u00e9" * 40_000
    assert file_kind(text.encode()) is FileKind.SEQUENCES
    assert file_kind(b"\xff" + text.encode()[1:]) is FileKind.TEXT


def test_text_of_any_common_encoding_is_read():
    for encoding in ("utf-8", "utf-8-sig", "latin-1", "utf-16"):
        assert decode_text("caf\u00e9".encode(encoding)) == "caf\u00e9"
    assert decode_text(bytes(range(256))) is None


def test_what_only_begins_as_gzip_does_is_no_text():
    assert file_kind(b"\x1f\x8b\x08broken") is FileKind.OTHER
