"""The `distmat` command, as a person calls it."""

import errno
import gzip
import json
import subprocess
import sys
import time

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from distmat.cli import main
from distmat.errors import DivergedError
from distmat.library.training_sequences import read_training_sequences
from distmat.protein.examples import examples
from distmat.protein.structure.read import read_structure
from distmat.protein.structure.write import write_pdb
from distmat.workspace import checkpoint_path
from tests.protein.structure.cases import NAMES, cif
from tests.protein.structure.records import chain_of, lines


def call(capsys, *arguments):
    code = main([str(argument) for argument in arguments])
    captured = capsys.readouterr()
    return code, captured.out, captured.err


def test_help_answers_without_loading_the_heavy_libraries():
    command = [sys.executable, "-X", "importtime", "-m", "distmat.cli", "--help"]
    started = time.perf_counter()
    result = subprocess.run(command, capture_output=True, text=True, check=True)
    assert time.perf_counter() - started < 5  # half a second on a machine at rest
    for command in ("predict", "evaluate", "reconstruct", "train"):
        assert command in result.stdout
    for library in ("torch", "transformers", "numpy", "biotite", "streamlit"):
        assert f" {library}\n" not in result.stderr


def test_who_reads_no_further_is_told_nothing():
    with subprocess.Popen(
        [sys.executable, "-m", "distmat", "train", "--settings"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as command:
        command.stdout.close()
        said = command.stderr.read()
    assert (said, command.returncode) == ("", 141)


def test_a_sequence_gives_every_file_that_is_promised(capsys, tmp_path):
    code, out, _ = call(capsys, "predict", "MKTAYIAKQRQISFVKSHFSRQ", "--out", tmp_path, "--json")
    assert code == 0
    (result,) = json.loads(out)
    assert result["residues"] == 22 and result["scores"] is None
    names = sorted(path.name for path in tmp_path.iterdir())
    assert names == [f"sequence.{s}" for s in ("cif", "csv", "json", "npy", "pdb", "rr")]
    distances = np.load(tmp_path / "sequence.npy")
    np.testing.assert_allclose(distances, distances.T, atol=1e-4)
    for name in ("sequence.pdb", "sequence.cif"):
        (trace,) = read_structure(tmp_path / name)
        assert trace.sequence == "MKTAYIAKQRQISFVKSHFSRQ" and trace.observed.all()


def test_a_structure_is_compared_with_what_its_sequence_predicts(capsys, tmp_path):
    path = next(example.path for example in examples() if example.key == "kunitz")
    code, out, _ = call(capsys, "predict", path, "--json")
    (result,) = json.loads(out)
    scores = result["scores"]
    assert code == 0 and scores["observed_residues"] == 71
    for predictor in ("model", "baseline"):
        assert 0 < scores["map"][predictor]["mae"] < 20
    assert 0 < scores["trace"]["tm"] < 1
    code, out, _ = call(capsys, "predict", path)
    assert "model" in out and "separation only" in out and "RMSD" in out


def test_records_with_one_name_get_files_of_their_own(capsys, tmp_path):
    fasta = tmp_path / "two.fasta"
    fasta.write_text(">same/name x\nMKTAYIAK\n>same/name y\nMKTAYIAR\n")
    code, _, _ = call(capsys, "predict", fasta, "--out", tmp_path / "out")
    assert code == 0
    names = {path.stem for path in (tmp_path / "out").iterdir()}
    assert names == {"same_name", "same_name_2", "results"}


def test_files_are_told_by_their_content_and_an_alignment_says_what_is_read(capsys, tmp_path):
    (tmp_path / "a.fasta.gz").write_bytes(gzip.compress(b";comment\n>caf\xe9\nMKTAYIAK\n"))
    (tmp_path / "b.a3m").write_text(">query\nMKTAYIAR\n>hit\nMK--YIAaaR\n")
    chain = examples()[0].read()
    (tmp_path / "c.pdb.txt").write_text(write_pdb(chain.sequence, chain.ca))
    code, out, err = call(capsys, "predict", *sorted(tmp_path.iterdir()), "--json")
    first, second, third = json.loads(out)
    assert code == 0 and (first["sequence"], second["sequence"]) == ("MKTAYIAK", "MKTAYIAR")
    assert third["sequence"] == chain.sequence and third["scores"]
    assert "query: This is the first of the 2 rows of an alignment, without its gaps." in err


def test_dna_is_predicted_only_if_it_is_asked_for(capsys):
    dna = "ATGAAAACCGCGTATATTGCGAAACAG"
    code, out, err = call(capsys, "predict", dna)
    assert (code, out) == (2, "")
    assert "DNA and no protein" in err and "give --amino-acids" in err
    code, out, _ = call(capsys, "predict", dna, "--amino-acids", "--json")
    assert code == 0 and json.loads(out)[0]["sequence"] == dna


def test_a_map_becomes_a_trace(capsys, tmp_path):
    chain = next(example for example in examples() if example.key == "il2").read()
    np.save(tmp_path / "map.npy", chain.distances)
    for name in ("trace.pdb", "trace.cif"):
        out = tmp_path / name
        code, _, _ = call(
            capsys, "reconstruct", tmp_path / "map.npy", "--sequence", chain.sequence, "--out", out
        )
        (trace,) = read_structure(out)
        assert code == 0 and trace.sequence == chain.sequence
        np.testing.assert_allclose(trace.distances, chain.distances, atol=0.01)


def test_a_map_in_nanometres_or_with_zeros_is_refused_with_the_option_that_reads_it(
    capsys, tmp_path
):
    chain = next(example for example in examples() if example.key == "il2").read()
    path, out = tmp_path / "map.npy", tmp_path / "trace.pdb"
    holed = np.where(chain.distances < 15, chain.distances, 0)
    for distances, words, options in (
        (chain.distances / 10, "Neighbours in the chain are 0.38", ["--unit", "nm"]),
        (holed, "is zero, as are", ["--zeros-are-missing"]),
    ):
        np.save(path, distances)
        code, _, err = call(capsys, "reconstruct", path, "--out", out)
        assert code == 2 and words in err and f"give {' '.join(options)}." in err
        assert not out.exists()
        code, _, _ = call(capsys, "reconstruct", path, "--out", out, *options)
        (trace,) = read_structure(out)
        assert code == 0 and np.nanmedian(np.diagonal(trace.distances, 1)) == pytest.approx(
            3.8, abs=0.1
        )
        out.unlink()


def test_evaluation_prints_the_baseline_beside_the_model(capsys, tmp_path):
    chains = [example.read() for example in examples() if example.key in ("kunitz", "sdf-1")]
    path = tmp_path / "two.parquet"
    columns = {
        "id": [chain.name for chain in chains],
        "sequence": [chain.sequence for chain in chains],
        "ca": [chain.ca.ravel() for chain in chains],
    }
    pq.write_table(pa.table(columns), path)
    code, out, _ = call(capsys, "evaluate", path, "--json", "--per-chain")
    result = json.loads(out)
    assert code == 0 and result["chains"] == 2 and len(result["per_chain"]) == 2
    assert result["model"].keys() == result["baseline"].keys()
    mean = np.mean([row["model"]["mae"] for row in result["per_chain"]])
    assert result["model"]["mae"] == pytest.approx(mean)
    code, out, _ = call(capsys, "evaluate", path, "--max-length", 68)
    assert code == 0 and "1 chain of two" in out and "separation only" in out
    assert "knowing nothing: an MAE of" in out
    code, _, err = call(capsys, "evaluate", path, "--min-length", 69, "--max-length", 68)
    assert code == 2 and "loosen --min-length" in err
    assert "0 of them are ≥ 30 % identical to a chain that mini was trained on" in out


def test_a_chain_that_was_learned_from_is_said_before_any_score(capsys):
    learned = read_training_sequences(checkpoint_path("mini"))
    antibody = learned.sequences[learned.names.index("1igy_A")][:60]
    code, out, _ = call(capsys, "predict", antibody)
    assert code == 0
    assert out.splitlines()[1].startswith("  Identical to 1igy_A, which mini was trained on")
    code, out, _ = call(capsys, "predict", antibody, "--json")
    assert json.loads(out)[0]["training_overlap"]["nearest"]["id"] == "1igy_A"


@pytest.fixture
def split_set(tmp_path):
    """Three chains of one split each."""
    chains = [example.read() for example in examples()[:3]]
    columns = {
        "id": ["one", "two", "three"],
        "sequence": [chain.sequence[:20] for chain in chains],
        "ca": [chain.ca[:20].ravel() for chain in chains],
        "split": ["train", "val", "test"],
    }
    pq.write_table(pa.table(columns), tmp_path / "set.parquet")
    return tmp_path / "set.parquet"


@pytest.mark.parametrize(
    ("options", "chains", "warned"),
    [
        ([], ["three"], False),
        (["--split", "val"], ["two"], False),
        (["--split", "train"], ["one"], True),
        (["--split", "all"], ["one", "two", "three"], True),
    ],
    ids=["default", "val", "train", "all"],
)
def test_what_was_learned_from_is_only_scored_if_it_is_asked_for_and_with_a_warning(
    capsys, split_set, options, chains, warned
):
    code, out, err = call(capsys, "evaluate", split_set, "--per-chain", *options)
    assert code == 0 and f"of set (split '{options[-1] if options else 'test'}')" in out
    rows = out[out.index("Each chain:") :].splitlines()[2:]
    assert [row.split()[0] for row in rows] == chains
    assert all(row.count("(") == 5 for row in rows)
    assert ("a model was trained on" in err) == warned


def test_of_a_set_without_a_test_split_val_is_scored(capsys, split_set):
    table = pq.read_table(split_set)
    pq.write_table(table.slice(0, 2), split_set)
    code, out, _ = call(capsys, "evaluate", split_set, "--json")
    assert code == 0 and (json.loads(out)["split"], json.loads(out)["chains"]) == ("val", 1)
    code, _, err = call(capsys, "evaluate", split_set, "--split", "test")
    assert code == 2 and "no chain of the split 'test'; it has train, val" in err


@pytest.mark.parametrize("command", [[], ["runs"], ["data"]])
def test_without_a_command_those_that_there_are_are_shown(capsys, command):
    code, out, _ = call(capsys, *command)
    assert code == 0 and out.startswith("usage: distmat") and "COMMAND" in out


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (OSError(errno.ENOSPC, "No space left on device"), "is full; free some space and resume"),
        (MemoryError(), "The machine's memory isn't enough. Lower pairs_per_batch"),
        (DivergedError("The loss became NaN at step 3."), "The loss became NaN at step 3."),
    ],
    ids=["disk", "memory", "diverged"],
)
def test_a_training_here_and_now_says_why_it_ended_as_one_in_the_background_does(
    capsys, monkeypatch, error, words
):
    def fails(*arguments, **named):
        raise error

    monkeypatch.setattr("distmat.training.trainer.train", fails)
    made_up = ("train", "--set", "train=synthetic", "--set", "val=synthetic")
    code, _, err = call(capsys, *made_up)
    assert code == 2 and err.startswith("distmat: ") and words in err
    monkeypatch.setattr("distmat.training.trainer.train", lambda *a, **named: 1 / 0)
    code, _, err = call(capsys, *made_up)
    assert code == 1 and "ZeroDivisionError" in err and "a fault of the program" in err


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["predict", "MKTJ"], "residue 4 is 'J'"),
        (["predict", ""], "no sequence"),
        (["predict", "no/such/file.pdb"], "There is no file"),
        (["predict", "MKTAYIAK", "--checkpoint", "none"], "There is no checkpoint 'none'"),
        (["evaluate", "none.parquet"], "There is no dataset 'none.parquet'"),
        (["train", "--set", "learning_rate=9"], "learning_rate is 9.0; it must lie between"),
        (["train", "--set", "learning_rate"], "write NAME=VALUE"),
        (["train", "--config", "none.yaml"], "There is no config at none.yaml"),
        (["reconstruct", "none.npy", "--out", "x.pdb"], "none.npy"),
        (["reconstruct", "none.npy", "--out", "x.xyz"], "must end in .pdb or .cif"),
    ],
)
def test_what_a_person_can_mend_is_one_sentence_and_exit_code_two(capsys, arguments, words):
    code, out, err = call(capsys, *arguments)
    assert code == 2 and out == ""
    assert err.startswith("distmat: ") and err.count("\n") == 1 and words in err


