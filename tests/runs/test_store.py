"""The store: states, the queue's order, metrics thinned exactly, many processes at once."""

import errno
import json
import math
import os
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from distmat.errors import Remedy, RunError
from distmat.jobs.processes import ProcessIdentity
from distmat.jobs.states import ENDED, TRANSITIONS, Cause, State
from distmat.jobs.store.database import Database
from distmat.runs.store import RunStore
from distmat.training.config import TrainingConfig
from distmat.training.presets import PRESETS


@pytest.fixture
def store(tmp_path):
    with RunStore(tmp_path) as opened:
        yield opened


def add(store, name="run", **options):
    return store.add(TrainingConfig(output=name), **options)


def test_a_run_is_kept_as_it_was_made(store, tmp_path, monkeypatch):
    monkeypatch.setenv("DISTMAT_WEBHOOK", "https://example.org/hook")
    config = TrainingConfig(learning_rate=2e-4, output="somewhere/My Run")
    run = store.add(config, tags=["a", "b", "a"], notes="first", group="g", directory=tmp_path)
    assert run.id.startswith("my-run-") and run.name == "My Run"
    assert (run.state, run.tags, run.notes, run.group) == (State.QUEUED, ("a", "b"), "first", "g")
    assert run.config.differences(config).keys() == {"output"}
    assert run.config.output == str(run.folder) == str(tmp_path / "runs" / run.id)
    assert run.webhook == "https://example.org/hook" and run.directory == str(tmp_path)
    with RunStore(tmp_path) as other:
        assert other.get(run.id) == run
    assert {
        "id",
        "name",
        "state",
        "pid",
        "step",
        "total_steps",
        "epoch",
        "metrics",
        "started",
    } < set(json.loads(json.dumps(run.as_dict())))


def test_a_run_is_found_by_id_its_beginning_and_its_name(store):
    one, two = add(store, "alpha"), add(store, "beta")
    assert store.find(one.id) == store.find("alpha") == store.find(one.id[:-1]) == one
    assert store.find(two.id) == two
    add(store, "alpha")
    with pytest.raises(RunError, match="may be any of alpha-"):
        store.find("alpha")
    with pytest.raises(RunError, match="There is no run 'gamma'"):
        store.find("gamma")


def test_who_names_no_run_gets_a_name_that_tells(store, tmp_path):
    named = [store.add(TrainingConfig()).name for _ in range(2)]
    assert named == ["mini pair on train", "mini pair on train 2"]
    preset = TrainingConfig().with_settings(PRESETS["quick-look"])
    assert [store.add(preset).name for _ in range(2)] == ["quick-look", "quick-look 2"]
    mine = TrainingConfig(output=str(tmp_path / "mine"))
    assert [store.add(mine).name for _ in range(2)] == ["mine", "mine"]


def test_search_looks_at_names_groups_tags_and_notes(store):
    one = add(store, "alpha", tags=["slow"], notes="Deep trunk")
    two = add(store, "beta", group="sweep-1")
    assert [run.id for run in store.runs()] == [two.id, one.id]
    for text, expected in [("ALPHA", one), ("deep slow", one), ("sweep", two)]:
        assert [run.id for run in store.runs(text=text)] == [expected.id]
    assert not store.runs(text="deep sweep")
    assert [run.id for run in store.runs(group="sweep-1")] == [two.id]
    store.tag(one.id, ["fast"])
    store.note(one.id, "")
    store.rename(one.id, "gamma")
    assert not store.runs(text="deep") and store.find("gamma").tags == ("fast",)


@pytest.mark.parametrize("old", State)
@pytest.mark.parametrize("new", State)
def test_only_states_that_may_follow_do(store, old, new):
    way = {
        State.QUEUED: [],
        State.STARTING: [State.STARTING],
        State.RUNNING: [State.STARTING, State.RUNNING],
        State.STOPPED: [State.STOPPED],
    }
    run = add(store)
    for state in way.get(old, [State.STARTING, State.RUNNING, old]):
        store.change_state(run.id, state)
    if new in TRANSITIONS[old]:
        assert store.change_state(run.id, new)
        assert store.get(run.id).state == new
    else:
        with pytest.raises(RunError, match=f"is {old}; it can't become {new}"):
            store.change_state(run.id, new)
        assert store.get(run.id).state == old


def test_of_two_who_end_a_run_one_wins(store):
    run = add(store)
    store.change_state(run.id, State.STARTING)
    first = store.change_state(run.id, State.CRASHED, only_from=[State.STARTING], cause="Lost")
    second = store.change_state(run.id, State.FAILED, only_from=[State.STARTING])
    assert (first, second) == (True, False)
    assert store.get(run.id).cause == "Lost"


