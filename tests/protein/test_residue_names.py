"""One letter for a residue's name."""

import pytest
from biotite.sequence import ProteinSequence

from distmat.protein.residue_names import STANDARD, is_known, one_letter


def test_the_20_are_those_of_biotite():
    assert {name: ProteinSequence.convert_letter_3to1(name) for name in STANDARD} == STANDARD
    assert len(STANDARD) == 20


@pytest.mark.parametrize(
    ("name", "letter"),
    [
        ("MSE", "M"),
        ("SEP", "S"),
        ("CSO", "C"),
        ("M3L", "K"),
        ("DAL", "A"),
        ("SEC", "C"),
        ("PYL", "K"),
        ("UNK", "X"),
        ("ASX", "X"),
        ("GLX", "X"),
        ("CRO", "X"),
        ("HIE", "H"),
        ("HSE", "H"),
        ("CYX", "C"),
        ("GLH", "E"),
    ],
)
def test_modified_residues_have_their_parents_letter(name, letter):
    assert one_letter(name) == letter


@pytest.mark.parametrize("name", ["ACE", "NH2", "HOH", "HEM", "CA", "A", "DA", "U", "NAG", "ATP"])
def test_what_is_no_amino_acid_has_none(name):
    assert one_letter(name) is None


def test_a_name_that_nobody_knows_is_an_unknown_residue():
    assert one_letter("QQQ1") == "X"
    assert not is_known("QQQ1")
    assert is_known("MSE")


def test_the_files_own_word_for_a_parent_counts_but_never_for_one_of_the_20():
    assert one_letter("QQQ1", {"QQQ1": "TRP"}) == "W"
    assert one_letter("HSE", {"HSE": "SER"}) == "S"
    assert one_letter("ALA", {"ALA": "TRP"}) == "A"
    assert one_letter("MSE", {"MSE": "nonsense"}) == "M"
