import json

import pytest

from distmat.figures.explorer.link import read_view, write_view

VIEW = {
    "above": "signed",
    "pins": [{"i": 3, "j": 40}],
    "box": {"i0": 1, "i1": 5, "j0": 20, "j1": 30},
    "stage": 1,
    "mirror": True,
    "truth": "faded",
    "zoom": {"x": 3.1, "y": 0, "size": 20.4},
    "camera": [0, -1.5, 0, 1.25, 0.5, 0.5, 0.5, 0.5],
}


def test_a_view_comes_back_from_its_text():
    assert read_view(write_view(VIEW), 50) == VIEW
    assert write_view({}) == "" and read_view("", 50) is None


@pytest.mark.parametrize(
    "text",
    [
        "{",
        "[]",
        "3",
        "[" * 1000,
        "x" * 5000,
        json.dumps({"above": "<script>"}),
        json.dumps({"pins": [{"i": 3, "j": 50}]}),
        json.dumps({"pins": [{"i": True, "j": 5}]}),
        json.dumps({"pins": [{"i": 1, "j": 2}] * 21}),
        json.dumps({"box": {"i0": 1}}),
        json.dumps({"stage": -1}),
        json.dumps({"mirror": 1}),
        json.dumps({"zoom": {"x": 0, "y": 40, "size": 20}}),
        json.dumps({"zoom": {"x": 0, "y": 0, "size": 0}}),
        json.dumps({"zoom": {"x": 0, "y": True, "size": 9}}),
        json.dumps({"camera": [0, 0, 0, 1, 0, 0, 0]}),
        json.dumps({"camera": [0, 0, 0, 0, 0, 0, 0, 1]}),
        json.dumps({"camera": [0, 0, 0, 1, 0, 0, 0, 5]}),
        '{"camera": [0, 0, 1e999, 1, 0, 0, 0, 1]}',
        json.dumps({"other": 1}),
    ],
)
def test_a_text_that_names_no_view_is_none(text):
    assert read_view(text, 50) is None
