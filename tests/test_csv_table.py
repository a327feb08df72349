"""No cell of ours is a formula to a spreadsheet."""

import ast
import csv
import io
from pathlib import Path

import pytest

from distmat.csv_table import inert, write_table

PACKAGE = Path(__file__).parents[1] / "distmat"

ATTACKS = ["=1+1", "+1+cmd|' /C calc'!A0", "-2+3", "@SUM(A1)", "\t=1", "\r=1", " =1", "'=1", '"=1']


@pytest.mark.parametrize("text", ATTACKS)
def test_what_begins_like_a_formula_begins_with_an_apostrophe(text):
    file = io.StringIO()
    write_table(file, ["id", text], [{"id": text}, [text, 1.5]])
    header, first, second = csv.reader(io.StringIO(file.getvalue(), newline=""))
    assert header[1][0] == first[0][0] == second[0][0] == "'" and first[0].endswith(text[-2:])


@pytest.mark.parametrize("value", [-1.5, "-1.5", "+2", "-1e-3", "-inf", "1abc_A", "", None, "A-B"])
def test_numbers_and_plain_names_stay(value):
    assert inert(value) == value


def test_nobody_else_writes_csv():
    for path in PACKAGE.rglob("*.py"):
        calls = {
            node.func.attr
            for node in ast.walk(ast.parse(path.read_text()))
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)
        }
        if path.name != "csv_table.py":
            assert not calls & {"writer", "DictWriter", "to_csv"}, path
