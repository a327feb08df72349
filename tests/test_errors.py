"""What reaches a person is one line, whatever it quotes."""

import pickle

import pytest

from distmat.errors import DatasetError, DistmatError


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("a\nb", "a b"),
        ("a\u2028b\x85c", "a b c"),
        ("a\x1b[31mb", r"a\x1b[31mb"),
        ("half \ud800 a character", r"half \ud800 a character"),
        ("Å α 日本", "Å α 日本"),
    ],
)
def test_a_message_is_one_line_that_can_be_printed(given, shown):
    error = DistmatError(given)
    assert str(error) == shown
    assert str(error).encode("utf-8")


def test_an_error_travels_between_processes():
    error = pickle.loads(pickle.dumps(DatasetError("row 3 is empty")))
    assert isinstance(error, DatasetError) and str(error) == "row 3 is empty"
