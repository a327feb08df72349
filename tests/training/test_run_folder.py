"""Which checkpoint a run goes on from when the newest was cut."""

import json

import numpy as np
import pytest
from safetensors.numpy import save_file

from distmat.errors import RunError
from distmat.training.config import TrainingConfig
from distmat.training.run_folder import (
    checkpoint_to_resume,
    find_damaged_file,
    publish,
    step_of,
    write_config,
    writing_place,
)


@pytest.fixture
def output(tmp_path):
    for step in (10, 20):
        folder = tmp_path / f"checkpoint-{step}"
        write_config(TrainingConfig(), folder)
        save_file({"weight": np.zeros(1000, np.float32)}, folder / "model.safetensors")
        (folder / "trainer_state.json").write_text(json.dumps({"global_step": step}))
    return tmp_path


@pytest.mark.parametrize("name", ["model.safetensors", "trainer_state.json"])
def test_a_newest_checkpoint_that_was_cut_is_passed_over_and_said_so(output, name):
    path = output / "checkpoint-20" / name
    path.write_bytes(path.read_bytes()[:1000] if "model" in name else b"")
    said = []
    assert checkpoint_to_resume(output, True, said.append) == output / "checkpoint-10"
    assert said == [f"checkpoint-20 is damaged, see its {name}; going on from the one before it"]
    with pytest.raises(RunError, match=f"is damaged, see its {name}"):
        checkpoint_to_resume(output, path.parent)


@pytest.mark.parametrize("damage", ["one bit", "gone", "zeros", "sums"])
def test_no_byte_of_a_checkpoint_changes_unnoticed(output, damage):
    written = writing_place(output, 20)
    (output / "checkpoint-20").rename(written)
    final = publish(written, output, 20)
    assert find_damaged_file(final) is None
    path = final / ("checksums.json" if damage == "sums" else "model.safetensors")
    content = bytearray(path.read_bytes())
    content[-100] ^= 1
    if damage == "gone":
        path.unlink()
    else:
        changed = {"zeros": bytes(len(content)), "sums": b"{", "one bit": bytes(content)}
        path.write_bytes(changed[damage])
    assert find_damaged_file(final) == path.name
    assert checkpoint_to_resume(output, True) == output / "checkpoint-10"


def test_whole_checkpoints_are_taken_as_they_are(output):
    assert find_damaged_file(output / "checkpoint-20") is None
    assert checkpoint_to_resume(output, True) == output / "checkpoint-20"


def test_a_run_of_damaged_checkpoints_alone_is_not_begun_anew_without_a_word(output):
    for step in (10, 20):
        (output / f"checkpoint-{step}" / "model.safetensors").write_bytes(b"cut")
    with pytest.raises(RunError, match=r"Every checkpoint in .* is damaged"):
        checkpoint_to_resume(output, True)


@pytest.mark.parametrize("step", ["Infinity", "NaN", "null", '"x"', "[]"])
def test_a_step_that_is_no_number_is_refused_in_a_sentence(output, step):
    path = output / "checkpoint-20" / "trainer_state.json"
    path.write_text(f'{{"global_step": {step}}}')
    with pytest.raises(RunError, match=r"no readable trainer_state\.json"):
        step_of(path.parent)
