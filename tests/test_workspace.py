"""Where things live, and how files get there whole."""

import os

import pytest

from distmat.errors import CheckpointError, DatasetError
from distmat.workspace import (
    AUTO,
    checkpoint_for,
    checkpoint_path,
    dataset_path,
    is_automatic,
    library_of,
    list_checkpoints,
    replace_file,
    trained_lengths,
    workspace,
)


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("DISTMAT_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


def make_checkpoint(folder):
    folder.mkdir(parents=True)
    (folder / "config.json").write_text("{}")
    return folder


def test_the_workspace_is_where_the_environment_says_else_in_the_current_folder(
    tmp_path, monkeypatch
):
    monkeypatch.delenv("DISTMAT_HOME", raising=False)
    monkeypatch.chdir(tmp_path)
    assert workspace().resolve() == tmp_path / "workspace"
    monkeypatch.setenv("DISTMAT_HOME", str(tmp_path / "elsewhere"))
    assert workspace() == tmp_path / "elsewhere"


def test_a_name_is_looked_up_in_the_workspace_before_what_ships(home):
    shipped = checkpoint_path("mini")
    assert shipped.name == "mini"
    assert home not in shipped.parents
    own = make_checkpoint(home / "checkpoints" / "mini")
    assert checkpoint_path("mini") == own


def test_a_path_is_taken_as_it_is(home, tmp_path):
    folder = make_checkpoint(tmp_path / "some" / "model")
    assert checkpoint_path(folder) == folder
    table = tmp_path / "set.parquet"
    table.touch()
    assert dataset_path(str(table)) == table


def test_a_dataset_of_the_workspace_is_found_with_and_without_its_suffix(home):
    (home / "datasets").mkdir(parents=True)
    table = home / "datasets" / "mine.parquet"
    table.touch()
    assert dataset_path("mine") == dataset_path("mine.parquet") == table


def test_shipped_and_own_checkpoints_are_listed_once_each(home):
    make_checkpoint(home / "checkpoints" / "mine")
    make_checkpoint(home / "runs" / "first")
    make_checkpoint(home / "checkpoints" / "mini")
    names = list_checkpoints()
    assert {"mini", "mine", "first"} <= set(names)
    assert len(names) == len(set(names))


def test_a_long_chain_has_a_shipped_checkpoint_of_its_own_with_the_same_library(home, monkeypatch):
    monkeypatch.delenv("DISTMAT_LIBRARY", raising=False)
    assert trained_lengths() == {"mini": 256, "mini-long": 512}
    by_length = {residues: checkpoint_for(AUTO, residues) for residues in (1, 256, 257, 512, 513)}
    assert by_length == {
        1: "mini", 256: "mini", 257: "mini-long", 512: "mini-long", 513: "mini-long",
    }  # fmt: skip
    assert checkpoint_for("mini", 9000) == "mini"
    assert checkpoint_for(home / "mine", 9000) == str(home / "mine")
    assert library_of(AUTO) == library_of("mini-long") == library_of("mini") is not None
    assert library_of(make_checkpoint(home / "checkpoints" / "mine")) is None


def test_what_is_chosen_by_length_is_no_checkpoint_by_itself(home, tmp_path, monkeypatch):
    with pytest.raises(CheckpointError, match=r"by the length of a chain.*one of: mini, mini-long"):
        checkpoint_path(AUTO)
    # Nor is it any folder that one happens to stand beside.
    monkeypatch.chdir(tmp_path)
    make_checkpoint(tmp_path / AUTO)
    assert is_automatic(AUTO) and checkpoint_for(AUTO, 30) == "mini"
    assert checkpoint_path(f"./{AUTO}").resolve() == tmp_path / AUTO


@pytest.mark.parametrize("place", ["checkpoints", "runs"])
def test_a_checkpoint_of_one_s_own_that_is_called_so_is_meant(home, place):
    own = make_checkpoint(home / place / AUTO)
    assert not is_automatic(AUTO)
    assert checkpoint_for(AUTO, 300) == AUTO and checkpoint_path(AUTO) == own


def test_where_none_ships_there_is_none_to_choose(home, monkeypatch):
    monkeypatch.setattr("distmat.workspace.SHIPPED_CHECKPOINTS", ())
    make_checkpoint(home / "checkpoints" / "mine")
    assert trained_lengths() == {} and checkpoint_for("mine", 30) == "mine"
    with pytest.raises(CheckpointError, match="no checkpoint 'auto'; give a folder or one of: mi"):
        checkpoint_for(AUTO, 30)
    assert library_of(AUTO) is None


@pytest.mark.parametrize("name", ["none", "../mini", "a/b", "", ".", "..", "x\0y", "y" * 5000])
def test_what_is_nowhere_is_refused_with_what_there_is(home, name):
    (home / "datasets").mkdir(parents=True)
    (home / "datasets" / "mine.parquet").touch()
    with pytest.raises(CheckpointError, match=r"one of: .*mini"):
        # A folder that exists is a path; these are the names of nothing.
        checkpoint_path(name if name not in (".", "..") else f"{name}/nothing")
    with pytest.raises(DatasetError, match="one of: mine"):
        dataset_path(name)


def test_a_file_appears_whole_or_not_at_all(tmp_path):
    target = tmp_path / "new" / "file.txt"
    with replace_file(target, "w") as file:
        file.write("Å")
        assert not target.exists()
    assert target.read_text(encoding="utf-8") == "Å"
    assert target.stat().st_mode & 0o777 == 0o666 & ~current_umask()
    with pytest.raises(ZeroDivisionError), replace_file(target, "w") as file:
        file.write(f"half of it {1 / 0}")
    assert target.read_text(encoding="utf-8") == "Å"
    assert [path.name for path in target.parent.iterdir()] == ["file.txt"]


def test_whoever_writes_last_wins_and_nobody_reads_a_mixture(tmp_path):
    target = tmp_path / "file.bin"
    with replace_file(target) as first, replace_file(target) as second:
        first.write(b"a" * 10**6)
        second.write(b"b" * 10**6)
    assert target.read_bytes() == b"a" * 10**6
    assert [path.name for path in tmp_path.iterdir()] == ["file.bin"]


def current_umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def test_a_published_folder_is_a_checkpoint_too(tmp_path, monkeypatch):
    monkeypatch.setenv("DISTMAT_HOME", str(tmp_path))
    folder = tmp_path / "checkpoints" / "published"
    folder.mkdir(parents=True)
    assert "published" not in list_checkpoints()
    (folder / "model.pt").write_bytes(b"")
    assert "published" in list_checkpoints()


def test_a_step_of_a_run_is_found_by_the_names_of_both(tmp_path, monkeypatch):
    monkeypatch.setenv("DISTMAT_HOME", str(tmp_path))
    step = tmp_path / "runs" / "mine" / "checkpoint-50"
    step.mkdir(parents=True)
    assert checkpoint_path("mine/checkpoint-50") == step
    for name in ("mine/checkpoint-51", "../runs/mine/checkpoint-50", "mine/other"):
        with pytest.raises(CheckpointError):
            checkpoint_path(name)
