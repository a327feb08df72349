"""A kind of job is one file and one line."""

import sys
import types
from pathlib import Path

import pytest

from distmat.errors import RunError
from distmat.jobs import kinds
from distmat.jobs.kinds import ENTRIES, Entry, JobKind, folder_of, kind_of, words_of

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("name", ENTRIES)
def test_every_kind_is_found_where_its_line_says(name):
    kind = kind_of(name)
    assert isinstance(kind, JobKind) and words_of(name) == ENTRIES[name].words


def test_a_new_kind_takes_its_file_and_a_line(monkeypatch):
    module = types.ModuleType("own_kind")
    module.KIND = JobKind(work=lambda job, recorder: True, advice="Wait")
    monkeypatch.setitem(sys.modules, "own_kind", module)
    monkeypatch.setitem(kinds.ENTRIES, "own", Entry("own_kind:KIND", "own work", "own"))
    assert kind_of("own") is module.KIND
    assert (words_of("own"), folder_of("own")) == ("own work", "own")
    kind_of.cache_clear()


def test_no_other_file_lists_the_kinds():
    listing = [
        str(path.relative_to(ROOT))
        for path in (ROOT / "distmat").rglob("*.py")
        if sum(f'"{name}"' in path.read_text("utf-8") for name in ENTRIES) > 3
    ]
    assert listing == ["distmat/jobs/kinds.py"]


def test_a_kind_of_another_version_is_refused_by_name():
    with pytest.raises(RunError, match="no kind of job 'folding' here; there are training"):
        kind_of("folding")
