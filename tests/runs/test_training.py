"""Real trainings in real processes, disturbed in every way: they end as undisturbed ones do."""

import os
import shutil
import signal
import subprocess
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file

from distmat import limits
from distmat.jobs.rebuild import rebuild
from distmat.jobs.states import Cause, State
from distmat.runs import operations
from distmat.runs.checkpoints import (
    delete_checkpoint,
    keep,
    list_checkpoints,
    unreadable_file,
)
from distmat.runs.diagnosis import diagnose
from distmat.runs.store import RunStore
from tests.runs.conftest import end_all, wait_until
from tests.runs.test_queue import QUICK

# One worker has the runs of this module.
pytestmark = pytest.mark.xdist_group("trained runs")

# What a clock says differs each time.
CLOCKS = {"residues_per_second", "eval_seconds", "eval_chains_per_second"}

STEPS = 18

CHANGES = {"max_steps": STEPS, "evaluate_every": 6}


def ended(store, run):
    return wait_until(lambda: (now := store.get(run.id)).has_ended and now, 120)


def interrupt(store, run, moment, number=signal.SIGKILL):
    """Send a signal to the run's process when the moment has come."""
    run = wait_until(lambda: moment(now := store.get(run.id)) and now, 120)
    os.kill(run.process.pid, number)
    return ended(store, run)


def is_writing(step):
    return lambda run: (run.folder / f".checkpoint-{step}.writing").is_dir()


@pytest.fixture(scope="module")
def slow_disk(home):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", str(Path(__file__).parent / "slow_disk"))
        yield


@pytest.fixture(scope="module")
def runs(home, slow_disk, tiny, dataset, tmp_path_factory):
    """A run left alone, and one with accidents; and what was seen on the way."""
    mine = tmp_path_factory.mktemp("mine") / "mine.parquet"
    mine.write_bytes(dataset.read_bytes())

    def lose_the_chains(run):
        """They are read once, at the start: the run goes on without them."""
        if run.step >= 7:
            mine.unlink(missing_ok=True)
        return run.step >= 9

    with RunStore(home) as store:
        whole = operations.launch(store, tiny(**CHANGES), name="whole")
        whole = ended(store, whole)
        parts = operations.launch(store, tiny(**CHANGES, train=str(mine)), name="parts")
        accidents = [
            # While PyTorch is being loaded, then inside a checkpoint, then between two steps.
            lambda: interrupt(store, parts, lambda run: run.process, signal.SIGTERM),
            lambda: interrupt(store, parts, is_writing(6)),
            lambda: interrupt(store, parts, lose_the_chains, signal.SIGTERM),
            lambda: ended(store, parts),
        ]
        seen = []
        for accident in accidents:
            seen.append(accident())
            if seen[-1].cause_kind == Cause.INPUT:
                mine.write_bytes(dataset.read_bytes())
            operations.resume(store, parts.id)
        yield whole, ended(store, parts), seen


def test_every_accident_is_told_apart(runs):
    whole, parts, (loading, writing, stopped, chainless) = runs
    assert whole.state == parts.state == State.FINISHED
    assert (loading.state, loading.cause_kind) == (State.STOPPED, Cause.SIGNAL)
    assert "resuming starts anew" in loading.cause
    assert (writing.state, writing.cause_kind) == (State.CRASHED, Cause.OUT_OF_MEMORY)
    assert (stopped.state, stopped.cause_kind) == (State.STOPPED, Cause.SIGNAL)
    assert f"checkpoint-{stopped.step}" in stopped.cause and stopped.step >= 9
    assert (chainless.state, chainless.cause_kind) == (State.FAILED, Cause.INPUT)
    assert "There is no dataset '" in chainless.cause
    assert parts.attempt == 5 and whole.attempt == 1


def test_metrics_and_weights_are_those_of_an_undisturbed_run(runs, store):
    whole, parts, _ = runs
    expected, found = store.curves(whole.id), store.curves(parts.id)
    assert set(expected) == set(found) and {"loss", "eval_mae", "eval_baseline_mae"} < set(found)
    for name in expected:
        np.testing.assert_array_equal(found[name].steps, expected[name].steps, name)
        np.testing.assert_array_equal(found[name].epochs, expected[name].epochs, name)
        if name not in CLOCKS:
            np.testing.assert_array_equal(found[name].values, expected[name].values, name)
    for place in ("model.safetensors", f"checkpoint-{STEPS}/model.safetensors"):
        weights, same = (load_file(run.folder / place) for run in (whole, parts))
        assert weights.keys() == same.keys()
        for name in weights:
            np.testing.assert_array_equal(weights[name], same[name], name)


