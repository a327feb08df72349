"""Ids of the PDB in one form."""

import pytest

from distmat.protein.entry_id import EntryId, normal_id, parse_id


@pytest.mark.parametrize(
    "text", ["1hml", "1HML", "pdb_00001hml", "PDB_00001HML", "Pdb_00001Hml", " 1hml "]
)
def test_all_ways_to_write_an_entry_are_one(text):
    assert normal_id(text) == "1hml"
    assert parse_id(text) == EntryId("1hml", "")


@pytest.mark.parametrize("text", ["1HML_A", "1hml:A", "pdb_00001hml_A", "PDB_00001HML:A"])
def test_a_chain_keeps_the_case_of_its_name(text):
    assert normal_id(text) == "1hml_A"
    assert normal_id(text[:-1] + "a") == "1hml_a"


def test_an_entry_without_a_short_id_keeps_its_long_one():
    assert normal_id("PDB_1000ABCD_AA") == "pdb_1000abcd_AA"
    assert normal_id("pdb_0000abcd") == "pdb_0000abcd"  # a short id begins with a digit


@pytest.mark.parametrize("text", ["model_7", "AF-P69905-F1", "abcd", "1hm", "1hmlA", "x_1hml", ""])
def test_what_is_no_id_stays_as_it_is(text):
    assert parse_id(text) is None and normal_id(text) == text
