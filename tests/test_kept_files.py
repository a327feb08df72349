"""Files that were opened, kept for links to them."""

import os

import pytest

from distmat import kept_files as module
from distmat.errors import AccessError, KeptFileError
from distmat.kept_files import keep_file, read_kept_file


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("DISTMAT_HOME", str(tmp_path))
    return tmp_path


def test_a_file_comes_back_by_its_id_under_its_name_alone():
    file_id = keep_file("../../up/map.npy", b"numbers")
    assert read_kept_file(file_id) == ("map.npy", b"numbers")
    assert keep_file("map.npy", b"numbers") == file_id
    assert keep_file("map.npy", b"others") != file_id


def test_the_oldest_go_first_and_the_newest_never(home, monkeypatch):
    monkeypatch.setattr(module, "MOST", 3)
    ids = []
    for number in range(5):
        ids.append(keep_file(f"{number}.npy", bytes(10)))
        os.utime(home / "opened" / ids[-1], (number, number))
    for lost in ids[:2]:
        with pytest.raises(KeptFileError, match="isn't kept here"):
            read_kept_file(lost)
    assert [read_kept_file(file_id)[0] for file_id in ids[2:]] == ["2.npy", "3.npy", "4.npy"]
    monkeypatch.setattr(module, "MOST_BYTES", 5)
    newest = keep_file("large.npy", bytes(50))
    assert sorted(path.name for path in (home / "opened").iterdir()) == [newest, f"{newest}.json"]


@pytest.mark.parametrize("file_id", ["", "../../etc/passwd", "0123456789abcdef", "x" * 16])
def test_an_id_of_nothing_is_answered(file_id):
    with pytest.raises(KeptFileError):
        read_kept_file(file_id)


def test_a_read_only_server_keeps_nothing(home, monkeypatch):
    monkeypatch.setenv("DISTMAT_READ_ONLY", "1")
    with pytest.raises(AccessError):
        keep_file("map.npy", b"numbers")
    assert not (home / "opened").exists()
