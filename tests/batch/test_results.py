"""Many chains are predicted group by group, go on after a kill, and end as one table."""

import csv
import json
import zipfile

import numpy as np
import pyarrow.parquet as pq
import pytest

from distmat.batch import stream
from distmat.batch.files import file_stems
from distmat.batch.inputs import Refused
from distmat.batch.results import Results
from distmat.batch.stream import choose_checkpoints, deal, predict_chains
from distmat.errors import ConfigError
from distmat.export.formats import FORMATS
from distmat.protein.chain import Chain
from distmat.protein.query import Query
from distmat.scoring.map_scores import score_map

LETTERS = "ACDEFGHIKLMNPQRSTVWY"


@pytest.fixture(autouse=True)
def small_groups(monkeypatch):
    monkeypatch.setattr(stream, "MOST_TOGETHER", 4)


def queries_of(lengths):
    rng = np.random.default_rng(0)
    return [
        Query(f"q{number}", "".join(rng.choice(list(LETTERS), n)))
        for number, n in enumerate(lengths)
    ]


def work(results, predictor, groups=None):
    """Predict what is left, or some of it."""
    results.begin()
    for number in results.left() if groups is None else groups:
        group = results.group(number)
        group.close([group.keep(n, one) for n, one in predict_chains(predictor, group.queries)])


