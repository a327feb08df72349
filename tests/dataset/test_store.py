"""Datasets as Parquet files."""

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from distmat.dataset.store import read_dataset
from distmat.errors import DatasetError


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
    assert [c.name for c in dataset.named({"2xyz_B", "none"}).chains] == ["2xyz_B"]


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