def test_a_chain_that_is_not_in_the_file_is_refused_with_those_that_are(capsys):
    path = next(example.path for example in examples() if example.key == "kunitz")
    code, _, err = call(capsys, "predict", path, "--chain", "Z")
    assert code == 2 and "no protein chain 'Z'; its chains are A" in err


@pytest.mark.parametrize("content", [b"", b"not numpy", b"\x93NUMPY\x01\x00"])
def test_what_is_no_array_is_refused_in_a_sentence(capsys, tmp_path, content):
    (tmp_path / "map.npy").write_bytes(content)
    code, _, err = call(capsys, "reconstruct", tmp_path / "map.npy", "--out", tmp_path / "t.pdb")
    assert code == 2 and "holds no NumPy array" in err
    assert not (tmp_path / "t.pdb").exists()


def test_a_pickle_in_an_array_file_is_never_opened(capsys, tmp_path):
    np.save(tmp_path / "map.npy", np.array([{"a": 1}], dtype=object), allow_pickle=True)
    code, _, err = call(capsys, "reconstruct", tmp_path / "map.npy", "--out", tmp_path / "t.pdb")
    assert code == 2 and "holds no NumPy array" in err


def test_settings_can_be_shown_without_training(capsys):
    code, out, _ = call(capsys, "train", "--set", "max_steps=7", "--show")
    assert code == 0 and json.loads(out)["max_steps"] == 7


