"""Which checkpoint the command predicts with: by each chain's length, unless one is named."""

import csv
import json
import sys

import numpy as np
import pytest

import distmat
from distmat.batch import crew
from distmat.batch.job import submit_predictions
from distmat.batch.scan import submit_scan
from distmat.cli import main
from distmat.cli.predict import _Found
from distmat.errors import CheckpointError
from distmat.jobs import operations
from distmat.jobs.store import JobStore
from distmat.protein.query import Query
from distmat.protein.sequence import ALPHABET

SHORT = "MKTAYIAKQRQISFVKSHFSRQ"
LONG = "".join(np.random.default_rng(0).choice(list(ALPHABET), 260))


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("DISTMAT_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(operations, "ensure_scheduler", lambda home: None)
    return tmp_path / "home"


@pytest.fixture
def mixed(tmp_path):
    """Chains of both lengths, in turns."""
    path = tmp_path / "mixed.fasta"
    chains = [SHORT, LONG, SHORT[:15], LONG[:-1], SHORT[:9]]
    path.write_text("\n".join(f">s{number}\n{chain}" for number, chain in enumerate(chains)))
    return path


NAMES = ["mini", "mini-long", "mini", "mini-long", "mini"]


def call(capsys, *arguments):
    code = main([str(argument) for argument in arguments])
    captured = capsys.readouterr()
    return code, captured.out, captured.err


def table(folder):
    with open(folder / "results.csv", encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_each_chain_is_predicted_by_the_one_made_for_its_length_and_says_so(
    home, mixed, capsys, tmp_path
):
    code, out, _ = call(capsys, "predict", mixed, "--json")
    found = json.loads(out)
    assert code == 0 and [one["checkpoint"] for one in found] == NAMES
    out_folder = tmp_path / "out"
    code, out, _ = call(capsys, "predict", mixed, "--out", out_folder, "--formats", "npy,json")
    said = [line for line in out.splitlines() if "predicted by" in line]
    assert code == 0 and [line.split("predicted by ")[1].split(",")[0] for line in said] == NAMES
    assert [row["checkpoint"] for row in table(out_folder)] == NAMES
    for number, name in enumerate(NAMES):
        assert json.loads((out_folder / f"s{number}.json").read_text())["checkpoint"] == name
    # It is that network's map.
    predicted = distmat.load("mini-long").predict(LONG).distances
    np.testing.assert_allclose(np.load(out_folder / "s1.npy"), predicted, atol=0.02)
    # A name is that one's, whatever the length.
    code, out, _ = call(capsys, "predict", LONG[:257], "--checkpoint", "mini", "--json")
    assert code == 0 and json.loads(out)[0]["checkpoint"] == "mini"


def test_two_processes_give_what_one_gives(home, mixed, capsys, tmp_path, monkeypatch):
    # By one process first, as in a job.
    monkeypatch.setattr(crew, "usable_processors", lambda: 1)
    command = ["predict", mixed, "--formats", "npy,json"]
    assert call(capsys, *command, "--out", tmp_path / "one")[0] == 0
    monkeypatch.setattr(crew, "usable_processors", lambda: 2)
    monkeypatch.setattr(crew, "_MEMORY", 1)
    code, out, _ = call(capsys, *command, "--out", tmp_path / "two")
    assert code == 0 and out.count("predicted by mini-long,") == 2
    for path in (tmp_path / "one").iterdir():
        theirs = tmp_path / "two" / path.name
        if path.suffix == ".npy":
            np.testing.assert_allclose(np.load(path), np.load(theirs), atol=0.02)
        elif path.suffix == ".csv":
            assert [row["checkpoint"] for row in table(theirs.parent)] == NAMES


def test_a_batch_that_another_checkpoint_began_is_begun_anew(home, mixed, capsys, tmp_path):
    from distmat.batch.job import results_of
    from distmat.cli.predict import read_one
    from distmat.library.search import Exclusion

    queries = read_one(str(mixed))

    def begun(checkpoint):
        return results_of(queries, tmp_path / "out", checkpoint, None, Exclusion())._state

    assert begun("auto") == begun("auto") != begun("mini") != begun("mini-long")
    before = begun("auto")
    # One's own of that name is another one than what ships.
    own = home / "checkpoints" / "mini-long"
    own.mkdir(parents=True)
    (own / "config.json").write_text("{}")
    assert begun("auto") != before


def test_of_many_chains_it_is_counted(capsys):
    queries = [Query(str(number), SHORT) for number in range(101)]
    _Found(queries, ["mini"] * 100 + ["mini-long"], as_json=False).show()
    assert capsys.readouterr().out == "101 chains, 100 by mini and 1 by mini-long.\n"


def test_jobs_keep_what_was_asked_and_a_scan_the_one_of_its_chain(home, mixed):
    with JobStore(home) as store:
        jobs = submit_predictions(store, [mixed], parts=2)
        assert [job.settings["checkpoint"] for job in jobs] == ["auto"] * 2
        for sequence, name in ((SHORT, "mini"), (LONG, "mini-long")):
            assert submit_scan(store, sequence).settings["checkpoint"] == name


def test_a_scan_says_which_it_asked(home, capsys, tmp_path):
    code, out, _ = call(capsys, "scan", SHORT[:8], "--mutations", "alanine", "--out", tmp_path)
    assert code == 0 and "Predicted by mini, and written to" in out


@pytest.mark.parametrize(
    "arguments",
    [
        ["evaluate", "synthetic", "--checkpoint", "auto"],
        ["evaluate", "synthetic", "--checkpoint", "auto", "--background"],
        ["push", "auto", "user/name"],
        ["train", "--set", "train=synthetic", "--set", "val=synthetic", "--set", "init_from=auto"],
    ],
    ids=lambda arguments: " ".join(arguments),
)
def test_what_needs_one_checkpoint_says_so_in_a_sentence(home, capsys, arguments):
    from distmat.dataset.synthetic import write_synthetic

    write_synthetic(home / "datasets" / "synthetic.parquet", 20)
    code, out, err = call(capsys, *arguments)
    assert (code, out) == (2, "")
    assert err.count("\n") == 1 and "'auto' chooses a checkpoint by the length of a chain" in err
    assert "give a folder or one of: mini, mini-long" in err


def test_a_predictor_is_one_network(home):
    assert distmat.load().card["max_length"] == 256
    with pytest.raises(CheckpointError, match="by the length of a chain"):
        distmat.load("auto")


def test_where_none_ships_it_is_said(home, capsys, monkeypatch):
    monkeypatch.setattr("distmat.workspace.SHIPPED_CHECKPOINTS", ())
    code, out, err = call(capsys, "predict", SHORT)
    assert (code, out) == (2, "") and "There is no checkpoint 'auto'" in err


def test_choosing_loads_no_network():
    """The server of the pages chooses, and has none."""
    import subprocess

    code = (
        "import sys; from distmat.workspace import checkpoint_for, library_of; "
        "assert checkpoint_for('auto', 300) == 'mini-long'; library_of('auto'); "
        "assert not {'torch', 'numpy'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
