"""What reaches a person is one line, whatever it quotes."""

import pickle
import re
from pathlib import Path

import pytest

from distmat.cli.remedies import WORDS, sentence
from distmat.errors import DatasetError, DistmatError, Remedy

ROOT = Path(__file__).parents[1]


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


def test_what_can_be_done_travels_along_and_the_command_words_it():
    error = DatasetError("There is a dataset 'a' already.", Remedy.OVERWRITE)
    again = pickle.loads(pickle.dumps(error))
    assert again.remedy == Remedy.OVERWRITE and "--" not in str(again)
    assert sentence(again) == "There is a dataset 'a' already. Or replace it with --overwrite."
    assert sentence(DatasetError("row 3 is empty")) == "row 3 is empty"
    assert set(WORDS) == set(Remedy)


def test_no_error_of_a_training_speaks_of_an_option_that_only_the_command_has():
    raised = re.compile(r"raise \w*Error\((.*?)\n? *\)(?: from .*)?\n", re.S)
    for path in (ROOT / "distmat" / "training" / name for name in ("run_folder.py", "trainer.py")):
        for message in raised.findall(path.read_text(encoding="utf-8")):
            assert not re.search(r"--[a-z]", message), f"{path.name}: {message}"
