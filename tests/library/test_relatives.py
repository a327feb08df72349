"""The searches of one sequence, which go on while something else is done."""

import threading

import pytest

from distmat.errors import DatasetError
from distmat.library.cache import write_once
from distmat.library.relatives import RelativesSearch
from distmat.library.search import find_templates
from distmat.library.training_sequences import TrainingSequences


def test_both_searches_find_what_each_finds_alone(library, known_chains, relative):
    sequence = relative(known_chains[0].sequence)
    training = TrainingSequences([known_chains[0].name], [known_chains[0].sequence])
    both = RelativesSearch(sequence, lambda: training, lambda: library)
    (found,) = find_templates(library, [sequence], threads=1)
    assert found and [one.name for one in both.templates()] == [one.name for one in found]
    assert both.overlap() == training.overlaps([sequence])[0]
    own = RelativesSearch(sequence, lambda: None, lambda: library, own=found[0].name)
    assert found[0].name not in {one.name for one in own.templates()}
    assert own.overlap() is None


def test_what_goes_wrong_is_told_to_whoever_asks_for_it():
    def damaged():
        raise DatasetError("small.parquet is an incomplete library; build it again.")

    search = RelativesSearch("MKTAYIAKQR", lambda: None, damaged)
    assert search.overlap() is None
    with pytest.raises(DatasetError, match="incomplete library"):
        search.templates()


def test_what_two_threads_need_is_written_once_and_may_be_made_of_what_is_written_itself(
    tmp_path, monkeypatch
):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    written, begun, go_on = [], threading.Event(), threading.Event()

    def write(folder):
        begun.set()
        assert go_on.wait(20)
        written.append(write_once("part", lambda part: (part / "a").touch()))
        (folder / "whole").touch()

    threads = [threading.Thread(target=write_once, args=("all", write)) for _ in range(2)]
    for thread in threads:
        thread.start()
    assert begun.wait(20)
    go_on.set()
    for thread in threads:
        thread.join(20)
    assert len(written) == 1 and (written[0] / "a").exists()
