"""`distmat data`, as a person calls it."""

import io
import json

import pytest

from distmat.cli import main
from distmat.dataset.filters import Filters
from distmat.dataset.presets import preset
from distmat.dataset.store import read_dataset
from distmat.protein.examples import examples
from distmat.protein.structure.write import write_pdb
from distmat.settings import describe
from distmat.workspace import checkpoint_path


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("DISTMAT_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


@pytest.fixture
def folder(tmp_path):
    place = tmp_path / "structures"
    place.mkdir()
    for example in examples():
        chain = example.read()
        (place / f"{example.key}.pdb").write_text(write_pdb(chain.sequence, chain.ca))
    return place


def call(capsys, *arguments):
    code = main(["data", *(str(argument) for argument in arguments)])
    captured = capsys.readouterr()
    return code, captured.out, captured.err


def test_a_folder_becomes_a_dataset_that_is_listed_shown_and_deleted(capsys, home, folder):
    code, out, _ = call(
        capsys, "build", folder, "-o", "mine", "--workers", 1, "--max-length", 150, "--seed", 3
    )
    assert code == 0 and "chains" in out
    dataset = read_dataset(home / "datasets" / "mine.parquet")
    assert max(len(chain) for chain in dataset.chains) <= 150
    code, out, _ = call(capsys, "list", "--json")
    (listed,) = json.loads(out)
    assert code == 0 and listed["name"] == "mine" and listed["chains"] == len(dataset)
    assert "mine" in call(capsys, "list")[1]
    code, out, _ = call(capsys, "show", "mine", "--json")
    card = json.loads(out)
    assert card["settings"]["filters"]["max_length"] == 150 and card["settings"]["seed"] == 3
    assert card["rejects"]["by_reason"] == {"too long": 8 - len(dataset)}
    assert "# mine" in call(capsys, "show", "mine")[1]
    code, out, _ = call(capsys, "delete", "mine", "--yes")
    assert code == 0 and out.count("Deleted") == 4
    assert call(capsys, "list")[1].startswith("There is no dataset yet")


def test_deleting_asks_for_the_name(capsys, home, monkeypatch):
    call(capsys, "synthetic", "--chains", 10)
    monkeypatch.setattr("sys.stdin", io.StringIO("yes\n"))
    code, _, err = call(capsys, "delete", "synthetic")
    assert code == 2 and "Nothing was deleted" in err
    monkeypatch.setattr("sys.stdin", io.StringIO("synthetic\n"))
    assert call(capsys, "delete", "synthetic")[0] == 0


def test_the_synthetic_set_says_what_it_is_and_can_be_split_anew(capsys, home):
    code, out, _ = call(capsys, "synthetic", "--chains", 20)
    assert code == 0 and "synthetic" in out
    assert "drawn on its own" in call(capsys, "show", "synthetic")[1]
    command = ["split", "synthetic", "-o", "again", "--train", 1, "--val", 1, "--test", 0]
    assert call(capsys, *command, "--workers", 1)[0] == 0
    again = read_dataset(home / "datasets" / "again.parquet")
    assert len(again.of_split("val")) == 10 and len(again.of_split("test")) == 0


def test_progress_is_written_for_programs(capsys, home, folder, tmp_path):
    progress = tmp_path / "progress.json"
    call(capsys, "build", folder, "-o", "mine", "--workers", 1, "--progress", progress)
    content = json.loads(progress.read_text())
    assert content["status"] == "finished" and content["phase"] == "write"
    code, _, _ = call(capsys, "build", folder, "-o", "mine", "--progress", progress)
    content = json.loads(progress.read_text())
    assert code == 2 and content["status"] == "failed" and "already" in content["error"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["build", "-o", "x"], "Give what to build from"),
        (["build", "1abc"], "Give the dataset a name with -o"),
        (["build", "nowhere", "-o", "x"], "no file or folder 'nowhere'"),
        (["build", "1abc", "-o", "../x"], "can't be a dataset's"),
        (["build", "1abc", "-o", "x", "--max-missing", "7"], "max_missing is 7.0"),
        (["build", "1abc", "-o", "x", "--train", "-1"], "train is -1.0; a share is"),
        (["build", "1abc", "-o", "x", "--workers", "0"], "workers is 0"),
        (["build", "1abc", "-o", "x", "--exclude", "none"], "no dataset 'none'"),
        (["build", "--preset", "none"], "no preset 'none'; there is: mini"),
        (["build", "1abc", "--preset", "mini"], "no INPUT and no filters"),
        (["show", "none"], "no dataset 'none'"),
        (["split", "none", "-o", "x"], "no dataset 'none'"),
        (["delete", "none", "--yes"], "no dataset 'none' to delete"),
        (["synthetic", "--chains", "3"], "3 chains are asked for"),
    ],
)
def test_what_a_person_can_mend_is_one_sentence_and_exit_code_two(capsys, home, arguments, words):
    code, out, err = call(capsys, *arguments)
    assert code == 2 and out == ""
    assert err.splitlines()[-1].startswith("distmat: ") and words in err
    assert not home.exists() or not list(home.rglob("*.parquet"))
    assert not home.exists() or not list(home.rglob(".*.build"))


def test_every_filter_is_an_option_and_has_its_words(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "300")
    with pytest.raises(SystemExit):
        main(["data", "build", "--help"])
    words = " ".join(capsys.readouterr().out.split())
    for name, one in describe(Filters).items():
        assert f"--{name.replace('_', '-')} VALUE {one.help.split(',')[0][:30]}" in words
        assert f"(default: {one.show(one.default)}" in words


def test_the_preset_names_the_chains_of_the_shipped_model_with_their_splits(tmp_path):
    from distmat.dataset.sources import list_items

    known = preset("mini")
    listing = list_items(known.inputs, tmp_path)
    with open(checkpoint_path("mini") / "chains.csv", encoding="utf-8") as file:
        rows = [line.strip().split(",") for line in file][1:]
    wanted = {name for item in listing.items for name in item.chains}
    unknown = {item.label for item in listing.items if item.kind == "unknown"}
    assert wanted | unknown == {name for name, _ in rows}
    # These came from files that name no entry, and are listed as left out.
    assert len(unknown) == 300 and all(name.startswith("db") for name in unknown)
    assert listing.splits == dict(rows)
