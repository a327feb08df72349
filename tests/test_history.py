"""The last predictions of a workspace."""

import json
from dataclasses import replace

import numpy as np
import pytest

from distmat import history as module
from distmat.errors import AccessError, SequenceError
from distmat.history import forget, history, make_entry, recall, remember
from distmat.protein.alignment import read_alignment
from distmat.protein.examples import examples


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("DISTMAT_HOME", str(tmp_path))
    return tmp_path


def keep(title, sequence="MKTAYIAKQR", when=0.0, truth=None, alignment=None):
    entry = replace(make_entry(title, sequence, truth, "mini", alignment), when=when)
    remember(entry, truth, alignment)
    return entry


def test_what_was_asked_comes_back_with_its_structure():
    chain = replace(examples()[0].read(), plddt=np.linspace(30, 90, len(examples()[0].read())))
    entry = make_entry("mine", chain.sequence, chain, "mini", None, 3.21, 5.4)
    remember(entry, chain)
    again, truth, alignment = recall(entry.id)
    assert alignment is None
    assert again == entry and (again.mae, again.baseline_mae) == (3.21, 5.4)
    np.testing.assert_array_equal(truth.ca, chain.ca)
    np.testing.assert_array_equal(truth.plddt, chain.plddt)
    assert truth.residue_numbers == chain.residue_numbers and truth.chain_id == chain.chain_id


def test_what_was_asked_comes_back_with_its_alignment(home):
    rows = read_alignment(">q\nMKTAYIAKQR\n>a\nMRTAYIA-QR\n")
    entry = keep("family", alignment=rows)
    assert entry.id != keep("family").id
    again, truth, alignment = recall(entry.id)
    assert again.has_alignment and truth is None
    np.testing.assert_array_equal(alignment.rows, rows.rows)
    other = keep("other", "MKT", alignment=rows)
    with pytest.raises(SequenceError, match="isn't kept whole"):
        recall(other.id)


def test_the_last_comes_first_the_same_only_once_and_the_oldest_go(monkeypatch):
    monkeypatch.setattr(module, "MOST", 3)
    for when, title in enumerate(["a", "b", "c", "a", "d"]):
        keep(title, when=when)
    assert [entry.title for entry in history()] == ["d", "a", "c"]


def test_one_searches_by_name_checkpoint_and_sequence():
    entry = keep("Crambin", "TTCCPSIVARSNFNVCRLPG")
    assert entry.matches("cramb") and entry.matches("MINI") and entry.matches(" psiva ")
    assert entry.matches("") and not entry.matches("lysozyme")


def test_what_is_forgotten_damaged_or_never_was_is_said_in_one_sentence(home):
    entry = keep("a")
    for name in (entry.id, "../../etc", "zzz", ""):
        if name == entry.id:
            forget(name)
        with pytest.raises(SequenceError, match="isn't kept here"):
            recall(name)
    folder = home / "history"
    (folder / "0123456789ab.json").write_text("{")
    (folder / "0123456789ac.json").write_text(json.dumps({"id": 3}))
    (folder / "0123456789ad.json").write_text(
        json.dumps(
            {"id": "0123456789ad", "title": "x", "sequence": "J1", "checkpoint": "mini", "when": 1}
        )
    )
    assert history() == []
    chain = examples()[0].read()
    entry = keep("b", chain.sequence, truth=chain)
    (folder / f"{entry.id}.npz").write_bytes(b"broken")
    with pytest.raises(SequenceError, match="isn't kept whole"):
        recall(entry.id)


def test_a_read_only_server_keeps_nothing(monkeypatch, home):
    monkeypatch.setenv("DISTMAT_READ_ONLY", "1")
    with pytest.raises(AccessError, match="lets nobody keep a history"):
        keep("a")
    assert not (home / "history").exists()
