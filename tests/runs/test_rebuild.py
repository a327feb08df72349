"""A lost store is never taken for an empty one, and comes back from the jobs' folders."""

import numpy as np
import pytest

from distmat import cli
from distmat.errors import Remedy, RunError
from distmat.jobs import processes
from distmat.jobs.lock import ProcessLock
from distmat.jobs.reaper import LOCK
from distmat.jobs.rebuild import rebuild
from distmat.jobs.states import State
from distmat.runs import operations
from distmat.runs.store import RunStore
from distmat.training.config import TrainingConfig

from .conftest import scheduler_of, wait_until
from .test_queue import QUICK

# Made once, by one worker.
pytestmark = pytest.mark.xdist_group("rebuilt")


@pytest.fixture(scope="module")
def run(home):
    """A run that has ended, renamed since."""
    config = TrainingConfig(train="synthetic", val="synthetic", max_steps=12, evaluate_every=4)
    with pytest.MonkeyPatch.context() as patch, RunStore(home) as store:
        patch.setenv("PYTHONPATH", str(QUICK))
        started = operations.launch(store, config, name="first", tags=["a"])
        ended = wait_until(lambda: (now := store.get(started.id)).has_ended and now, 180)
        assert ended.state == State.FINISHED, ended.cause
        wait_until(lambda: not ProcessLock(ended.folder / LOCK).is_held())
        # It has the file open, and would mend what the tests damage.
        if scheduler := scheduler_of(home):
            processes.kill(scheduler)
        wait_until(lambda: scheduler_of(home) is None)
        store.rename(ended.id, "the good one")
        return store.get(ended.id)


def lose(home, how):
    path = home / "runs.sqlite"
    for part in ("-wal", "-shm"):
        path.with_name(path.name + part).unlink(missing_ok=True)
    if how == "deleted":
        path.unlink()
    else:
        content = path.read_bytes()
        path.write_bytes({"emptied": b"", "cut": content[:20_000], "garbled": b"?" * 5000}[how])


@pytest.mark.parametrize("how", ["emptied", "cut", "garbled", "deleted"])
def test_what_was_lost_is_said_and_comes_back(home, run, capsys, how):
    with RunStore(home) as store:
        curves, kept = store.curves(run.id), store.checkpoints(run.id)
    lose(home, how)
    with pytest.raises(RunError) as error:
        RunStore(home)
    assert error.value.remedy == Remedy.REBUILD
    assert cli.main(["runs", "list"]) == 2
    assert "runs.sqlite" in (said := capsys.readouterr().err) and "distmat runs rebuild" in said

    assert cli.main(["runs", "rebuild"]) == 0
    printed = capsys.readouterr().out
    assert f"1 jobs are back: {run.id}." in printed
    assert ("What was left of the old store is in" in printed) == (how != "deleted")
    with RunStore(home) as store:
        again = store.get(run.id)
        assert (again.name, again.tags, again.state) == ("the good one", ("a",), State.FINISHED)
        assert again.settings == run.settings and again.step == run.step == again.total_steps
        assert again.metrics == run.metrics and again.environment == run.environment
        for name, curve in curves.items():
            np.testing.assert_array_equal(store.curves(run.id)[name].values, curve.values)
        assert [one.step for one in store.checkpoints(run.id)] == [one.step for one in kept]


def test_a_sound_store_is_left_alone(home, run):
    with pytest.raises(RunError, match="is sound; nothing was done"):
        rebuild(home)
