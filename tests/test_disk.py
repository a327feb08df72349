"""A disk that is full, and one that can't be written: each command says so and leaves nothing."""

import contextlib
import subprocess
from pathlib import Path

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

import distmat
from distmat import cli
from tests.pages.conftest import no_search_for_components, predictor  # noqa: F401  (fixtures)
from tests.runs.conftest import dataset  # noqa: F401  (a fixture)

EXAMPLES = Path(distmat.__file__).parent / "protein" / "example_files"
SEQUENCE = "MKTAYIAKQRQISFVKSHFSRQ"

pytestmark = pytest.mark.xdist_group("disk")


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """What the commands read."""
    folder = tmp_path_factory.mktemp("files")
    places = np.random.default_rng(0).normal(size=(30, 3)).cumsum(axis=0) * 3.8
    gaps = np.linalg.norm(places[:, None] - places[None], axis=-1)
    np.save(folder / "map.npy", gaps.astype(np.float32))
    return folder


def _fill(path):
    with path.open("wb", buffering=0) as file, contextlib.suppress(OSError):
        while True:
            file.write(bytes(4096))


@pytest.fixture(scope="module", params=["full", "read-only"])
def disk(request, tmp_path_factory):
    """A mounted disk of that kind, and what the system says of it."""
    place = tmp_path_factory.mktemp(request.param)
    made = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=64k", "none", str(place)], capture_output=True
    )
    if made.returncode:
        pytest.skip("mounting a small file system needs root")
    try:
        if request.param == "full":
            _fill(place / "filler")
        else:
            subprocess.run(["mount", "-o", "remount,ro", str(place)], check=True)
        yield place, "full" if request.param == "full" else "Read-only file system"
    finally:
        subprocess.run(["umount", "--lazy", str(place)], check=True)


COMMANDS = {
    "predict": ["predict", SEQUENCE, "--out", "{disk}/out"],
    "scan": ["scan", SEQUENCE[:12], "--mutations", "alanine", "--out", "{disk}/out"],
    "reconstruct": ["reconstruct", "{files}/map.npy", "--out", "{disk}/trace.pdb"],
    "view": ["view", "{files}/map.npy", "--out", "{disk}/map.html"],
    "train": ["train", "--preset", "quick-look", "--set", "train={data}", "--set", "val={data}",
              "--set", "output={disk}/run"],
    "background": ["train", "--preset", "quick-look", "--background"],
    "build": ["data", "build", "{examples}", "-o", "mine"],
    "synthetic": ["data", "synthetic", "--chains", "10"],
    "library": ["library", "build", "{data}", "-o", "mine"],
    "runs": ["runs", "list"],
}  # fmt: skip


@pytest.mark.parametrize("name", COMMANDS)
def test_it_is_said_in_one_sentence_and_nothing_half_written_is_left(
    name,
    disk,
    files,
    dataset,  # noqa: F811
    monkeypatch,
    capsys,
):
    place, words = disk
    monkeypatch.setenv("DISTMAT_HOME", str(place / "workspace"))
    monkeypatch.chdir(files)
    command = [
        part.format(disk=place, data=dataset, files=files, examples=EXAMPLES)
        for part in COMMANDS[name]
    ]
    code = cli.main(command)
    said = capsys.readouterr().err
    assert code == 2 and words in said and "Traceback" not in said, said
    assert str(place) in said, "which disk?"
    left = [path for path in place.rglob("*") if path.is_file() and path.name != "filler"]
    assert not [path for path in left if path.stat().st_size], left


@pytest.mark.parametrize("name", ["home", "predict", "maps", "evaluate", "train", "runs", "data"])
def test_every_page_opens_and_says_what_cannot_be_written(
    name,
    disk,
    monkeypatch,
    predictor,  # noqa: F811
):
    place, _ = disk
    monkeypatch.setenv("DISTMAT_HOME", str(place / "workspace"))
    page = AppTest.from_file("../pages/navigation.py", default_timeout=60)
    page.switch_page(f"{name}.py").run()
    assert not page.exception
    assert not [error for error in page.error if "fault of the program" in error.value]
