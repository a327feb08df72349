"""Somebody else's machine: a checkout that can't be written, an empty home, a strict umask."""

import os
import socket
import stat
import subprocess
import sys
import time
from pathlib import Path
from urllib.request import urlopen

import pytest

ROOT = Path(__file__).parents[1]
SEQUENCE = "MKTAYIAKQRQISFVKSHFSRQLEERLGLIEVQ"

pytestmark = pytest.mark.xdist_group("disk")


@pytest.fixture(scope="module")
def checkout(tmp_path_factory):
    """This checkout, where nothing can be written."""
    place = tmp_path_factory.mktemp("checkout")
    if subprocess.run(["mount", "--bind", str(ROOT), str(place)], capture_output=True).returncode:
        pytest.skip("mounting a folder elsewhere needs root")
    try:
        subprocess.run(["mount", "-o", "remount,bind,ro", str(place)], check=True)
        yield place
    finally:
        subprocess.run(["umount", "--lazy", str(place)], check=True)


@pytest.fixture
def newcomer(checkout, tmp_path):
    """Arguments of a process of theirs."""
    home = tmp_path / "home"
    home.mkdir()
    kept = {name: os.environ[name] for name in ("PATH", "OMP_NUM_THREADS") if name in os.environ}
    environment = {
        **kept,
        "HOME": str(home),
        "DISTMAT_HOME": str(home / "workspace"),
        "DISTMAT_LIBRARY": "none",
        "PYTHONPATH": str(checkout),
    }
    return {"cwd": checkout, "env": environment, "umask": 0o027}


def distmat(newcomer, *words):
    command = [sys.executable, "-m", "distmat", *words]
    return subprocess.run(command, capture_output=True, text=True, **newcomer)


def test_a_prediction_and_a_training_leave_files_that_the_group_can_read(newcomer, tmp_path):
    home = tmp_path / "home"
    done = distmat(newcomer, "predict", SEQUENCE, "--out", str(home / "first"))
    assert done.returncode == 0 and "hand" in done.stdout.lower(), done.stderr
    assert distmat(newcomer, "data", "synthetic", "--chains", "24").returncode == 0
    small = ("max_steps=2", "evaluate_every=2", "hidden_size=16", "layers=1", "crops=32")
    settings = [word for one in (*small, f"output={home / 'run'}") for word in ("--set", one)]
    done = distmat(newcomer, "train", "--preset", "quick-look", *settings)
    assert done.returncode == 0, done.stderr
    made = [path for path in home.rglob("*") if path.is_file()]
    assert made and {stat.S_IMODE(path.stat().st_mode) for path in made} == {0o640}


def test_what_would_be_written_beside_the_program_is_refused_in_a_sentence(newcomer):
    del newcomer["env"]["DISTMAT_HOME"]
    done = distmat(newcomer, "data", "synthetic")
    assert done.returncode == 2 and "Read-only file system" in done.stderr
    assert "DISTMAT_HOME" in done.stderr and "Traceback" not in done.stderr


def test_the_pages_are_served_from_it(newcomer):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "distmat", "app", "--no-browser", f"--port={port}"]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, **newcomer) as server:
        try:
            assert answer(f"http://127.0.0.1:{port}/_stcore/health", server) == b"ok"
        finally:
            server.terminate()
            server.wait(20)


def answer(url, server):
    until = time.monotonic() + 60
    while time.monotonic() < until and server.poll() is None:
        try:
            with urlopen(url, timeout=5) as response:
                return response.read()
        except OSError:
            time.sleep(0.1)
    return None
