"""Datasets as Parquet files."""

from dataclasses import replace

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from distmat.dataset.store import (
    DatasetWriter,
    fingerprint,
    read_chain,
    read_dataset,
    read_facts,
)
from distmat.errors import DatasetError
from distmat.protein.chain import Chain


def write(path, **columns):
    pq.write_table(pa.table(columns), path)
    return path


@pytest.fixture
def two_chains(tmp_path):
    return write(
        tmp_path / "two.parquet",
        id=["1abc_A", "2xyz_B"],
        sequence=["ACD", "GG"],
        ca=[[0.0, 0, 0, 3.8, 0, 0, float("nan")] + [float("nan")] * 2, [0.0, 0, 0, 3.8, 0, 0]],
        cluster=[7, 7],
        rep=[True, False],
    )


def test_coordinates_come_back_by_residue_with_nan_where_not_observed(two_chains):
    dataset = read_dataset(two_chains)
    first = dataset.chains[0]
    assert (dataset.name, first.name, first.sequence) == ("two", "1abc_A", "ACD")
    np.testing.assert_allclose(first.ca[1], [3.8, 0, 0], rtol=1e-6)
    assert first.observed.tolist() == [True, True, False]
    assert first.distances[0, 1] == pytest.approx(3.8)


def test_chains_can_be_chosen_by_cluster_length_and_name(two_chains):
    dataset = read_dataset(two_chains)
    assert [c.name for c in dataset.representatives().chains] == ["1abc_A"]
    assert [c.name for c in dataset.no_longer_than(2).chains] == ["2xyz_B"]
    assert "2xyz_B" not in [c.name for c in dataset.no_shorter_than(3).chains]
    assert [c.name for c in dataset.of_names({"2xyz_B", "none"}).chains] == ["2xyz_B"]


def test_without_cluster_and_rep_every_chain_stands_for_itself(tmp_path):
    path = write(tmp_path / "plain.parquet", id=["a", "b"], sequence=["A", "C"], ca=[[0.0] * 3] * 2)
    dataset = read_dataset(path)
    assert len(set(dataset.clusters)) == 2 and dataset.representative.all()


@pytest.mark.parametrize(
    ("columns", "words"),
    [
        ({"id": ["a"], "sequence": ["AC"]}, "no column 'ca'"),
        ({"id": ["a"], "sequence": ["AC"], "ca": [[0.0] * 5]}, "row 1 ('a') has 2 residues but 5"),
        ({"id": [], "sequence": [], "ca": pa.array([], pa.list_(pa.float32()))}, "holds no chain"),
    ],
)
def test_a_dataset_that_contradicts_itself_is_refused_in_a_sentence(tmp_path, columns, words):
    with pytest.raises(DatasetError) as error:
        read_dataset(write(tmp_path / "bad.parquet", **columns))
    assert words in str(error.value) and str(error.value).startswith("bad.parquet")


def test_what_is_no_parquet_or_not_there_is_refused_in_a_sentence(tmp_path):
    (tmp_path / "text.parquet").write_text("no parquet")
    with pytest.raises(DatasetError, match="can't be read as Parquet"):
        read_dataset(tmp_path / "text.parquet")
    with pytest.raises(DatasetError, match="There is no dataset at"):
        read_dataset(tmp_path / "none.parquet")


