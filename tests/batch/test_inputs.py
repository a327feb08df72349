"""Many chains come as FASTA, tables, datasets, and as folders and archives of files."""

import gzip
import zipfile

import pytest

from distmat.batch.inputs import is_collection, read_inputs
from distmat.dataset.synthetic import write_synthetic
from distmat.errors import DistmatError, NucleotideError
from distmat.protein.examples import examples

FASTA = ">one\nMKTAYIAKQRQISFVK\n>two words\nGSHMKLVAERTW\n"


def names_of(queries):
    return [query.name for query in queries]


@pytest.fixture
def structure():
    """A structure file that ships, and its name."""
    return examples()[0].path


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.csv", "ID,Sequence,organism\none,MKTAYIAKQRQISFVK,x\ntwo,GSHMKLVAERTW,y\n"),
        ("a.tsv", "sequence\tname\nMKTAYIAKQRQISFVK\tone\nGSHMKLVAERTW\ttwo\n"),
        ("b.csv", "\ufeffname;seq\none;MKTAYIAKQRQISFVK\ntwo;gshmklvaertw\n"),
    ],
)
def test_a_table_is_read_by_its_headings(tmp_path, name, text):
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    queries, refused = read_inputs([path])
    assert is_collection(path) and not refused
    assert [(q.name, q.sequence) for q in queries] == [
        ("one", "MKTAYIAKQRQISFVK"),
        ("two", "GSHMKLVAERTW"),
    ]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a,b\n1,2\n", "has no column 'sequence'"),
        ("id,sequence\none,MKTAYIAKQRB1\n", "line 2, residue 11 is 'B'"),
        ("id,sequence\none\n", "line 2 has no residues"),
        ("id,sequence\none,ACGTACGTACGTACGTACGTACGT\n", "line 2 looks like DNA"),
        ("id,sequence\n", "no sequence and no structure"),
    ],
)
def test_what_is_wrong_with_a_table_names_its_line(tmp_path, text, words):
    path = tmp_path / "a.csv"
    path.write_text(text)
    with pytest.raises(DistmatError, match=words):
        read_inputs([path])


def test_a_dataset_brings_its_structures(tmp_path):
    path = tmp_path / "set.parquet"
    write_synthetic(path, 10)
    queries, _ = read_inputs([path])
    assert len(queries) == 10
    assert all(query.structure.ca.shape == (len(query.sequence), 3) for query in queries)


def test_of_an_archive_what_can_be_read_is_and_the_rest_is_named(tmp_path, structure):
    packed = tmp_path / "many.zip"
    content = structure.read_bytes()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("deep/known.cif.gz", content)
        archive.writestr("some.fasta", FASTA)
        archive.writestr("bad.pdb", "ATOM of nothing")
        archive.writestr("notes.md", "no input")
    queries, refused = read_inputs([packed])
    assert [one.name for one in refused] == ["bad.pdb"] and refused[0].reason.endswith(".")
    with_structure = [query for query in queries if query.structure]
    assert names_of(queries) == [*names_of(with_structure), "one", "two"]
    assert "0000" not in with_structure[0].name

    folder = tmp_path / "folder"
    with zipfile.ZipFile(packed) as archive:
        archive.extractall(folder)
    again, refused_again = read_inputs([folder])
    assert sorted(names_of(again)) == sorted(names_of(queries))
    assert [one.name for one in refused_again] == ["bad.pdb"]


def test_one_bad_file_that_was_named_is_an_error(tmp_path):
    path = tmp_path / "many.fasta.gz"
    path.write_bytes(gzip.compress(FASTA.encode()))
    assert names_of(read_inputs([path])[0]) == ["one", "two"]
    (tmp_path / "dna.fasta").write_text(">x\nACGTACGTACGTACGTACGTACGTACGT\n")
    with pytest.raises(NucleotideError):
        read_inputs([path, tmp_path / "dna.fasta"])
    assert len(read_inputs([tmp_path / "dna.fasta"], amino_acids=True)[0]) == 1
    with pytest.raises(DistmatError, match="no sequence and no structure"):
        read_inputs([])