def test_the_time_of_all_attempts_is_added_up(store, monkeypatch):
    clock = [1000.0]
    monkeypatch.setattr(time, "time", lambda: clock[0])

    def after(seconds, state):
        clock[0] += seconds
        store.change_state(run.id, state)

    run = add(store)
    after(50, State.STARTING)
    after(5, State.RUNNING)
    after(10, State.STOPPED)
    assert store.get(run.id).seconds_spent(clock[0] + 99) == 15
    after(100, State.QUEUED)
    assert store.get(run.id).seconds_spent(clock[0]) == 15
    after(100, State.STARTING)
    after(5, State.RUNNING)
    run = store.get(run.id)
    assert run.seconds_spent(clock[0] + 2) == 22 and run.attempt == 2 and run.started == 1050


def test_the_queue_keeps_and_changes_its_order(store):
    a, b, c = (add(store, name).id for name in "abc")
    assert [run.id for run in store.list_queued()] == [a, b, c]
    store.place(c, 0)
    assert [run.id for run in store.list_queued()] == [c, a, b]
    store.place(c, 1)
    d = add(store, "d").id
    assert [run.id for run in store.list_queued()] == [a, c, b, d]
    store.change_state(a, State.STARTING)
    with pytest.raises(RunError, match="isn't in the queue"):
        store.place(a, 0)
    assert not store.paused
    store.pause(True)
    assert store.paused


def test_a_webhook_is_an_address_of_the_web(store):
    for address in ("file:///etc/passwd", "ftp://example.org", "example.org", "http://"):
        with pytest.raises(RunError, match="no http or https address"):
            add(store, webhook=address)


def logged(store, count, every=1, seed=0):
    """A run with a wild curve, and its true points."""
    run = add(store)
    values = np.random.default_rng(seed).standard_cauchy(count)
    steps = np.arange(1, count + 1) * every
    rows = [
        (int(s), s / 100, 5.0 + s, {"loss": float(v)}) for s, v in zip(steps, values, strict=True)
    ]
    store.log_many(run.id, rows)
    return run, steps, values


@pytest.mark.parametrize(("count", "every"), [(5, 1), (300, 1), (5000, 1), (40_000, 1), (3000, 50)])
@pytest.mark.parametrize("points", [8, 100, 1000])
def test_a_thinned_curve_has_its_ends_and_extremes_exactly(store, count, every, points):
    run, steps, values = logged(store, count, every)
    curve = store.curves(run.id, points=points)["loss"]
    assert len(curve) <= points
    true = dict(zip(steps.tolist(), values.tolist(), strict=True))
    assert all(true[int(s)] == v for s, v in zip(curve.steps, curve.values, strict=True))
    assert (np.diff(curve.steps) > 0).all()
    assert curve.steps[0] == steps[0] and curve.steps[-1] == steps[-1]
    assert curve.values.min() == values.min() and curve.values.max() == values.max()
    np.testing.assert_allclose(curve.epochs, curve.steps / 100)
    np.testing.assert_allclose(curve.times, curve.steps + 5)
    if count <= points // 2 - 3:
        assert len(curve) == count


