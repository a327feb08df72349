"""JSON and YAML from anywhere: plain values, or a reason."""

import os
import time

import pytest

from distmat.documents import (
    MOST_LEVELS,
    MOST_YAML,
    DocumentError,
    parse_json,
    parse_yaml,
    read_json,
    read_yaml,
)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[" * 100_000, "nested deeper than 64 levels"),
        ("[" * 70 + "]" * 70, "nested deeper than 64 levels"),
        ('{"a": 1, "a": 2}', "'a' twice"),
        (r'"\ud800"', "half a character"),
        (r'{"a\u0000": 1}', "NUL"),
        ("9" * 6000, "thousands of digits"),
        ("", "Expecting value"),
        ("[1, 2", "line 1"),
        (b"\xff\xfe", "no UTF-8"),
        ("[" + "[]," * 1_000_000 + "1]", "more than 1,000,000 values"),
        (b" " * (2**24 + 1), "larger than 16,384 KiB"),
    ],
)
def test_json_that_nobody_writes_is_refused_with_a_reason(text, words):
    with pytest.raises(DocumentError) as error:
        parse_json(text)
    assert words in str(error.value)


def test_json_as_python_writes_it_comes_back():
    assert parse_json(b'\xef\xbb\xbf{"a": [1, 2.5, null, true, "\xc3\xa5"]}') == {
        "a": [1, 2.5, None, True, "å"]
    }
    assert parse_json("[NaN, Infinity]")[1] == float("inf")
    assert parse_json("[" * MOST_LEVELS + "]" * MOST_LEVELS)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a: " + "[" * 5_000, "nested deeper than 64 levels"),
        ("- " * 3_000, "nested deeper than 64 levels"),
        ("a: 1\na: 2", "'a' twice"),
        ("a: &x [1, 1]\nb: [*x, *x]", "an anchor or an alias"),
        ("a: !!python/object/apply:os.system [id]", "a tag"),
        ("a: !!timestamp x", "a tag"),
        ("a: 0x_", "looks like a number"),
        ("? [1]\n: 2", "unhashable key, line 1"),
        ("1: 2", "keys is no text"),
        ("a: 'b", "line 1"),
        ("a\0: b", "special characters"),
        ("---\na\n---\nb", "another document"),
        ("x" * (MOST_YAML + 1), "larger than 64 KiB"),
    ],
)
def test_yaml_that_nobody_writes_is_refused_with_a_reason(text, words):
    started = time.monotonic()
    with pytest.raises(DocumentError) as error:
        parse_yaml(text)
    assert words in str(error.value)
    assert time.monotonic() - started < 5


def test_yaml_as_people_write_it_comes_back_and_dates_stay_text():
    text = "train: 2024-01-31\nval: 2026-13-45\nlearning_rate: 0.001\ncrops: [96, 128]\n"
    assert parse_yaml(text) == {
        "train": "2024-01-31",
        "val": "2026-13-45",
        "learning_rate": 0.001,
        "crops": [96, 128],
    }
    assert parse_yaml("") is None


def test_a_pipe_a_folder_and_a_huge_file_are_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    with open(tmp_path / "huge", "wb") as file:
        file.truncate(2**34)
    for name in ("pipe", "huge", "."):
        for read in (read_json, read_yaml):
            with pytest.raises(DocumentError):
                read(tmp_path / name)
    with pytest.raises(FileNotFoundError):
        read_json(tmp_path / "none")
