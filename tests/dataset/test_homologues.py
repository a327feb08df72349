"""Relatives of real chains, found by the real MMseqs2 in a file that the test makes."""

import gzip
import json

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from distmat.cli import main
from distmat.dataset.build_progress import read_progress
from distmat.dataset.clustering import PairAlignment
from distmat.dataset.homologues import add_homologues, project_onto_query
from distmat.dataset.store import DatasetWriter, fingerprint, read_chain, read_dataset
from distmat.errors import ConfigError, DatasetError
from tests.dataset.conftest import mutated


def identity(a: str, b: str) -> float:
    return float(np.mean([x == y for x, y in zip(a, b, strict=True)]))


@pytest.fixture(scope="module")
def relatives(proteins):
    """Of each of three chains: three relatives, one of them with a loop more, one cut short."""
    texts = {}
    for chain in proteins[:3]:
        near, far, other = (mutated(chain, 0.4, seed).sequence for seed in (1, 2, 3))
        texts[chain.name] = [near, far[:30] + "GSGS" + far[30:], other[8:]]
    return texts


@pytest.fixture(scope="module")
def sequences(relatives, made_up, tmp_path_factory):
    path = tmp_path_factory.mktemp("sequences") / "natural.fasta"
    texts = [text for of_chain in relatives.values() for text in of_chain]
    texts += [chain.sequence for chain in made_up]
    path.write_text("".join(f">tr|Q{k} a relative\n{text}\n" for k, text in enumerate(texts)))
    return path


@pytest.fixture
def dataset(proteins, tmp_path):
    """Two training chains and one of val, each with relatives in the file of sequences."""
    path = tmp_path / "mine.parquet"
    with open(path, "wb") as file, DatasetWriter(file) as writer:
        for chain, split in zip(proteins[:3], ("train", "train", "val"), strict=True):
            writer.add(chain, split=split, cluster=0, rep=True)
    return path


def test_training_chains_get_their_relatives_residue_for_residue(
    dataset, sequences, proteins, tmp_path
):
    output = tmp_path / "more.parquet"
    found = add_homologues(dataset, sequences, output, threads=1)
    assert (found.chains, found.with_homologues, found.homologues) == (2, 2, 6)
    more, before = read_dataset(output), read_dataset(dataset)
    assert more.chains[0].sequence == before.chains[0].sequence
    np.testing.assert_array_equal(more.chains[1].ca, before.chains[1].ca)
    for chain, texts in zip(proteins[:2], more.homologues, strict=False):
        assert all(0.5 < identity(chain.sequence, text) < 0.75 for text in texts)
        # The inserted loop is left out, and what was cut off is the chain's own.
        assert any(text[:8] == chain.sequence[:8] for text in texts)
    assert more.homologues[2] == ()
    assert read_chain(output, 2).name == proteins[2].name
    assert not list(tmp_path.glob(".*"))


def test_a_relative_of_a_held_out_chain_is_taken_for_nobody(dataset, sequences, proteins, tmp_path):
    """Whether held out by the dataset's own split or by another dataset."""
    cousin = mutated(proteins[0], 0.2, seed=9)
    other = tmp_path / "test.parquet"
    with open(other, "wb") as file, DatasetWriter(file) as writer:
        writer.add(cousin, cluster=0, rep=True)
    found = add_homologues(dataset, sequences, tmp_path / "a.parquet", [other], threads=1)
    assert (found.with_homologues, found.homologues, found.held_back) == (1, 3, 3)
    assert read_dataset(tmp_path / "a.parquet").homologues[0] == ()


def test_no_more_than_wanted_the_same_for_the_same_seed_from_either_kind_of_file(
    dataset, sequences, relatives, tmp_path
):
    parquet = tmp_path / "natural.parquet"
    texts = [text for of_chain in relatives.values() for text in of_chain]
    pq.write_table(pa.table({"sequence": texts}), parquet)
    zipped = tmp_path / "natural.fasta.gz"
    zipped.write_bytes(gzip.compress(sequences.read_bytes()))
    # Packed without saying so, with comments, gaps, small letters and a Latin-1 header.
    untidy = tmp_path / "untidy.a3m"
    lines = sequences.read_text().splitlines()
    lines = [line if line[0] == ">" else f"{line[:5]}--.{line[5:].lower()}" for line in lines]
    text = "\n".join([";a comment", *lines, ";another"]).replace(">", ">caf\u00e9 ")
    untidy.write_bytes(gzip.compress(text.encode("latin-1")))
    chosen = []
    for number, source in enumerate((sequences, zipped, parquet, untidy)):
        output = tmp_path / f"{number}.parquet"
        add_homologues(dataset, source, output, most=2, threads=1, seed=4)
        chosen.append(read_dataset(output).homologues)
    assert chosen[0] == chosen[1] == chosen[2] == chosen[3]
    assert [len(texts) for texts in chosen[0]] == [2, 2, 0]


