"""Lists of ids as people and programs write them."""

import gzip

import pandas as pd
import pytest

from distmat.dataset.id_list import read_ids
from distmat.errors import DatasetError

TWO = [("1hml_A", "train"), ("1ay7_B", "test")]
NO_SPLIT = [("1hml_A", ""), ("1ay7_B", "")]

LISTS = {
    "plain": ("1HML_A\n1ay7:B\n", NO_SPLIT),
    "a line": ("1HML_A, 1ay7_B", NO_SPLIT),
    "extended": ("PDB_00001HML_A\npdb_00001ay7_B", NO_SPLIT),
    "quoted": ("\"1HML_A\"\n'1ay7_B'\n", NO_SPLIT),
    "a byte order mark": ("\ufeff1HML_A\r\n1ay7_B\r\n", NO_SPLIT),
    "CSV": ("split,id\ntrain,1hml_A\ntest,1ay7_B\n", TWO),
    "R's write.csv": ('"id","split"\n"1HML_A","train"\n"1ay7_B","test"\n', TWO),
    "R's with row names": ('"","id","split"\n"1","1HML_A","train"\n"2","1ay7_B","test"\n', TWO),
    "R's write.table": ('"id" "split"\n"1" "1HML_A" "train"\n"2" "1ay7_B" "test"\n', TWO),
    "R's write.table by tabs": ("id\tsplit\n1\t1HML_A\ttrain\n2\t1ay7_B\ttest\n", TWO),
    "Excel": ("\ufeffid;split\r\n1HML_A;train\r\n1ay7_B;test\r\n", TWO),
    "Excel's mark": ("sep=;\r\nid;split\r\n1HML_A;Train\r\n1ay7_B;Test\r\n", TWO),
    "a column for the chain": ("PDB ID,Chain,split\n1HML,A,train\n1AY7,B,test\n", TWO),
    "several chains in a cell": ('id,chain\n1HML,"A, C"\n', [("1hml_A", ""), ("1hml_C", "")]),
    "no chain": ("id,chain\n1HML,\n", [("1hml", "")]),
    "the PDB's report": (
        '"Entry Data","","Polymer Entity Data"\n'
        '"Entry ID","Resolution","Auth Asym ID"\n'
        '"1HML","1.7","A"\n"","","B"\n"1AY7","1.9","B"\n',
        [("1hml_A", ""), ("1hml_B", ""), ("1ay7_B", "")],
    ),
    "remarks": ("# mine\nid,split\n# one\n1hml_A,train\n\n1ay7_B,test\n", TWO),
    "other names": ("id,chain\nmodel_7,A\nmodel_8,\n", [("model_7_A", ""), ("model_8", "")]),
    "too few cells": ("id,split\n1hml_A\n", [("1hml_A", "")]),
    "a last comma": ("id,split\n1hml_A,train,\n1ay7_B,test,\n", TWO),
}


@pytest.mark.parametrize(("text", "expected"), LISTS.values(), ids=LISTS)
def test_a_list_is_read_however_it_was_written(tmp_path, text, expected):
    for encoding in ("utf-8", "utf-16"):
        (tmp_path / "ids.csv").write_text(text, encoding=encoding, newline="")
        assert read_ids(tmp_path / "ids.csv") == expected


def test_a_packed_list_is_read_and_a_damaged_one_refused(tmp_path):
    packed = gzip.compress(b"id,split\n1hml_A,train\n")
    (tmp_path / "ids.csv.gz").write_bytes(packed)
    assert read_ids(tmp_path / "ids.csv.gz") == [("1hml_A", "train")]
    (tmp_path / "ids.csv.gz").write_bytes(packed[:-5])
    with pytest.raises(DatasetError, match="it is a damaged or cut off gzip file"):
        read_ids(tmp_path / "ids.csv.gz")


@pytest.mark.parametrize("options", [{"sep": ";"}, {"sep": "\t"}, {"quoting": 1}, {"index": False}])
def test_what_pandas_writes_is_read(tmp_path, options):
    table = pd.DataFrame(TWO, columns=["id", "split"])
    table.to_csv(tmp_path / "ids.csv", **options)
    assert read_ids(tmp_path / "ids.csv") == TWO


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("1abc\nhello\n", "line 2: 'hello' is no PDB id"),
        ("id,split\n1abc_A,nowhere\n", "line 2: 'nowhere' is no split"),
        ("# nothing\n", "holds no PDB id"),
        ("1abc; rm -rf /\n", "line 1: 'rm' is no PDB id"),
        ("id,split\n,train\n", "line 2 has no id"),
        ("id,chain\n1abc_A,B\n", "line 2: the id is '1abc_A', and the chain 'B'"),
        ("Entry ID,Asym ID\n1abc,A\n", "label_asym_id.*auth_asym_id"),
        ("id,split\n1abc_A,train\nPDB_00001ABC_A,test\n", "'1abc_A' as test, and it is listed as"),
        ("id\n1abc\x00\n", "it is no text"),
    ],
)
def test_anything_else_is_refused_with_the_line(tmp_path, text, words):
    (tmp_path / "ids.txt").write_text(text)
    with pytest.raises(DatasetError, match=words):
        read_ids(tmp_path / "ids.txt")
