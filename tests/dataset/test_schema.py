"""Columns of another type, and values that no chain has."""

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from distmat.dataset.store import read_chain, read_dataset, read_facts
from distmat.errors import DatasetError

TRACE = [[0.0, 0, 0], [3.8, 0, 0]]


def write(path, **changed):
    columns = {
        "id": ["a", "b"],
        "sequence": ["AC", "DE"],
        "ca": [TRACE, TRACE],
        "cluster": [1, 2],
        "rep": [True, False],
        "split": ["train", "val"],
        **changed,
    }
    pq.write_table(pa.table({k: v for k, v in columns.items() if v is not None}), path)
    return path


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"ca": [["0", "0"], ["1", "1"]]}, "the column 'ca' is of type list"),
        ({"ca": [1.0, 2.0]}, "the column 'ca' is of type double"),
        ({"ca": [[[1.0, 2], [3.0, 4, 5, 6]]] * 2}, "hasn't three numbers"),
        ({"ca": [TRACE, [[1e9, 0, 0], [0, 0, 0]]]}, "row 2 has a coordinate of 1e+09 Å"),
        ({"ca": [TRACE, None]}, r"row 2 ('b') has 2 residues but 0 coordinates"),
        ({"id": ["a", None]}, "row 2 has no name in 'id'"),
        ({"id": [{"x": 1}] * 2}, "'id' is of type struct"),
        ({"sequence": ["AC", "DJ"]}, "row 2, residue 2 is 'J'"),
        ({"sequence": ["AC", None]}, "row 2 has no sequence"),
        ({"sequence": [["A", "C"]] * 2}, "'sequence' is of type list"),
        ({"cluster": [1.5, 2.0]}, "'cluster' is of type double; it must hold whole numbers"),
        ({"cluster": [1, None]}, "row 2 has no 'cluster'"),
        ({"rep": ["True", "False"]}, "'rep' is of type string; it must hold true or false"),
        ({"rep": [2, 0]}, "'rep' is of type int64"),
        ({"split": ["train", "valid"]}, "row 2 has the split 'valid'"),
        ({"homologues": [["AC", None], []]}, "row 1 has a homologue that is no sequence"),
        ({"homologues": [["ACD"], []]}, "a homologue of 3 residues"),
        ({"id": None}, "has no column 'id'"),
    ],
)
def test_a_column_of_another_type_or_content_is_named_with_its_row(tmp_path, changed, words):
    with pytest.raises(DatasetError) as error:
        read_dataset(write(tmp_path / "mine.parquet", **changed))
    assert words in str(error.value) and str(error.value).startswith("mine.parquet")


def test_text_that_is_no_utf8_is_refused(tmp_path):
    buffers = [None, pa.array([0, 1, 2], pa.int32()).buffers()[1], pa.py_buffer(b"\xff\xfe")]
    broken = pa.Array.from_buffers(pa.string(), 2, buffers)
    path = write(tmp_path / "mine.parquet", title=broken)
    with pytest.raises(DatasetError, match="rows 1 to 2 hold what is no text"):
        read_facts(path)


def test_types_that_mean_the_same_are_read(tmp_path):
    path = write(
        tmp_path / "mine.parquet",
        id=pa.array(["a", "b"]).dictionary_encode(),
        ca=pa.array([[0, 0, 0, 4, 0, 0]] * 2, pa.large_list(pa.int64())),
        cluster=[7.0, 7.0],
        rep=[1, 0],
        split=[None, None],
        odd=[{"x": 1}, {"x": 2}],
    )
    dataset = read_dataset(path)
    assert dataset.splits is None and dataset.clusters.tolist() == [7, 7]
    assert dataset.representative.tolist() == [True, False]
    assert read_chain(path, 1).ca[1].tolist() == [4, 0, 0]
    assert read_facts(path)["length"].tolist() == [2, 2]


def test_a_text_that_is_told_once_and_meant_in_a_million_rows_is_refused(tmp_path):
    rows = 2_000_000
    one = pa.DictionaryArray.from_arrays(pa.array([0] * rows, pa.int32()), ["A" * 2000])
    path = write(
        tmp_path / "mine.parquet",
        id=pa.array(["a"] * rows),
        sequence=one,
        ca=pa.array([[]] * rows, pa.list_(pa.float32())),
        cluster=None,
        rep=None,
        split=None,
    )
    assert path.stat().st_size < 10**6
    with pytest.raises(DatasetError, match="unpacks to far more than chains would"):
        read_facts(path)
