"""Why a run ended, from what was seen of it."""

import errno

import pytest

from distmat.errors import DatasetError, DivergedError, OutOfMemoryError
from distmat.jobs import exit_reason
from distmat.jobs.exit_reason import classify_error, classify_exit
from distmat.jobs.states import Cause


def caused(error, by):
    error.__cause__ = by
    return error


FULL = OSError(errno.ENOSPC, "No space left on device")


@pytest.mark.parametrize(
    ("error", "kind", "words"),
    [
        (FULL, Cause.DISK_FULL, "is full; free some space"),
        (caused(RuntimeError("saving failed"), FULL), Cause.DISK_FULL, "is full"),
        (RuntimeError("I/O error: No space left on device (os error 28)"), Cause.DISK_FULL, "full"),
        (DivergedError("The loss became NaN at step 5."), Cause.NAN, "at step 5"),
        (OutOfMemoryError("Lower crops."), Cause.OUT_OF_MEMORY, "Lower crops."),
        (MemoryError(), Cause.OUT_OF_MEMORY, "memory isn't enough"),
        (DatasetError("There is no dataset 'x'."), Cause.INPUT, "no dataset 'x'"),
        (RuntimeError("unexpected write"), Cause.BUG, "RuntimeError: unexpected write"),
        (ZeroDivisionError("division by zero"), Cause.BUG, "the log says where"),
    ],
)
def test_an_exception_is_told_in_a_sentence(tmp_path, error, kind, words):
    found, sentence = classify_error(error, tmp_path)
    assert found == kind and words in sentence


@pytest.mark.parametrize(
    "text",
    [
        "PytorchStreamWriter failed writing file data/0: file write failed",
        "[enforce fail at inline_container.cc:672] . unexpected pos 32704 vs 32596",
        "basic_ios::clear: iostream error",
    ],
)
def test_what_pytorch_says_of_a_full_disk_is_the_disk(tmp_path, monkeypatch, text):
    assert classify_error(RuntimeError(text), tmp_path)[0] == Cause.BUG
    monkeypatch.setattr(exit_reason, "_free", lambda folder: 1000)
    assert classify_error(RuntimeError(text), tmp_path)[0] == Cause.DISK_FULL
    assert classify_error(RuntimeError("shapes differ"), tmp_path)[0] == Cause.BUG


@pytest.mark.parametrize(
    ("code", "kills", "kind", "words"),
    [
        (-9, 0, Cause.OUT_OF_MEMORY, "most likely because the machine ran out of memory"),
        (-9, 1, Cause.OUT_OF_MEMORY, "the kernel killed 1 process for memory"),
        (None, 2, Cause.OUT_OF_MEMORY, "the kernel killed 2 processes for memory"),
        (-11, 0, Cause.SIGNAL, "SIGSEGV (a fault in compiled code)"),
        (-35, None, Cause.SIGNAL, "signal 35"),
        (3, None, Cause.BUG, "code 3"),
        (None, None, Cause.LOST, "nobody saw how"),
    ],
)
def test_a_death_is_told_with_its_likely_reason_and_the_last_words(
    tmp_path, code, kills, kind, words
):
    log = tmp_path / "log.txt"
    assert classify_exit(log, code, kills)[1].endswith("The log is empty.")
    log.write_text("step 7: loss 1.0\n")
    found, sentence = classify_exit(log, code, kills)
    assert found == kind and words in sentence
    assert sentence.endswith("The log ends with: step 7: loss 1.0")