@pytest.fixture
def written(tmp_path):
    path = tmp_path / "many.parquet"
    random = np.random.default_rng(0)
    with open(path, "wb") as file, DatasetWriter(file) as writer:
        for number in range(600):
            ca = random.normal(size=(5 + number % 7, 3)).astype(np.float32)
            ca[number % 5] = np.nan
            chain = Chain(f"c{number}", "ACDEFGHIKLM"[: len(ca)], ca)
            split = ("train", "val", "test")[number % 3]
            writer.add(chain, split=split, cluster=number // 2, rep=number % 2 == 0)
    return path


def test_what_is_written_is_read_back_to_the_bit(written):
    dataset = read_dataset(written)
    assert len(dataset) == 600 and dataset.chains[599].name == "c599"
    random = np.random.default_rng(0)
    for number, chain in enumerate(dataset.chains):
        ca = random.normal(size=(5 + number % 7, 3)).astype(np.float32)
        ca[number % 5] = np.nan
        np.testing.assert_array_equal(chain.ca, ca)
    assert len(dataset.representatives()) == 300
    assert dataset.clusters.tolist() == [number // 2 for number in range(600)]


def test_coordinates_are_lists_of_three_numbers_each_packed_by_zstd(written):
    file = pq.ParquetFile(written)
    assert file.schema_arrow.field("ca").type == pa.list_(pa.list_(pa.float32(), 3))
    group = file.metadata.row_group(0)
    assert {group.column(k).compression for k in range(group.num_columns)} == {"ZSTD"}
    assert group.num_rows < 600


def test_the_rows_of_a_split_are_asked_for_by_its_name(written, two_chains):
    dataset = read_dataset(written)
    assert [c.name for c in dataset.of_split("val").chains][:2] == ["c1", "c4"]
    assert len(dataset.of_split("train")) == 200
    without = read_dataset(two_chains)
    assert without.splits is None and without.of_split("val") is without


def test_one_chain_is_found_by_its_row_without_reading_the_rest(written):
    whole = read_dataset(written)
    for row in (0, 255, 256, 599):
        chain = read_chain(written, row)
        assert chain.name == f"c{row}"
        np.testing.assert_array_equal(chain.ca, whole.chains[row].ca)
    with pytest.raises(DatasetError, match="no row 600"):
        read_chain(written, 600)


def test_a_table_of_facts_has_a_row_for_each_chain_and_no_coordinates(written):
    facts = read_facts(written)
    assert len(facts) == 600 and "ca" not in facts and facts["split"][1] == "val"


def test_the_fingerprint_is_of_what_is_learned_from_and_of_nothing_else(written, two_chains):
    dataset = read_dataset(written)
    print_ = fingerprint(dataset)
    assert len(print_) == 32 and fingerprint(written) == print_
    flat = written.parent / "flat.parquet"
    pq.write_table(
        pa.table(
            {
                "id": [chain.name for chain in dataset.chains],
                "sequence": [chain.sequence for chain in dataset.chains],
                "ca": [chain.ca.ravel() for chain in dataset.chains],
            }
        ),
        flat,
    )
    assert fingerprint(flat) == print_
    assert fingerprint(dataset.of_split("val")) != print_
    chains = list(dataset.chains)
    chains[7] = replace(chains[7], ca=chains[7].ca + np.float32(1e-3))
    assert fingerprint(replace(dataset, chains=tuple(chains))) != print_


def test_a_column_with_a_hole_is_refused_in_a_sentence(tmp_path):
    path = tmp_path / "holes.parquet"
    with open(path, "wb") as file, DatasetWriter(file) as writer:
        writer.add(Chain("a", "AC", np.zeros((2, 3))), cluster=1, rep=True)
        writer.add(Chain("b", "AC", np.zeros((2, 3))), rep=True)
    with pytest.raises(DatasetError, match=r"holes\.parquet, row 2 has no 'cluster'"):
        read_dataset(path)


def with_homologues(path, *texts):
    return write(
        path,
        id=["a", "b"],
        sequence=["ACD", "GG"],
        ca=[[0.0] * 9, [0.0] * 6],
        homologues=[list(texts), None],
    )


def test_homologues_stay_with_their_chain(tmp_path):
    dataset = read_dataset(with_homologues(tmp_path / "h.parquet", "ACE", "SCD"))
    assert dataset.homologues == (("ACE", "SCD"), ())
    assert dataset.of_names({"b"}).homologues == ((),)
    assert "homologues" not in read_facts(tmp_path / "h.parquet")


def test_a_homologue_of_another_length_is_refused(tmp_path):
    with pytest.raises(DatasetError, match="homologue of 2 residues for 'a', which has 3"):
        read_dataset(with_homologues(tmp_path / "h.parquet", "AC"))


def test_homologues_are_learned_from_so_the_fingerprint_knows_them(tmp_path):
    one = with_homologues(tmp_path / "one.parquet", "ACE")
    other = with_homologues(tmp_path / "other.parquet", "ACF")
    none = with_homologues(tmp_path / "none.parquet")
    prints = {fingerprint(path) for path in (one, other, none)}
    assert len(prints) == 3
    assert fingerprint(read_dataset(one)) == fingerprint(one)
    assert fingerprint(replace(read_dataset(none), homologues=None)) == fingerprint(none)