def test_a_chain_is_chosen_by_its_own_id_and_not_by_what_its_name_ends_in(capsys, tmp_path):
    assembly, plain = tmp_path / "assembly.cif", tmp_path / "model_3.pdb"
    assembly.write_bytes(cif().replace(b" A\n", b" A_2\n"))
    code, out, _ = call(capsys, "predict", assembly, "--chain", "A_2", "--json")
    assert (code, json.loads(out)[0]["name"]) == (0, "assembly_A_2")
    code, _, err = call(capsys, "predict", assembly, "--chain", "2")
    assert (code, "its chains are A_2." in err) == (2, True)
    plain.write_bytes(lines(chain_of(NAMES, chain=" ")))
    code, _, err = call(capsys, "predict", plain, "--chain", "3")
    assert (code, "no protein chain '3'; its chains are one without a name." in err) == (2, True)


def test_where_a_chain_breaks_is_said_beside_its_prediction(capsys, tmp_path):
    path = tmp_path / "broken.pdb"
    path.write_bytes(lines(chain_of(NAMES)[:6], chain_of(NAMES, shift=60)[6:]))
    code, _, err = call(capsys, "predict", path, "--json")
    assert code == 0
    assert "broken_A: The chain breaks between residues 6 and 7 (10" in err


def test_a_fault_of_the_program_says_that_it_is_one_with_its_traceback(capsys, monkeypatch):
    def fail(*arguments, **options):
        raise RuntimeError("not the file's fault")

    monkeypatch.setattr("distmat.protein.query.read_sequences", fail)
    code, _, err = call(capsys, "predict", "MKTAYIAKQR")
    assert code == 1
    assert "RuntimeError: not the file's fault" in err
    assert "a fault of the program, not of what you gave it" in err
