"""`distmat library`, and predictions with templates on the command line."""

import json

import numpy as np
import pytest

from distmat.cli import main
from distmat.dataset.store import DatasetWriter
from distmat.protein.examples import examples
from distmat.workspace import replace_file


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("DISTMAT_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    path = tmp_path / "home" / "datasets" / "examples.parquet"
    with replace_file(path) as file, DatasetWriter(file) as writer:
        for number, example in enumerate(examples()):
            writer.add(example.read(), cluster=number, rep=True)
    return tmp_path / "home"


@pytest.fixture
def query():
    """A chain of the library with a third of its residues exchanged."""
    letters = np.array(list(examples()[2].read().sequence))
    rng = np.random.default_rng(0)
    exchanged = rng.random(len(letters)) < 0.33
    letters[exchanged] = rng.choice(list("ACDEFGHIKLMNPQRSTVWY"), exchanged.sum())
    return "".join(letters)


def test_a_library_is_built_listed_and_used(home, query, capsys):
    assert main(["library", "build", "examples", "-o", "own", "--workers", "1"]) == 0
    assert "8 chains, 0 of them with a profile" in capsys.readouterr().out
    assert main(["library", "list", "--json"]) == 0
    listed = {row["name"]: row["chains"] for row in json.loads(capsys.readouterr().out)}
    assert listed["own"] == 8
    assert main(["predict", query, "--library", "own", "--json"]) == 0
    with_library = json.loads(capsys.readouterr().out)[0]
    assert with_library["templates"][0]["id"] == examples()[2].read().name
    assert main(["predict", query, "--library", "own", "--exclude-identity", "0.3"]) == 0
    assert "template" not in capsys.readouterr().out


def test_templates_are_told_in_the_summary(home, query, capsys):
    main(["library", "build", "examples", "-o", "own", "--workers", "1"])
    main(["predict", query, "--library", "own"])
    assert f"template {examples()[2].read().name}" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["predict", "MKTAYIAKQRQISFVK", "--library", "nowhere"], "There is no library 'nowhere'"),
        (["predict", "MKTAYIAKQRQISFVK", "--exclude-from", "May"], "The date is 'May'"),
        (["library", "build", "examples", "-o", "../x"], "can't be called '../x'"),
        (["library", "build", "nothing", "-o", "x"], "There is no dataset 'nothing'"),
        (
            ["library", "build", "examples", "-o", "x", "--profiles", "no.fasta"],
            "There is no file of sequences",
        ),
    ],
)
def test_what_is_wrong_is_one_sentence(home, arguments, words, capsys):
    assert main(arguments) == 2
    assert words in capsys.readouterr().err
    assert not (home / "libraries").exists()


def test_a_name_that_is_taken_is_kept(home, capsys):
    command = ["library", "build", "examples", "-o", "own", "--workers", "1"]
    assert main(command) == 0
    assert main(command) == 2
    assert "--overwrite" in capsys.readouterr().err
    assert main([*command, "--overwrite"]) == 0
