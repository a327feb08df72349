"""Facts come from the store and the run's files: change those, and the report changes."""

import json
import time

import numpy as np
import pytest

from distmat.jobs.states import Cause, State
from distmat.jobs.store.curve import Curve
from distmat.report.collect import ROWS, choose_rows, collect, others_to_compare
from distmat.report.render import markdown
from distmat.report.status import project, status
from distmat.runs.store import RunStore
from distmat.training.config import TrainingConfig


@pytest.fixture
def store(tmp_path, monkeypatch):
    monkeypatch.setenv("DISTMAT_HOME", str(tmp_path))
    with RunStore() as store:
        yield store


def made(store, name="mine", **settings):
    config = TrainingConfig().with_settings(
        {"val": "none", "train": "none", "crops": [256], **settings}
    )
    run = store.add(config, name=name)
    store.change_state(run.id, State.STARTING)
    store.begin(run.id, {"device": "cpu", "parameters": 1234, "train_chains": 77}, 100)
    store.change_state(run.id, State.RUNNING)
    return run


def log(store, run, steps=range(10, 60, 10), mae=5.5, loss=3.0):
    now = time.time()
    rows = [
        (step, step / 7, now - 100 + step, {"loss": loss + 1 / step, "grad_norm": 0.5})
        for step in steps
    ]
    store.log_many(run.id, rows)
    metrics = {"eval_mae": mae, "eval_baseline_mae": 6.6, "eval_rmse": 7.7, "eval_seconds": 2.0}
    store.log(run.id, steps[-1], steps[-1] / 7, metrics)


def report(store, run, language="en"):
    return markdown(status(store, store.get(run.id), language))


def test_what_is_logged_is_reported(store):
    run = made(store)
    assert "Never evaluated" in report(store, run)
    log(store, run)
    text = report(store, run)
    assert "50 of 100 (50.0 %)" in text
    assert "| 10 | 1.43 | 3.100 | 0.5000 | not measured |" in text
    assert "5.50 Å, where knowing only the separation along the chain gives 6.60 Å" in text
    store.log(run.id, 60, 60 / 7, {"loss": 2.2222, "eval_mae": 4.4444, "eval_baseline_mae": 6.6})
    text = report(store, run)
    assert "2.222" in text and "4.444" in text


def test_every_state_is_told_as_it_is(store):
    texts = {}
    for state, cause in (
        (State.FINISHED, ""),
        (State.STOPPED, "Stopped; resuming goes on from checkpoint-50."),
        (State.FAILED, "The loss is no number at step 12."),
        (State.CRASHED, "Killed by signal 9, most likely out of memory."),
    ):
        run = made(store, name=state.lower())
        log(store, run)
        store.change_state(run.id, state, cause=cause, kind=Cause.NONE)
        texts[state] = report(store, run)
        assert cause.replace("9,", "9,") in texts[state].replace("\\", "")
    queued = store.add(TrainingConfig(), name="waiting")
    texts[State.QUEUED] = report(store, queued)
    assert len({text.splitlines()[4] for text in texts.values()}) == len(texts)
    assert "Time left" not in texts[State.FINISHED]


def test_the_disk_is_asked_for_checkpoints_and_scores(store):
    run = made(store)
    log(store, run)
    folder = run.folder / "checkpoint-50"
    folder.mkdir(parents=True)
    (folder / "trainer_state.json").write_text("{}")
    (folder / "training_config.json").write_text("{}")
    (folder / "model.safetensors").write_bytes(b"x" * 12_345)
    (run.folder / "log.txt").write_text("a line\nthe very last words\n")
    rows = [
        {
            "id": f"chain{n}",
            "model": {"mae": 3.0 + n, "pearson": 0.5},
            "baseline": {"mae": 6.0},
        }
        for n in range(7)
    ]
    (run.folder / "evaluation.json").write_text(json.dumps({"per_chain": rows}))
    text = report(store, run)
    assert "12.3 kB" in text
    assert "the very last words" in text
    assert "| chain0 | 3.00 | 6.00 | 0.500 |" in text
    assert "| chain6 | 9.00 |" in text


def test_each_split_is_measured_and_the_card_says_what_leaks(store, tmp_path):
    from scipy.spatial.distance import pdist

    from distmat.dataset.store import read_dataset
    from distmat.dataset.synthetic import write_synthetic

    path = tmp_path / "datasets" / "mine.parquet"
    path.parent.mkdir()
    write_synthetic(path, chains=20)
    dataset = read_dataset(path)
    run = made(store, train="mine", val="mine")
    for facts in collect(store, store.get(run.id)).data:
        held = np.concatenate([pdist(c.ca) for c in dataset.of_split(facts.split).chains])
        assert facts.mean == pytest.approx(held.mean(), rel=1e-4)
        assert facts.longest == pytest.approx(held.max(), rel=1e-4)
    assert "Leak check: Every sequence is drawn on its own" in report(store, run)
    card = json.loads(path.with_suffix(".json").read_text())
    card["leaks"] = {
        "highest_identity": 0.123,
        "pair": ["a", "b"],
        "held_out_chains": 6,
        "relatives": 0,
    }
    path.with_suffix(".json").write_text(json.dumps(card))
    assert "12.3 % identical" in report(store, run)
    card["leaks"]["highest_identity"] = None
    path.with_suffix(".json").write_text(json.dumps(card))
    assert "No alignment covers half of the shorter chain" in report(store, run)
    path.with_suffix(".json").unlink()
    assert "the dataset keeps no leak report" in report(store, run)


def test_the_rows_are_few_and_hold_both_ends_and_all_extremes():
    rng = np.random.default_rng(0)
    for _ in range(50):
        count = int(rng.integers(1, 3_000))
        steps = np.arange(1, count + 1)
        loss, norm = (Curve(steps, rng.normal(size=count), steps / 9, steps) for _ in range(2))
        rows = choose_rows(loss, norm)
        assert len(rows) == min(count, ROWS) or ROWS - 5 <= len(rows) <= ROWS
        assert {0, count - 1} <= set(rows)
        for curve in (loss, norm):
            assert {int(np.argmin(curve.values)), int(np.argmax(curve.values))} <= set(rows)


def test_the_best_run_of_each_other_head_is_compared(store):
    mine = made(store, name="v2", head="placeholder")
    log(store, mine)
    for name, mae in (("worse", 9.0), ("better", 8.0)):
        log(store, made(store, name=name, head="coordinates"), mae=mae)
    log(store, made(store, name="elsewhere", val="other"), mae=1.0)
    assert [run.name for run in others_to_compare(store, store.get(mine.id))] == ["better"]
    assert "Comparison with v1" in report(store, mine)
    assert [r.name for r in others_to_compare(store, mine, ["worse"])] == ["worse"]


def test_all_runs_are_ranked_by_their_error(store):
    for name, mae in (("middle", 5.5), ("best", 5.1), ("worst", 6.0)):
        log(store, made(store, name=name, learning_rate=mae / 1e4), mae=mae)
    made(store, name="unknown")
    text = markdown(project(store))
    order = [text.index(f"| {name} | running") for name in ("best", "middle", "worst", "unknown")]
    assert order == sorted(order)
    assert "4, of them evaluated: 3" in text
    assert "| learning\\_rate |" in text


def test_a_workspace_without_runs_has_a_report(store):
    for language in ("en", "zh"):
        assert markdown(project(store, language))
