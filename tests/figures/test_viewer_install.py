import json
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture
def hatch_build(monkeypatch):
    pytest.importorskip("hatchling", reason="hatchling is there only while the package is built")
    monkeypatch.syspath_prepend(ROOT)
    import hatch_build

    yield hatch_build
    sys.modules.pop("hatch_build", None)


def npm_that(folder, script, monkeypatch):
    """A PATH on which nothing but an npm of our own is found."""
    npm = folder / "npm"
    npm.write_text(f"#!/bin/sh\n{script}\n")
    npm.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")


def test_without_npm_the_viewer_is_left_out_with_a_reason(hatch_build, tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    assert "npm is not installed" in hatch_build.fetch(tmp_path)
    assert not (tmp_path / "static").exists()


def test_if_npm_fails_the_viewer_is_left_out_with_a_reason(hatch_build, tmp_path, monkeypatch):
    npm_that(tmp_path, "exit 1", monkeypatch)
    assert "npm ci failed" in hatch_build.fetch(tmp_path)


def test_if_npm_brings_nothing_the_viewer_is_left_out_with_a_reason(
    hatch_build, tmp_path, monkeypatch
):
    npm_that(tmp_path, "exit 0", monkeypatch)
    assert "npm ci failed" in hatch_build.fetch(tmp_path)


def test_what_npm_brings_lands_where_the_page_looks_for_it(hatch_build, tmp_path, monkeypatch):
    from distmat.figures.explorer import SCRIPT_FOLDERS, SCRIPT_NAME

    folder = "node_modules/3dmol/build"
    npm_that(tmp_path, f"mkdir -p {folder} && echo viewer > {folder}/3Dmol-min.js", monkeypatch)
    assert hatch_build.fetch(tmp_path) is None
    assert (tmp_path / "static" / SCRIPT_NAME).read_text() == "viewer\n"
    assert ROOT / "static" in SCRIPT_FOLDERS


def test_the_version_is_the_one_that_py3dmol_would_load():
    import inspect

    import py3Dmol

    address = inspect.signature(py3Dmol.view).parameters["js"].default
    package = json.loads((ROOT / "package.json").read_text(encoding="utf-8"))
    assert f"/3dmol@{package['dependencies']['3dmol']}/" in address
