"""Whether a query was learned from: 1igy is an antibody that the shipped model was trained on."""

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from distmat.errors import CheckpointError, DatasetError
from distmat.library import training_sequences
from distmat.library.training_sequences import (
    TRAINING_SEQUENCES,
    Overlap,
    TrainingSequences,
    describe_overlap,
    read_training_sequences,
)
from distmat.workspace import checkpoint_path


@pytest.fixture
def trained_on(known_chains, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return TrainingSequences([c.name for c in known_chains], [c.sequence for c in known_chains])


def test_a_chain_and_its_relatives_are_found_and_others_are_not(trained_on, relative):
    sequence = trained_on.sequences[2]
    itself, mutant, strange = trained_on.overlaps(
        [sequence, relative(sequence), sequence[::-1]], threads=1
    )
    assert (itself.name, itself.identity, itself.coverage) == (trained_on.names[2], 1.0, 1.0)
    same = sum(a == b for a, b in zip(sequence, relative(sequence), strict=True)) / len(sequence)
    assert mutant.name == itself.name and mutant.identity == pytest.approx(same, abs=0.05)
    assert not strange.relatives and strange.searched == len(trained_on)


def test_a_second_search_doesn_t_write_the_sequences_again(trained_on, monkeypatch):
    before = trained_on.overlaps(trained_on.sequences[:1])
    monkeypatch.setattr(training_sequences, "write_database", None)
    assert trained_on.overlaps(trained_on.sequences[:1]) == before


def test_without_mmseqs_what_holds_one_another_is_found_and_the_rest_said(trained_on, monkeypatch):
    def missing():
        raise DatasetError("MMseqs2 isn't there.")

    monkeypatch.setattr(training_sequences, "mmseqs_program", missing)
    part, other = trained_on.overlaps([trained_on.sequences[1][5:60], "ACDEFGHIKLMNPQRSTVWY"])
    assert part.name == trained_on.names[1] and part.identity == 1.0
    assert not other.relatives and "isn't known" in other.sentence("m")


def test_the_shipped_model_tells_that_it_learned_1igy_and_none_of_the_examples(known_chains):
    learned = read_training_sequences(checkpoint_path("mini"))
    antibody = dict(zip(learned.names, learned.sequences, strict=True))["1igy_A"]
    queries = [antibody[:100], *(chain.sequence for chain in known_chains)]
    seen, *examples = learned.overlaps(queries)
    assert seen.name == "1igy_A" and seen.relatives > 100
    assert not any(example.relatives for example in examples)


@pytest.mark.parametrize(
    ("overlap", "words"),
    [
        (Overlap(10, 1, "1igy_A", 0.967, 1.0), "96 % identical to 1igy_A, which m was trained on:"),
        (
            Overlap(10, 3, "1igy_A", 1.0, 1.0),
            "Identical to 1igy_A, which m was trained on, as on 2",
        ),
        (Overlap(1200), "No relative among the 1,200 chains that m was trained on"),
        (None, "m doesn't tell which chains it was trained on"),
    ],
)
def test_what_is_said_of_it(overlap, words):
    assert describe_overlap(overlap, "m").startswith(words)


def test_they_come_back_as_they_were_and_join_those_that_a_training_began_with(tmp_path):
    assert read_training_sequences(tmp_path) is None
    first = TrainingSequences(["a", "b"], ["AC", "DE"])
    first.save(tmp_path)
    again = read_training_sequences(tmp_path)
    both = TrainingSequences(["b", "c"], ["DE", "FG"]).join(again)
    assert dict(zip(both.names, both.sequences, strict=True)) == {"a": "AC", "b": "DE", "c": "FG"}
    assert len(both) == 3


@pytest.mark.parametrize(
    "columns",
    [
        {"id": ["a"], "sequence": ["AC\n>x"]},
        {"id": [None], "sequence": ["AC"]},
        {"id": ["a"], "sequence": [None]},
        {"id": ["a"]},
        {"id": pa.array([], pa.string()), "sequence": pa.array([], pa.string())},
        None,
    ],
    ids=["lines", "no-id", "no-sequence", "no-column", "empty", "no-parquet"],
)
def test_a_damaged_file_is_refused_by_its_name(tmp_path, columns):
    path = tmp_path / TRAINING_SEQUENCES
    if columns is None:
        path.write_bytes(b"PAR1 no more")
    else:
        pq.write_table(pa.table(columns), path)
    with pytest.raises(CheckpointError, match=TRAINING_SEQUENCES):
        read_training_sequences(tmp_path)


def test_a_column_whose_name_is_no_text_is_damage_too(tmp_path):
    path = tmp_path / TRAINING_SEQUENCES
    pq.write_table(pa.table({"id": ["a"], "sequence": ["AC"], "qqqqqqqq": [1]}), path)
    path.write_bytes(path.read_bytes().replace(b"qqqqqqqq", b"qqq\xbdqqqq"))
    with pytest.raises(CheckpointError, match="can't decode"):
        read_training_sequences(tmp_path)
