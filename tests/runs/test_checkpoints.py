"""A run's checkpoints: what is listed, kept and deleted, and what isn't reached."""

import json

import numpy as np
import pytest
from safetensors.numpy import save_file

from distmat.errors import RunError
from distmat.jobs.states import State
from distmat.runs.checkpoints import (
    delete_checkpoint,
    final_files,
    keep,
    list_checkpoints,
    unreadable_file,
)
from distmat.runs.operations import disk_used
from distmat.runs.store import RunStore
from distmat.training.config import TrainingConfig


@pytest.fixture
def run(tmp_path):
    with RunStore(tmp_path) as store:
        made = store.add(TrainingConfig())
        store.change_state(made.id, State.STARTING)
        for step in (9, 10):
            write(made.folder / f"checkpoint-{step}", step)
        yield store.get(made.id)


def write(folder, step, whole=True):
    folder.mkdir(parents=True)
    save_file({"w": np.zeros(step * 100)}, folder / "model.safetensors")
    (folder / "training_config.json").write_text("{}")
    history = [
        {"step": step, "loss": 1.0, "epoch": 0.1},
        {"step": step, "eval_mae": 5.5, "eval_baseline_mae": 6.0},
        {"step": step - 1, "eval_mae": 9.9},
    ]
    if whole:
        (folder / "trainer_state.json").write_text(json.dumps({"log_history": history}))


def test_checkpoints_come_by_step_with_files_and_scores(run):
    first, second = list_checkpoints(run.folder)
    assert (first.name, first.step, second.name) == ("checkpoint-9", 9, "checkpoint-10")
    assert first.files[0][0] == "model.safetensors" and first.size > 9 * 800
    assert first.scores == {"eval_mae": 5.5, "eval_baseline_mae": 6.0}
    assert first.complete and not first.kept and first.written > 0
    assert list_checkpoints(run.folder / "nowhere") == []


def test_what_is_unfinished_or_no_checkpoint_is_told_apart(run):
    write(run.folder / ".checkpoint-11.writing", 11, whole=False)
    write(run.folder / "checkpoint-12", 12, whole=False)
    write(run.folder / "checkpoint-best", 13)
    found = {checkpoint.name: checkpoint.complete for checkpoint in list_checkpoints(run.folder)}
    assert found == {
        "checkpoint-9": True,
        "checkpoint-10": True,
        ".checkpoint-11.writing": False,
        "checkpoint-12": False,
    }
    with pytest.raises(RunError, match="isn't whole"):
        keep(run.folder, "checkpoint-12")


def test_a_kept_checkpoint_takes_no_room_and_outlives_the_first(run):
    before = disk_used(run)
    assert keep(run.folder, "checkpoint-9") == keep(run.folder, "checkpoint-9")
    assert disk_used(run) == before
    delete_checkpoint(run, "checkpoint-9")
    kept, _ = list_checkpoints(run.folder)
    assert kept.kept and kept.complete and unreadable_file(kept) is None
    delete_checkpoint(run, "kept-9")
    assert disk_used(run) < before
    assert [path.name for path in run.folder.iterdir()] == ["checkpoint-10"]


def test_the_newest_checkpoint_of_a_running_run_stays(run, tmp_path):
    with pytest.raises(RunError, match="newest checkpoint of a running run; stop"):
        delete_checkpoint(run, "checkpoint-10")
    with RunStore(tmp_path) as store:
        store.change_state(run.id, State.STOPPED)
        delete_checkpoint(store.get(run.id), "checkpoint-10")
    assert [checkpoint.step for checkpoint in list_checkpoints(run.folder)] == [9]


@pytest.mark.parametrize("name", ["..", "../..", "", ".", "checkpoint-9/..", "/etc", "kept-99"])
def test_no_name_reaches_outside(run, name):
    for act in (lambda: delete_checkpoint(run, name), lambda: keep(run.folder, name)):
        with pytest.raises(RunError, match="There is no checkpoint"):
            act()
    assert len(list_checkpoints(run.folder)) == 2


def test_damaged_state_costs_the_scores_alone(run):
    for text in ("", "[]", '{"log_history": [1]}', "{"):
        (run.folder / "checkpoint-9" / "trainer_state.json").write_text(text)
        assert list_checkpoints(run.folder)[0].scores == {}


def test_the_final_model_is_what_lies_beside(run):
    assert final_files(run.folder) == ()
    (run.folder / "config.json").write_text("{}")
    (run.folder / "model.safetensors").write_bytes(b"0" * 100)
    assert final_files(run.folder) == (("model.safetensors", 100), ("config.json", 2))