def table(folder):
    with open(folder / "results.csv", encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_groups_hold_every_chain_once_the_longest_first():
    lengths = [30, 9000, 12, 500] + [100] * 30
    mini = ["mini"] * len(lengths)
    groups = deal(lengths, mini)
    assert sorted(place for group in groups for place in group) == list(range(len(lengths)))
    assert groups[0] == [1] and groups[1][0] == 3
    assert max(map(len, groups)) == stream.MOST_TOGETHER
    assert groups == deal(lengths, mini) and deal([], []) == []


def test_no_group_has_two_checkpoints_and_all_say_theirs(tmp_path, predictor):
    queries = queries_of([255, 256, 257, 300, 256, 40])
    chosen = choose_checkpoints("auto", queries)
    assert chosen == ["mini", "mini", "mini-long", "mini-long", "mini", "mini"]
    assert choose_checkpoints("mine", queries) == ["mine"] * 6
    predictor.longest = 300
    results = Results(tmp_path, queries, chosen, ["json", "parquet"])
    assert results.groups == [[3, 2], [1, 4, 0, 5]]
    assert [results.group(number).checkpoint for number in (0, 1)] == ["mini-long", "mini"]
    # Nor where they don't come by length.
    assert deal([3, 3, 3], ["a", "b", "a"]) == [[0], [1], [2]]
    work(results, predictor)
    assert results.finish() and [row["checkpoint"] for row in table(tmp_path)] == chosen
    for query, checkpoint in zip(queries, chosen, strict=True):
        said = json.loads((tmp_path / f"{query.name}.json").read_text())
        assert said["checkpoint"] == checkpoint
        schema = pq.read_schema(tmp_path / f"{query.name}.parquet")
        assert schema.metadata[b"checkpoint"].decode() == checkpoint


def test_names_of_files_are_safe_and_differ_in_any_case():
    names = ["a/b", "A_B", "../..", "", "é" * 300, "x", "x", "X"]
    stems = file_stems(names)
    assert stems[:4] == ["a_b", "A_B_2", "sequence", "sequence_2"]
    assert len({stem.lower() for stem in stems}) == len(names)
    assert not any("/" in stem or stem.startswith(".") or len(stem) > 90 for stem in stems)


def test_after_a_kill_only_what_is_left_is_predicted(tmp_path, predictor):
    queries = queries_of([12 + n % 10 for n in range(12)])
    mini = ["mini"] * len(queries)
    first = Results(tmp_path, queries, mini, ["pdb"])
    work(first, predictor, groups=[0, 2])
    # Killed in the middle of a group: its files are there, and it isn't closed.
    group = first.group(1)
    for number, one in list(predict_chains(predictor, group.queries))[:2]:
        group.keep(number, one)
    asked = len(predictor.asked)
    again = Results(tmp_path, queries, mini, ["pdb"])
    assert again.done() == len(first.groups[0]) + len(first.groups[2])
    assert not again.finish()
    work(again, predictor)
    assert len(predictor.asked) - asked == len(group) and again.finish()
    rows = table(tmp_path)
    assert [row["name"] for row in rows] == [query.name for query in queries]
    assert [int(row["residues"]) for row in rows] == [len(q.sequence) for q in queries]
    assert sorted(path.stem for path in tmp_path.glob("*.pdb")) == sorted(r["files"] for r in rows)
    assert sorted(path.suffix for path in tmp_path.iterdir()).count(".pdb") == 12
    assert not (tmp_path / ".in-progress").exists()


@pytest.mark.parametrize("changed", ["sequence", "checkpoint", "age", "formats"])
def test_what_was_begun_by_other_means_is_not_gone_on_with(tmp_path, predictor, changed):
    queries = queries_of([30, 31])
    mini = ["mini"] * 2
    work(Results(tmp_path, queries, mini, [], ["new"]), predictor)
    other = {
        "sequence": (queries_of([31, 30]), mini, [], ["new"]),
        "checkpoint": (queries, ["mini", "another"], [], ["new"]),
        "age": (queries, mini, [], ["old"]),
        "formats": (queries, mini, ["npy"], ["new"]),
    }[changed]
    results = Results(tmp_path, *other)
    assert results.done() == 0
    work(results, predictor)
    assert results.finish() and len(list((tmp_path).glob(".in-progress/*"))) == 0


def test_parts_share_the_chains_and_the_last_puts_them_together(tmp_path, predictor):
    queries = queries_of([12] * 16)
    parts = [Results(tmp_path, queries, ["mini"] * 16, []) for _ in range(3)]
    shares = [set(results.left(part, 3)) for part, results in enumerate(parts)]
    assert set.union(*shares) == set(range(len(parts[0].groups)))
    assert sum(map(len, shares)) == len(parts[0].groups)
    ended = []
    for part, results in enumerate(parts):
        work(results, predictor, results.left(part, 3))
        ended.append(results.finish(keep_state=True))
    assert ended == [False, False, True] and len(table(tmp_path)) == 16


def test_the_table_has_scores_where_a_structure_is_known(tmp_path, predictor):
    known, unknown, long = queries_of([40, 50, 70])
    ca = np.cumsum(np.random.default_rng(1).normal(0, 2.2, (40, 3)), axis=0)
    known = Query("=known", known.sequence, Chain("=known", known.sequence, ca))
    refused = [Refused("bad.pdb", "bad.pdb holds no chain.")]
    queries = [known, unknown, long]
    results = Results(tmp_path, queries, ["mini"] * 3, list(FORMATS), refused=refused)
    work(results, predictor)
    assert results.finish(with_archive=True)
    first, second, third, fourth = table(tmp_path)
    # A spreadsheet would take it for a formula.
    assert first["name"] == "'=known" and first["verdict"]
    own = score_map(predictor.predict(known.sequence).distances, ca)
    assert float(first["mae"]) == pytest.approx(own.mae)
    assert float(first["trace_tm"]) > 0 and float(first["baseline_mae"]) > 0
    assert second["mae"] == "" and 0 < float(second["expected_error"]) < 10
    assert "70 residues, too many" in third["error"] and third["files"] == ""
    assert (fourth["name"], fourth["error"]) == ("bad.pdb", "bad.pdb holds no chain.")
    # Of one chain no structure is known.
    needing = sum(form.needs_truth for form in FORMATS.values())
    with zipfile.ZipFile(tmp_path / "results.zip") as packed:
        assert len(packed.namelist()) == 1 + 2 * len(FORMATS) - needing
        assert packed.read("results.csv") == (tmp_path / "results.csv").read_bytes()
        assert packed.testzip() is None


def test_a_format_that_is_none_is_refused(tmp_path):
    with pytest.raises(ConfigError, match="no format 'exe'; there are npy"):
        Results(tmp_path, queries_of([30]), ["mini"], ["exe"])
