"""Files after public bug reports, where they are at hand; other tests write their like anew."""

from pathlib import Path

import pytest

from distmat.cli import main
from distmat.dataset.id_list import read_ids
from distmat.dataset.sources import list_items
from distmat.protein.query import read_query_path

CASES = Path(__file__).parents[2] / "shared" / "cases"
LETTERS = "MKTAYIAKQRQISFVKSHFSRQ"

pytestmark = pytest.mark.skipif(not CASES.is_dir(), reason="the collection isn't here")


@pytest.mark.parametrize(
    "name", ["latin1_header.fasta", "pearson_comment.fasta", "x.fasta.gz", "x.a3m"]
)
def test_a_file_of_sequences_is_read(name):
    (query,) = read_query_path(CASES / name)
    assert (query.sequence, query.structure) == (LETTERS, None)


def test_a_structure_is_read_by_its_content(tmp_path):
    (query,) = read_query_path(CASES / "1hpv.pdb.txt")
    assert query.sequence.startswith("PQITLWQ") and query.structure is not None
    (item,) = list_items([str(CASES / "1hpv.pdb.txt")], tmp_path).items
    assert item.kind == "file"


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("r_write_csv.csv", [("1hml_A", "train"), ("1ay7_A", "test")]),
        ("excel_semicolon.csv", [("1hml_A", "train")]),
        ("chain_column.csv", [("1ay7_B", "")]),
        ("extended_id_upper.txt", [("1hml", "")]),
    ],
)
def test_a_list_of_ids_is_read(name, expected, tmp_path):
    assert read_ids(CASES / name) == expected
    listing = list_items([str(CASES / name)], tmp_path)
    assert {item.path for item in listing.items} == {ident[:4] for ident, _ in expected}
    assert listing.splits == {ident: split for ident, split in expected if split}


@pytest.mark.parametrize(
    ("name", "words", "options"),
    [
        ("map_in_nanometres.npy", "Neighbours in the chain are 0.38 apart", ["--unit", "nm"]),
        ("map_zeros_for_missing.npy", "is zero", ["--zeros-are-missing"]),
    ],
)
@pytest.mark.parametrize(("verb", "out"), [("reconstruct", "trace.pdb"), ("view", "page.html")])
def test_a_map_is_refused_with_the_option_that_reads_it(
    capsys, tmp_path, name, words, options, verb, out
):
    command = [verb, str(CASES / name), "--out", str(tmp_path / out)]
    assert main(command) == 2
    said = capsys.readouterr().err
    assert words in said and f"give {' '.join(options)}." in said
    assert main([*command, *options]) == 0