def test_nothing_half_written_is_left(runs):
    _, parts, _ = runs
    assert all(checkpoint.complete for checkpoint in list_checkpoints(parts.folder))
    assert not (parts.folder / ".ballast").exists()
    assert not [path.name for path in parts.folder.glob(".*") if path.name != ".lock"]


def test_the_run_tells_what_it_computed_on(runs, store):
    whole, _, _ = runs
    assert whole.facts["device"] == "cpu" and whole.facts["train_chains"] == 16
    assert whole.environment["packages"]["torch"] and whole.environment["host"]
    assert whole.total_steps == whole.step == STEPS and whole.epoch > 0
    assert whole.config.max_steps == STEPS
    log = whole.log.read_text()
    assert "validation MAE" in log and "\r" not in log
    kinds = {finding.kind for finding in diagnose(store, whole)}
    assert {"schedule_kept", "checkpoints_written", "evaluation_happening"} <= kinds


def test_checkpoints_are_listed_kept_and_deleted(runs):
    whole, _, _ = runs
    first, *_, last = list_checkpoints(whole.folder)
    assert first.complete and first.scores["eval_mae"] > 0 and last.step == STEPS
    assert {"model.safetensors", "trainer_state.json"} < {name for name, _ in first.files}
    before = operations.disk_used(whole)
    kept = keep(whole.folder, first.name)
    assert kept.name == f"kept-{first.step}" and operations.disk_used(whole) == before
    delete_checkpoint(whole, first.name)
    (copy,) = (c for c in list_checkpoints(whole.folder) if c.step == first.step)
    assert copy.kept and copy.files == first.files
    delete_checkpoint(whole, kept.name)
    assert first.step not in [c.step for c in list_checkpoints(whole.folder)]


@pytest.fixture
def small_disk(tmp_path):
    """A disk of three megabytes."""
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=3m", "none", str(tmp_path)], capture_output=True
    )
    if mounted.returncode:
        pytest.skip("mounting a small file system needs root")
    yield tmp_path
    subprocess.run(["umount", "--lazy", str(tmp_path)], check=True)


def test_a_full_disk_fails_the_run_with_that_sentence_and_harms_no_checkpoint(
    small_disk, tiny, monkeypatch
):
    monkeypatch.setenv("DISTMAT_HOME", str(small_disk))
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    monkeypatch.setattr(limits, "_ROOM", 0)
    config = tiny(max_steps=500, evaluate_every=1, evaluation_chains=1, keep_checkpoints=500)
    with RunStore(small_disk) as store:
        run = ended(store, operations.launch(store, config))
        assert (run.state, run.cause_kind) == (State.FAILED, Cause.DISK_FULL), run.cause
        assert "is full; free some space and resume" in run.cause and run.step > 2
        found = list_checkpoints(run.folder)
        assert len(found) > 2 and all(checkpoint.complete for checkpoint in found)
        assert not any(map(unreadable_file, found))
        assert store.curves(run.id)["loss"].steps[-1] >= found[-1].step
        # The person makes room, and it goes on; by another trainer, for how is told above.
        end_all(small_disk)
        monkeypatch.setenv("PYTHONPATH", str(QUICK))
        for checkpoint in found[:-1]:
            delete_checkpoint(run, checkpoint.name)
        changes = {"max_steps": found[-1].step + 2, "keep_checkpoints": 1}
        operations.resume(store, run.id, changes)
        assert ended(store, run).state == State.FINISHED
    end_all(small_disk)


def test_a_run_of_an_earlier_version_comes_back_with_the_curves_of_its_checkpoint(runs, tmp_path):
    """Of a version that left neither a record nor a journal."""
    whole, _, _ = runs
    there = tmp_path / "runs" / whole.id
    shutil.copytree(whole.folder, there, ignore=shutil.ignore_patterns("job.json", "journal.jsonl"))
    (tmp_path / "runs" / "something-else").mkdir()
    (tmp_path / "runs.sqlite").touch()
    done = rebuild(tmp_path)
    assert done.found == (whole.id,)
    assert [folder.name for folder in done.unknown] == ["something-else"]
    with RunStore(tmp_path) as store:
        again = store.get(whole.id)
        assert again.state == State.FINISHED and again.config.max_steps == STEPS
        loss = store.curves(whole.id, ["loss"])["loss"]
        assert loss.steps[-1] == STEPS and np.isfinite(loss.values).all()
        events = [event.text for event in store.events(whole.id)]
        assert "Found again in its folder after the store of jobs was lost." in events