def test_every_stretch_keeps_its_own_extremes(store):
    run, steps, values = logged(store, 20_000)
    curve = store.curves(run.id, points=200)["loss"]
    width = -(-20_000 // 97)
    width = -(-width // 64) * 64  # a multiple of the summaries' second level
    for stretch in range(20_000 // width):
        here = (steps // width) == stretch
        kept = curve.values[curve.steps // width == stretch]
        assert kept.min() == values[here].min() and kept.max() == values[here].max()


@pytest.mark.parametrize(("first", "last"), [(137, 4999), (1, 7), (4000, None), (None, 63), (8, 8)])
def test_zooming_in_is_exact_at_ragged_edges(store, first, last):
    run, steps, values = logged(store, 6000)
    curve = store.curves(run.id, points=60, first=first, last=last)["loss"]
    inside = values[(steps >= (first or 0)) & (steps <= (last or 10**9))]
    assert curve.values.max() == inside.max() and curve.values.min() == inside.min()
    assert curve.values[0] == inside[0] and curve.values[-1] == inside[-1]


def test_nothing_logged_gives_no_curve(store):
    run = add(store)
    assert store.curves(run.id) == {} == store.curves(run.id, ["loss"])
    assert store.table(run.id, ["loss"]) == [] and store.seconds_per_step(run.id) is None


def test_nan_and_infinity_are_kept(store):
    run = add(store)
    for step in range(1, 40):
        loss = math.nan if step in (20, 33) else math.inf if step == 35 else step
        store.log(run.id, step, 0.1, {"loss": loss, "grad_norm": 1.0})
    curve = store.curves(run.id)["loss"]
    assert np.isnan(curve.values[[19, 32]]).all() and curve.values[34] == math.inf
    assert store.first_nan(run.id, "loss") == 20 and store.first_nan(run.id, "grad_norm") is None
    assert curve.best() == (1, 1.0) and curve.best(highest=True) == (39, 39.0)
    store.log(run.id, 40, 0.1, {"loss": math.nan})
    assert math.isnan(store.get(run.id).metrics["loss"])
    assert store.get(run.id).as_dict()["metrics"]["loss"] is None


def everything(store, run_id):
    """All that is stored of a run's metrics, times aside."""
    tables = {
        "metrics": "name, step, value",
        "steps": "step, epoch",
        "summaries": "name, level, stretch, low_step, low, high_step, high",
        "progress": "step, epoch, summarised, metrics",
    }
    return [
        [tuple(row) for row in store._db.execute(sql, (store._key(run_id),))]
        for table, columns in tables.items()
        for sql in [f"SELECT {columns} FROM {table} WHERE run = ? ORDER BY {columns}"]
    ]


@pytest.mark.parametrize("cut", [0, 3, 7, 8, 63, 64, 200, 517, 600])
def test_a_run_that_goes_back_to_its_checkpoint_ends_as_an_undisturbed_one(store, cut):
    rng = np.random.default_rng(1)
    values = {step: {"loss": float(rng.normal())} for step in range(1, 1001)}
    for step in range(100, 1001, 100):
        values[step]["eval_mae"] = float(rng.normal())
    whole, parts = add(store), add(store)
    for step, metrics in values.items():
        store.log(whole.id, step, step / 10, metrics, moment=1.0)
    for step in range(1, 701):
        store.log(
            parts.id,
            step,
            step / 10,
            {**values[step], "loss": 9.0 if step > cut else values[step]["loss"]},
        )
    store.rewind(parts.id, cut)
    assert store.get(parts.id).step == cut
    for step in range(cut + 1, 1001):
        store.log(parts.id, step, step / 10, values[step])
    assert everything(store, parts.id) == everything(store, whole.id)


def test_steps_that_are_told_again_are_replaced(store):
    run = add(store)
    for step in [*range(1, 130), *range(60, 200)]:
        store.log(
            run.id, step, 0.0, {"loss": 1000.0 if step == 99 and not step % 2 else float(step)}
        )
    store.log(run.id, 70, 0.0, {"loss": -5.0})
    curve = store.curves(run.id, points=20)["loss"]
    assert curve.values.min() == -5 and curve.values.max() == 199
    assert store.get(run.id).step == 199


def test_the_table_shows_every_metric_of_its_steps(store):
    run = add(store)
    for step in range(1, 1001):
        metrics = {"loss": 1 / step, "grad_norm": 2.0 * step}
        store.log(run.id, step, step / 10, metrics | ({"eval_mae": 3.0} if step == 1000 else {}))
    rows = store.table(run.id, ["loss", "grad_norm", "eval_mae"], rows=50)
    assert len(rows) <= 50 and rows[0]["step"] == 1 and rows[-1]["step"] == 1000
    assert all(row["grad_norm"] == 2 * row["step"] for row in rows)
    assert rows[-1]["eval_mae"] == 3.0 and rows[0]["eval_mae"] is None


def test_the_speed_is_that_of_the_newest_steps_of_this_attempt(store):
    run = add(store)
    store.change_state(run.id, State.STARTING)
    store.change_state(run.id, State.RUNNING)
    store.begin(run.id, {}, 400)
    began = store.get(run.id).attempt_started
    for step in range(1, 101):  # an earlier attempt, slow
        store.log(run.id, step, 0, {"loss": 1.0}, moment=began - 10_000 + 50 * step)
    for step in range(101, 201):
        store.log(run.id, step, 0, {"loss": 1.0}, moment=began + 0.5 * (step - 100))
    assert store.seconds_per_step(run.id) == pytest.approx(0.5)
    assert store.seconds_left(store.get(run.id)) == pytest.approx(100)


def test_hardware_is_kept_beside_and_survives_a_rewind(store):
    run = add(store)
    for second in range(0, 5000, 5):
        value = 100.0 if second == 2500 else 50.0
        store.log_hardware(run.id, {"cpu": value}, moment=run.created + second)
    store.log(run.id, 1, 0.0, {"loss": 1.0})
    store.rewind(run.id, 0)
    curve = store.hardware(run.id, points=50)["cpu"]
    assert len(curve) <= 50 and curve.values.max() == 100 and curve.steps[-1] == 4995
    assert curve.times[-1] == pytest.approx(run.created + 4995, abs=1)
    assert store.curves(run.id) == {}


def test_events_and_checkpoints_are_kept_in_order(store):
    run = add(store)
    store.say(run.id, "Reading the datasets")
    store.checkpoint(run.id, 20, Path("x/checkpoint-20"))
    store.checkpoint(run.id, 10, Path("x/checkpoint-10"))
    assert [event.text for event in store.events(run.id)] == ["Queued", "Reading the datasets"]
    assert [event.text for event in store.events(run.id, newest=1)] == ["Reading the datasets"]
    assert [c.folder for c in store.checkpoints(run.id)] == ["checkpoint-10", "checkpoint-20"]


def test_nothing_is_left_of_a_forgotten_run(store):
    run, *_ = logged(store, 30_000)
    other, *_ = logged(store, 10)
    store.log_hardware(run.id, {"cpu": 1.0})
    store.change_state(run.id, State.STARTING)
    with pytest.raises(RunError, match="stop it before deleting"):
        store.forget(run.id)
    store.change_state(run.id, State.FAILED, cause="x", kind=Cause.BUG)
    store.forget(run.id)
    for table in ("progress", "steps", "metrics", "summaries", "events", "checkpoints"):
        (left,) = store._db.execute(
            f"SELECT count(*) FROM {table} WHERE abs(run) NOT IN (SELECT key FROM runs)"
        ).fetchone()
        assert left == 0, table
    assert len(store.curves(other.id)["loss"]) == 10


def test_a_new_run_has_nothing_of_a_deleted_one(store, tmp_path):
    run, *_ = logged(store, 10)
    with RunStore(tmp_path) as viewer:
        assert viewer.curves(run.id)
        store.change_state(run.id, State.STOPPED)
        store.forget(run.id)
        logged(store, 20)
        with pytest.raises(RunError, match="was deleted meanwhile"):
            viewer.curves(run.id)


def test_a_process_is_noted_by_whoever_knows_it_best(store):
    run = add(store)
    store.attach(run.id, ProcessIdentity(1, 1.0), "here", if_unknown=True)
    store.attach(run.id, ProcessIdentity(2, 2.0), "here", if_unknown=True)
    assert store.get(run.id).process == ProcessIdentity(1, 1.0)
    store.attach(run.id, ProcessIdentity(3, 3.0), "here")
    assert store.get(run.id).process == ProcessIdentity(3, 3.0)


def test_the_webhook_is_due_once_after_each_end(store):
    run = add(store, webhook="http://example.org")
    assert not store.to_notify()
    store.change_state(run.id, State.STARTING)
    store.change_state(run.id, State.FAILED)
    assert [due.id for due in store.to_notify()] == [run.id]
    store.set_notified(run.id)
    assert not store.to_notify()
    for state in (State.QUEUED, State.STARTING, State.RUNNING, State.FINISHED):
        store.change_state(run.id, state)
    assert [due.id for due in store.to_notify()] == [run.id]


def test_a_damaged_and_a_newer_database_say_so(tmp_path):
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "runs.sqlite").write_bytes(b"no database at all" * 1000)
    with pytest.raises(RunError, match="is no database any more") as error:
        RunStore(tmp_path / "a")
    assert error.value.remedy == Remedy.REBUILD
    RunStore(tmp_path / "b").close()
    with sqlite3.connect(tmp_path / "b" / "runs.sqlite") as database:
        database.execute("PRAGMA user_version = 999")
    database.close()
    with pytest.raises(RunError, match="newer distmat"):
        RunStore(tmp_path / "b")


def test_a_database_of_every_earlier_version_opens_with_all_its_runs(tmp_path, monkeypatch):
    from distmat.jobs import store as module

    columns = "key, id, name, settings, backend, directory, state, created, position"
    for version in range(1, len(module.MIGRATIONS)):
        home = tmp_path / str(version)
        database = Database(home / "runs.sqlite", module.MIGRATIONS[:version])
        values = "1, 'old', 'old', '{}', 'local', '/', 'QUEUED', 1, 1"
        database.execute(f"INSERT INTO runs ({columns}) VALUES ({values})")
        database.execute("INSERT INTO progress (run) VALUES (1), (-1)")
        if version >= 3:
            database.execute("UPDATE queue SET last_key = 1")
        database.close()
        with RunStore(home) as store:
            assert [run.id for run in store.list_queued()] == ["old"]
            store.log("old", 1, 0.1, {"loss": 1.0})
            new = add(store)
            assert [run.id for run in store.list_queued()] == ["old", new.id]
            assert len(store.curves("old")["loss"]) == 1 and not store.curves(new.id)


def test_a_signal_in_the_midst_of_a_transaction_leaves_nothing_open(store):
    class Signal(BaseException):
        pass

    def disturbed():
        with store.together():
            store.log(run.id, 1, 0.0, {"loss": 1.0})
            raise Signal

    run = add(store)
    with pytest.raises(Signal):
        disturbed()
    assert store.curves(run.id) == {} and store.get(run.id).step == 0
    store.log(run.id, 2, 0.0, {"loss": 1.0})
    assert list(store.curves(run.id)["loss"].steps) == [2]


def test_an_interrupted_migration_is_done_again(tmp_path, monkeypatch):
    from distmat.jobs import store as module

    broken = (*module.MIGRATIONS, "CREATE TABLE later (a); INSERT INTO nowhere VALUES (1)")
    monkeypatch.setattr(module, "MIGRATIONS", broken)
    with pytest.raises(sqlite3.OperationalError, match="nowhere"):
        RunStore(tmp_path)
    monkeypatch.setattr(module, "MIGRATIONS", (*broken[:-1], "CREATE TABLE later (a)"))
    with RunStore(tmp_path) as store:
        assert add(store).state == State.QUEUED
        assert store._db.execute("PRAGMA user_version").fetchone()[0] == len(module.MIGRATIONS)
        assert store._db.execute("SELECT * FROM later").fetchall() == []


def test_a_full_disk_is_named_and_leaves_the_store_whole(store):
    run = add(store)
    (pages,) = store._db.execute("PRAGMA page_count").fetchone()
    store._db.execute(f"PRAGMA max_page_count = {pages}")

    def log_until_it_is_full():
        for step in range(100_000):
            store.log(run.id, step, 0.0, {"loss": 1.0})

    with pytest.raises(OSError, match="No space left") as caught:
        log_until_it_is_full()
    assert caught.value.errno == errno.ENOSPC
    store._db.execute("PRAGMA max_page_count = 1000000")
    before = len(store.curves(run.id, points=10**6)["loss"])
    store.log(run.id, 10**6, 0.0, {"loss": 1.0})
    assert len(store.curves(run.id, points=10**7)["loss"]) == before + 1


WRITER = """
import os, sys
from distmat.runs.store import RunStore
store = RunStore(sys.argv[1])
for step in range(1, 10**6):
    store.log(sys.argv[2], step, step / 10, {"loss": float(step), "twice": 2.0 * step})
"""


def test_a_killed_writer_leaves_whole_steps_and_readers_never_wait(store, tmp_path):
    run = add(store)
    command = [sys.executable, "-c", WRITER, str(tmp_path), run.id]
    root = str(Path(__file__).parents[2])
    for _ in range(3):
        writer = subprocess.Popen(command, cwd=root)
        deadline, start = time.monotonic() + 1.0, store.get(run.id).step
        while time.monotonic() < deadline or store.get(run.id).step <= start:
            with RunStore(tmp_path) as reader:
                curves = reader.curves(run.id, points=50)
            if curves:
                assert curves["loss"].steps[-1] == curves["twice"].steps[-1]
            if writer.poll() is not None or time.monotonic() > deadline + 20:
                pytest.fail("the writer ended or never began")
        writer.kill()
        writer.wait()
        progress = store.get(run.id)
        curve = store.curves(run.id, points=10**6)
        assert curve["loss"].steps[-1] == progress.step == len(curve["loss"])
        np.testing.assert_array_equal(2 * curve["loss"].values, curve["twice"].values)
        assert store._db.execute("PRAGMA integrity_check").fetchone()[0] == "ok"
        store.rewind(run.id, progress.step // 2)


def test_ended_states_are_those_without_a_process():
    assert {State.FINISHED, State.STOPPED, State.FAILED, State.CRASHED} == ENDED


def test_a_store_in_a_folder_that_cannot_be_written_is_read(store, monkeypatch):
    run = add(store)
    store.close()
    # To the administrator, whom tests may be run by, no folder is closed.
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    with RunStore(store.home) as seen:
        assert seen.find(run.id).id == run.id
        with pytest.raises(RunError, match="can't be written; check its permissions"):
            add(seen)
