import pytest

from distmat.errors import SequenceError
from distmat.protein.mutation import mutate, parse_mutations

SEQUENCE = "MKTAYIAKQR"


@pytest.mark.parametrize("text", ["K2A Y5G", "y5g, k2a", "p.K2A;Y5G", " K2A\tY5G\n"])
def test_mutations_are_read_however_they_are_written(text):
    found = parse_mutations(text, SEQUENCE)
    assert [str(one) for one in found] == ["K2A", "Y5G"]
    assert mutate(SEQUENCE, found) == "MATAGIAKQR"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "at least one"),
        ("K2", "'K2' is no mutation"),
        ("<b>", "is no mutation"),
        ("A2G", "says that residue 2 is A, and it is K"),
        ("K20A", "names residue 20, and the chain has 10"),
        ("K0A", "names residue 0"),
        ("K2J", "ends in J"),
        ("K2A K2G", "Residue 2 is exchanged twice"),
        ("K2K", "None of these mutations changes"),
        ("K2A " * 51, "51 mutations"),
    ],
)
def test_what_is_no_mutation_is_refused_in_one_sentence(text, words):
    with pytest.raises(SequenceError, match=words):
        parse_mutations(text, SEQUENCE)
