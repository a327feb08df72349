"""Downloads, against a server on this machine that misbehaves as real ones do."""

import errno
import socket
import time

import pytest

from distmat.dataset import download as module
from distmat.dataset.download import DownloadPolicy, cached_path, download
from distmat.errors import DatasetError
from distmat.protein.structure.read import read_structure
from tests.dataset.structure_server import bcif, serving

QUICK = DownloadPolicy(per_second=500, pause=0.01, silence=0.3, patience=5)


@pytest.fixture(scope="module")
def files(proteins):
    return {f"{number}abc": bcif(chain) for number, chain in enumerate(proteins[:6], start=1)}


def left_over(home):
    return [path for path in home.rglob(".*") if path.is_file()]


def test_what_is_fetched_is_kept_and_not_asked_for_again(home, files, proteins):
    with serving(files) as (address, asked):
        seen = []
        assert download(files, address, QUICK, lambda *state: seen.append(state)) == {}
        assert download(files, address, QUICK) == {}
    assert len(asked) == len(files) and seen[0] == (0, 6) and seen[-1] == (6, 6)
    (chain,) = read_structure(cached_path("1abc"))
    assert chain.sequence == proteins[0].sequence
    assert not left_over(home)


@pytest.mark.parametrize("fault", ["silent", "cut", "short", "busy", "broken"])
def test_a_fault_that_passes_is_got_over(home, files, fault):
    with serving(files, {"2abc": [fault, fault]}) as (address, asked):
        assert download(["1abc", "2abc"], address, QUICK) == {}
    assert [entry for _, entry in asked].count("2abc") == 3
    assert cached_path("2abc").read_bytes() == files["2abc"]


def test_what_the_server_does_not_have_is_said_and_asked_for_once(home, files):
    with serving(files) as (address, asked):
        failed = download(["1abc", "9zzz"], address, QUICK)
    assert failed == {"9zzz": "The PDB has no entry 9zzz as BinaryCIF."}
    assert [entry for _, entry in asked].count("9zzz") == 1
    assert not cached_path("9zzz").exists()


def test_a_fault_that_stays_is_said_and_leaves_nothing_half_written(home, files):
    with serving(files, {"2abc": ["cut"] * 9}) as (address, _):
        failed = download(["1abc", "2abc"], address, QUICK)
    assert list(failed) == ["2abc"] and failed["2abc"]
    assert not cached_path("2abc").exists() and not left_over(home)


def test_a_server_out_of_reach_stops_the_build_and_the_next_start_goes_on(home, files):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        nobody = f"http://127.0.0.1:{free.getsockname()[1]}"
    many = [f"{number}xyz" for number in range(1, 10)] * 3
    policy = DownloadPolicy(per_second=1000, attempts=2, pause=0.01, silence=0.3, give_up_after=4)
    with pytest.raises(DatasetError, match="can't be reached"):
        download(many, nobody, policy)
    with serving(files) as (address, _):
        assert download(files, address, QUICK) == {}


def test_requests_keep_the_polite_rate(home, files):
    with serving(files) as (address, asked):
        started = time.monotonic()
        download(files, address, DownloadPolicy(per_second=20, connections=4))
    # Not from the first to arrive: a machine that pauses lets some arrive together.
    assert len(asked) == len(files)
    assert time.monotonic() - started >= 0.9 * (len(files) - 1) / 20


def test_a_full_disk_is_no_fault_of_the_server(home, files, monkeypatch):
    def full(*args):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(module, "replace_file", full)
    with serving(files) as (address, _), pytest.raises(OSError, match="No space"):
        download(["1abc"], address, QUICK)
