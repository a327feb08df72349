"""Alignments are read as Biopython reads them, and weighed as a plain loop weighs them."""

import io

import numpy as np
import pytest
from Bio import AlignIO

from distmat.errors import SequenceError
from distmat.protein.alignment import GAP, MOST_ROWS, Alignment, read_alignment
from distmat.protein.query import read_query_file, read_query_text
from distmat.protein.sequence import ALPHABET

STOCKHOLM = """# STOCKHOLM 1.0
#=GF ID  made-up

query/1-8    MKT.AYI
one          MRTAAYI
two          --T.AYL

query/1-8    AK
one          A-
two          SK
#=GS two DE a remark
//
"""


def letters(alignment):
    symbols = np.array([*ALPHABET, "X", "-"])
    return ["".join(symbols[row]) for row in alignment.rows]


def test_a_stockholm_file_has_the_rows_that_biopython_finds():
    (theirs,) = AlignIO.parse(io.StringIO(STOCKHOLM), "stockholm")
    own = np.array(list(str(theirs[0].seq))) != "-"
    expected = ["".join(np.array(list(str(row.seq)))[own]) for row in theirs]
    assert letters(read_alignment(STOCKHOLM)) == expected == ["MKTAYIAK", "MRTAYIA-", "--TAYLSK"]
    (query,) = read_query_text(STOCKHOLM)
    assert (query.name, query.sequence) == ("query/1-8", "MKTAYIAK")


@pytest.mark.parametrize(
    "text",
    [
        ">q\nMKTAYIAK\n>a\nMRTaaAYIA-\n>b x=1\n--TAYLSK\n",
        ">ss_pred\nCCHHHHCC\n>q\nMKTAYIAK\n>a\nMRTaaAYIA-\n>b\n--TAYLSK\n",
        ">q\nMKT..AYIAK\n>a\nMRTaaAYIA-\n>b\n--T..AYLSK\n",
        ">q\nMKT--AYIAK\n>a\nMRTAAAYIA-\n>b\n--T--AYLSK\n",
        ">q\nmkt--ayiak\n>a\nmrtaaayia-\n>b\n--t--aylsk\n",
    ],
    ids=["A3M", "A3M with annotation", "A2M", "aligned FASTA", "small letters"],
)
def test_what_others_have_between_the_querys_residues_is_dropped(text):
    assert letters(read_alignment(text)) == ["MKTAYIAK", "MRTAYIA-", "--TAYLSK"]


def test_other_residues_are_unknown_and_rows_of_insertions_alone_are_left_out():
    alignment = read_alignment(">q\nMK-TU\n>a\nBZ-JO\n>b\n--W--\n")
    assert letters(alignment) == ["MKTX", "XXXX"]


def test_sequences_that_are_not_aligned_are_no_alignment():
    assert read_alignment(">a\nMKTA\n>b\nMKTAY\n") is None
    assert read_alignment("MKTAYIAK") is None
    assert len(read_alignment(">a\nMKTA\n", sure=True)) == 1


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (">q\nMKTA\n>b\nM-TAA\n", r"Row 2 of the alignment \('b'\) has 5 columns and the query 4"),
        (">q\nMK-A\n>b\nM?TA\n", r"Row 2 of the alignment \('b'\) holds '\?'"),
    ],
)
def test_a_row_that_does_not_fit_is_named(text, words):
    with pytest.raises(SequenceError, match=words):
        read_alignment(text, sure=True)


def test_only_the_first_rows_of_a_deep_one_are_used_and_the_others_counted():
    alignment = read_alignment(">q\nMK-A\n" * (MOST_ROWS + 5))
    assert (len(alignment), alignment.left_out) == (MOST_ROWS, 5)
    assert f"the first of {MOST_ROWS + 5:,}" in alignment.sentence()


def test_weights_are_those_of_a_plain_loop():
    rng = np.random.default_rng(0)
    centres = rng.integers(0, 20, (5, 40))
    rows = centres[rng.integers(0, 5, 60)]
    rows = np.where(rng.random(rows.shape) < 0.15, rng.integers(0, 20, rows.shape), rows)
    rows = np.where(rng.random(rows.shape) < 0.2, GAP, rows).astype(np.uint8)
    expected = []
    for row in rows:
        alike = 0
        for other in rows:
            both = (row < GAP) & (other < GAP)
            shorter = min((row < GAP).sum(), (other < GAP).sum())
            alike += ((row == other) & both).sum() >= 0.8 * shorter
        expected.append(1 / alike)
    alignment = Alignment(rows)
    np.testing.assert_allclose(alignment.weights, expected)
    assert 5 < alignment.effective < 60
    share = np.average(rows < GAP, axis=0, weights=expected)
    np.testing.assert_allclose(alignment.coverage, share)


def test_what_is_written_is_read_again():
    alignment = read_alignment(STOCKHOLM)
    again = read_alignment(alignment.a3m(), sure=True)
    np.testing.assert_array_equal(again.rows, alignment.rows)


def test_a_file_keeps_its_rows_beside_the_query():
    (query,) = read_query_file(STOCKHOLM.encode(), "family.sto")
    assert len(query.alignment) == 3
    (query,) = read_query_file(b">a\nMKTA\n", "a.fasta")
    assert query.alignment is None


def test_homologues_lie_on_the_querys_places_neither_too_like_nor_too_remote():
    rows = {
        "query": "MKTAYIAKQRX",
        "the same": "MKTAYIAKQRX",
        "half like": "MKTAYWWW-WA",
        "hardly there": "MKT--------",
        "another": "WWWWWWWWWWW",
        "with an unknown one": "MKTAYXLLLLL",
    }
    text = "".join(f">{name}\n{row}\n" for name, row in rows.items())
    alignment = read_alignment(text, sure=True)
    assert alignment.list_homologues(8) == ["MKTAYWWWQWA", "MKTAYILLLLL"]
    assert alignment.list_homologues(1) == ["MKTAYWWWQWA"]
    assert alignment.list_homologues(0) == []


def test_few_of_many_homologues_are_spread_over_all_of_them():
    letters = "ACDEFGHIKLMNPQRSTVWY"
    tails = [f"{letters[k % 20]}{letters[k // 20 + 5]}WW" for k in range(100)]
    text = ">query\nMKTAYI\n" + "".join(f">{k}\nMK{tail}\n" for k, tail in enumerate(tails))
    found = read_alignment(text, sure=True).list_homologues(3)
    assert found == [f"MK{tails[k]}" for k in (0, 50, 99)]