@pytest.mark.parametrize(
    ("own", "other", "expected"),
    [
        ("CDEF", "WYWY", "AWYWYG"),
        ("CD--EF", "WYGGWY", "AWYWYG"),
        ("CDEF", "W--Y", "AWDEYG"),
        ("CDEF", "XZ*Y", "ACDEYG"),
    ],
)
def test_gaps_and_unknown_letters_leave_the_chain_its_own_residue(own, other, expected):
    assert project_onto_query("ACDEFG", PairAlignment(0, 0.5, 1, own, other)) == expected


def test_the_command_writes_a_dataset_of_the_workspace(dataset, sequences, home, capsys):
    arguments = ["data", "homologues", str(dataset), str(sequences), "-o", "more"]
    progress = home / "progress.json"
    assert main([*arguments, "--workers", "1", "--progress", str(progress)]) == 0
    assert read_progress(progress)["status"] == "finished"
    path = home / "datasets" / "more.parquet"
    assert "6 homologues of 2 of the 2 training chains" in capsys.readouterr().out
    assert sum(map(len, read_dataset(path).homologues)) == 6
    assert main(arguments) == 2
    assert "a dataset 'more' already" in capsys.readouterr().err


def test_the_card_goes_with_it_and_tells_of_the_homologues(structures, sequences, home, capsys):
    assert main(["data", "build", str(structures), "-o", "built", "--workers", "1"]) == 0
    assert main(["data", "homologues", "built", str(sequences), "-o", "more"]) == 0
    capsys.readouterr()
    assert main(["data", "show", "more"]) == 0
    shown = capsys.readouterr().out
    assert shown.startswith("# more\n") and "| homologues | " in shown
    folder = home / "datasets"
    assert (folder / "more.rejects.csv").read_text() == (folder / "built.rejects.csv").read_text()
    cards = [json.loads((folder / f"{name}.json").read_text()) for name in ("built", "more")]
    assert cards[0]["chains"] == cards[1]["chains"]
    assert cards[1]["fingerprint"] == fingerprint(folder / "more.parquet")
    assert cards[0]["fingerprint"] != cards[1]["fingerprint"]


def test_sequences_that_cannot_be_read_are_refused_in_a_sentence(dataset, tmp_path):
    with pytest.raises(DatasetError, match="There is no file of sequences at"):
        add_homologues(dataset, tmp_path / "none.fasta", tmp_path / "o.parquet")
    for name, content in (("a.fasta", b""), ("b.fasta", b"ACD"), ("c.fasta", b"; no record\nAC")):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(DatasetError, match=f"{name} is no FASTA"):
            add_homologues(dataset, tmp_path / name, tmp_path / "o.parquet")
    wrong = tmp_path / "wrong.parquet"
    pq.write_table(pa.table({"text": ["ACD"]}), wrong)
    with pytest.raises(DatasetError, match="column 'sequence'"):
        add_homologues(dataset, wrong, tmp_path / "o.parquet")
    wrong.write_text("no Parquet")
    with pytest.raises(DatasetError, match=r"wrong\.parquet is no FASTA"):
        add_homologues(dataset, wrong, tmp_path / "o.parquet")
    (tmp_path / "dna.fasta").write_text(">gene\nATGAAAACCGCGTATATTGCGAAACAG\n>b\nATGA\n")
    with pytest.raises(DatasetError, match=r"dna\.fasta holds DNA or RNA"):
        add_homologues(dataset, tmp_path / "dna.fasta", tmp_path / "o.parquet")
    (tmp_path / "cut.fa").write_bytes(gzip.compress(b">x\nMKTAYIAK\n" * 9)[:-6])
    with pytest.raises(DatasetError, match=r"cut\.fa is a damaged or cut off gzip file"):
        add_homologues(dataset, tmp_path / "cut.fa", tmp_path / "o.parquet")
    assert not (tmp_path / "o.parquet").exists()


def test_a_dataset_does_not_replace_itself_and_numbers_below_one_are_refused(
    dataset, sequences, tmp_path
):
    before = dataset.read_bytes()
    with pytest.raises(DatasetError, match="'mine' is the dataset itself"):
        add_homologues(dataset, sequences, tmp_path / "x" / ".." / "mine.parquet")
    with pytest.raises(ConfigError, match="most is 0; it must be 1 or more"):
        add_homologues(dataset, sequences, tmp_path / "o.parquet", most=0)
    with pytest.raises(ConfigError, match="workers is -1"):
        add_homologues(dataset, sequences, tmp_path / "o.parquet", threads=-1)
    assert dataset.read_bytes() == before and not (tmp_path / "o.parquet").exists()
