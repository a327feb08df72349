import json
import math
import time

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from distmat.jobs.states import Cause, State
from distmat.protein.chain import Chain
from distmat.runs import operations
from distmat.runs.checkpoints import list_checkpoints
from distmat.runs.store import RunStore
from distmat.training.config import TrainingConfig
from distmat.training.watched_maps import WatchedMap, write_step, write_truth
from distmat.ui import run_store
from distmat.ui.runs import list as runs_list
from distmat.ui.runs.checkpoints import _delete_step
from distmat.ui.runs.compare import list_differences
from distmat.ui.runs.curves import along


@pytest.fixture
def store(tmp_path, monkeypatch):
    monkeypatch.setenv("DISTMAT_HOME", str(tmp_path))
    monkeypatch.setattr(operations, "ensure_scheduler", lambda home: None)
    run_store._store.clear()
    with RunStore() as store:
        yield store


@pytest.fixture
def page(store):
    return AppTest.from_file("../../pages/runs.py", default_timeout=120)


def made(store, name="mine", state=State.RUNNING, mae=5.5, steps=50, **settings):
    run = store.add(TrainingConfig().with_settings(settings), name=name)
    if state == State.QUEUED:
        return run
    store.change_state(run.id, State.STARTING)
    store.begin(run.id, {"device": "cpu", "precision": "fp32", "train_chains": 77}, 100)
    store.change_state(run.id, State.RUNNING)
    now = time.time() + steps + 1
    rows = [
        (n, n / 9, now - steps + n, {"loss": 3 + 1 / n, "grad_norm": 0.5, "learning_rate": 1e-3})
        for n in range(1, steps + 1)
    ]
    store.log_many(run.id, rows)
    metrics = {"eval_mae": mae, "eval_baseline_mae": 6.6}
    store.log(run.id, steps, steps / 9, metrics)
    if state != State.RUNNING:
        store.change_state(run.id, state, cause="It ended." if state != State.FINISHED else "")
    return run


def opened(page, run):
    page.query_params["run"] = run.id
    return page.run()


def button(page, label):
    return next(button for button in page.button if button.label == label)


def keys(page):
    return [button.key or "" for button in page.button]


def write_checkpoint(run, step, mae=5.5):
    """As far as the page looks at it."""
    folder = run.folder / f"checkpoint-{step}"
    folder.mkdir(parents=True)
    history = [{"step": step, "eval_mae": mae}]
    state = {"global_step": step, "log_history": history}
    (folder / "trainer_state.json").write_text(json.dumps(state))
    (folder / "training_config.json").write_text("{}")


def labels(page):
    return [button.label for button in page.button]


def words(page):
    kinds = ("title", "markdown", "caption", "info", "success", "warning", "error", "subheader")
    said = [str(element.value) for kind in kinds for element in getattr(page, kind)]
    return "\n".join(said).replace("\\", "")


def figures(page):
    return [json.loads(chart.proto.spec) for chart in page.get("plotly_chart")]


def test_without_runs_a_person_is_sent_to_the_train_page(store):
    app = AppTest.from_file("../../pages/navigation.py", default_timeout=120).run()
    app.switch_page("runs.py").run()
    assert not app.exception
    assert "There are no runs yet" in words(app)


def test_all_runs_are_in_the_table_with_the_baseline_beside_them(page, store):
    made(store, "first", mae=5.5)
    made(store, "second", state=State.FINISHED, mae=7.0)
    page.run()
    table = page.dataframe[0].value
    assert list(table["Run"]) == ["second", "first"]
    assert list(table["Baseline"]) == [6.6, 6.6]
    assert table["Skill"].tolist() == pytest.approx([100 * (1 - 7 / 6.6), 100 * (1 - 5.5 / 6.6)])


def test_a_sweep_shows_what_sets_its_runs_apart_and_which_is_best(page, store):
    for rate, mae in ((1e-3, 5.5), (3e-4, 5.2)):
        run = store.add(TrainingConfig(learning_rate=rate), name=f"rate {rate}", group="rates")
        store.change_state(run.id, State.STARTING)
        store.begin(run.id, {}, 100)
        store.log(run.id, 50, 5.0, {"eval_mae": mae, "eval_baseline_mae": 6.6, "loss": 3.0})
    page.run()
    table = page.dataframe[0].value
    assert list(table["Varied"]) == ["learning_rate=0.0003", "learning_rate=0.001"]
    assert list(table["Run"]) == ["★ rate 0.0003", "rate 0.001"]
    assert list(map(len, table["Curve"])) == [1, 1]


def test_many_runs_are_stopped_tagged_and_deleted_at_once(store, monkeypatch):
    one, two = made(store, "one", state=State.FINISHED), made(store, "two", state=State.FINISHED)
    app = AppTest.from_file("../../pages/runs.py", default_timeout=30)
    monkeypatch.setattr(runs_list, "show_table", lambda runs, store: runs)
    app.run()
    app.text_input(key="tag-many").set_value("old").run()
    app.button(key="tag-them").click().run()
    assert [store.get(run.id).tags for run in (one, two)] == [("old",), ("old",)]
    app.button(key="delete-many").click().run()
    assert store.get(one.id) and "one, two" in words(app).replace("two, one", "one, two")
    assert app.button(key="really-delete-many")
    runs_list._delete(store, [one, two])
    assert not store.runs()


def test_runs_are_searched_and_filtered(page, store):
    made(store, "alpha")
    made(store, "beta", state=State.FAILED)
    page.run()
    page.text_input(key="runs-search").set_value("alph").run()
    assert list(page.dataframe[0].value["Run"]) == ["alpha"]
    page.text_input(key="runs-search").set_value("gamma").run()
    assert "No run fits" in words(page)


def test_a_run_shows_its_progress_and_how_it_stands_to_the_baseline(page, store):
    opened(page, made(store))
    assert not page.exception
    metrics = {metric.label: (metric.value, metric.delta) for metric in page.metric}
    assert metrics["Step"][0] == "50 / 100"
    assert metrics["Validation MAE"] == ("5.50 Å", "-1.10 Å to separation only")
    assert metrics["Time left"][0] == "50 s"


def test_curves_have_the_baseline_as_a_dashed_line(page, store):
    opened(page, made(store, state=State.FINISHED))
    error = next(f for f in figures(page) if f["layout"]["yaxis"]["title"]["text"] == "MAE (Å)")
    assert [trace["line"]["dash"] for trace in error["data"]] == ["solid", "dash"]


@pytest.mark.parametrize(
    "tab", ["Maps", "Steps", "Checkpoints", "Hardware", "Log", "Events", "Settings", "Report"]
)
@pytest.mark.parametrize("state", [State.QUEUED, State.RUNNING, State.FINISHED, State.CRASHED])
def test_every_part_of_the_page_is_there_in_every_state(page, store, tab, state):
    opened(page, made(store, state=state))
    page.segmented_control(key="run-tab").set_value(tab).run()
    assert not page.exception
    assert not page.error or state == State.CRASHED


@pytest.mark.parametrize(
    ("state", "there", "absent"),
    [
        (State.QUEUED, {"Stop", "Duplicate"}, {"Resume", "Delete"}),
        (State.RUNNING, {"Stop", "Duplicate"}, {"Resume", "Delete"}),
        (State.STOPPED, {"Start again", "Duplicate", "Delete"}, {"Stop", "Resume"}),
        (State.CRASHED, {"Start again", "Duplicate", "Delete"}, {"Stop", "Resume"}),
        (State.FINISHED, {"Duplicate", "Delete"}, {"Stop", "Resume"}),
    ],
)
def test_the_buttons_fit_the_state(page, store, state, there, absent):
    opened(page, made(store, state=state))
    assert there <= set(labels(page))
    assert not absent & set(labels(page))


def test_why_a_run_ended_is_said(page, store):
    opened(page, made(store, state=State.CRASHED))
    assert "It ended." in words(page)


def test_a_waiting_run_is_taken_out_of_the_queue(page, store):
    run = made(store, state=State.QUEUED)
    opened(page, run)
    button(page, "Stop").click().run()
    assert store.get(run.id).state == State.STOPPED


def test_a_stopped_run_is_queued_again(page, store):
    run = made(store, state=State.STOPPED)
    write_checkpoint(run, 50)
    opened(page, run)
    button(page, "Resume").click().run()
    assert store.get(run.id).state == State.QUEUED


def test_a_checkpoint_that_is_kept_stays_one_and_is_deleted_whole(page, store):
    run = made(store, state=State.STOPPED)
    write_checkpoint(run, 50)
    opened(page, run)
    page.segmented_control(key="run-tab").set_value("Checkpoints").run()
    page.button(key="keep-checkpoint-50").click().run()
    assert (run.folder / "kept-50").is_dir()
    shown = [key for key in keys(page) if key.startswith("delete-")]
    assert shown == ["delete-run", "delete-kept-50"]
    (kept,) = [one for one in list_checkpoints(run.folder) if one.kept]
    _delete_step(run, kept)
    assert not list(run.folder.glob("*-50"))


def test_the_best_checkpoint_is_marked_and_settings_are_told_from_their_defaults(page, store):
    run = made(store, state=State.FINISHED, learning_rate=3e-4)
    for step, mae in ((50, 5.5), (100, 5.2)):
        write_checkpoint(run, step, mae)
    opened(page, run)
    page.segmented_control(key="run-tab").set_value("Checkpoints").run()
    said = words(page)
    assert said.count("lowest validation MAE") == 1
    assert said.index("checkpoint-100") < said.index("lowest validation MAE")
    page.segmented_control(key="run-tab").set_value("Settings").run()
    changed = page.dataframe[0].value
    assert changed[changed["Name"] == "learning_rate"].values.tolist() == [
        ["Learning rate", "0.0003", "0.001", "learning_rate"]
    ]


def test_before_the_first_step_and_after_the_last_the_page_says_what_is_done(page, store):
    run = store.add(TrainingConfig(), name="young")
    store.change_state(run.id, State.STARTING)
    store.say(run.id, "Fitting the separation baseline")
    opened(page, run)
    assert "Fitting the separation baseline" in words(page)
    run = made(store, steps=100)
    store.say(run.id, "Scoring the best checkpoint on all validation chains")
    opened(page, run)
    assert "Scoring the best checkpoint" in words(page)
    assert next(m for m in page.metric if m.label == "Time left").value == "finishing"


def test_hours_begin_at_the_same_moment_for_all_curves(store):
    run = made(store)
    curves = store.curves(run.id, points=100)
    loss, error = (along(curves, name, "hours") for name in ("loss", "eval_mae"))
    assert loss[0] == 0.0 and error[0] == pytest.approx(50 / 3600, abs=2 / 3600)


def test_a_run_is_deleted_only_after_a_question(page, store):
    run = made(store, state=State.FINISHED)
    opened(page, run)
    button(page, "Delete").click().run()
    assert store.get(run.id)
    assert "can't be undone" in words(page)
    assert page.button(key="really-delete-run")


def test_name_tags_and_note_are_changed(page, store):
    run = made(store)
    opened(page, run)
    name, tags = (
        next(t for t in page.text_input if t.label == label) for label in ("Name", "Tags")
    )
    name.set_value("*better*")
    tags.set_value("good, small")
    page.text_area[0].set_value("looks right")
    button(page, "Save").click().run()
    changed = store.get(run.id)
    assert (changed.name, changed.tags, changed.notes) == (
        "*better*",
        ("good", "small"),
        "looks right",
    )


def test_the_queue_is_reordered_and_paused(page, store):
    first, second = (made(store, name, state=State.QUEUED) for name in ("first", "second"))
    page.run()
    page.button(key=f"up-{second.id}").click().run()
    assert [run.name for run in store.list_queued()] == ["second", "first"]
    page.toggle[0].set_value(True).run()
    assert store.paused
    page.button(key=f"out-{first.id}").click().run()
    assert [run.name for run in store.list_queued()] == ["second"]


def test_a_run_that_waits_says_why(page, store):
    run, _ = (made(store, name, state=State.QUEUED) for name in ("first", "second"))
    opened(page, run)
    assert any("Place 1 of 2 in the queue" in caption.value for caption in page.caption)
    store.pause(True)
    page.run()
    assert any("The queue is paused" in caption.value for caption in page.caption)


def test_two_runs_are_compared_by_what_differs(page, store):
    one = made(store, "one", state=State.FINISHED, mae=5.5, learning_rate=1e-3)
    two = made(store, "two", state=State.FINISHED, mae=5.1, learning_rate=3e-4)
    page.query_params["compare"] = f"{one.id},{two.id}"
    page.run()
    assert not page.exception
    scores, settings = (frame.value for frame in page.dataframe)
    assert list(scores["MAE (Å), best"]) == [5.5, 5.1]
    assert list(scores["Separation only (Å)"]) == [6.6, 6.6]
    assert list(settings["Setting"]) == ["learning_rate"]
    error = next(f for f in figures(page) if f["layout"]["yaxis"]["title"]["text"] == "MAE (Å)")
    names = [trace["name"] for trace in error["data"]]
    assert names == ["one", "two", "separation only"]
    # The setting in which they differ stands against the score, beside the baseline.
    assert "Settings against scores" in [header.value for header in page.subheader]
    scatter = next(
        f
        for f in figures(page)
        if f["layout"]["xaxis"].get("title", {}).get("text") == "learning_rate"
    )
    assert [trace["name"] for trace in scatter["data"]] == ["knowing only the separation", "run"]


def test_runs_with_the_same_settings_differ_in_nothing(store):
    assert list_differences([made(store, "a"), made(store, "b")]) == []


def test_a_run_that_does_not_exist_is_said_in_a_sentence(page, store):
    page.query_params["run"] = "<script>"
    page.run()
    assert not page.exception
    assert "There is no run" in words(page)
    made(store)
    button(page, "All runs").click().run()
    assert "run" not in page.query_params and len(page.dataframe) == 1


def test_a_loss_that_is_no_number_does_not_break_the_page(page, store):
    run = made(store)
    store.log(run.id, 51, 6.0, {"loss": math.nan, "grad_norm": math.inf})
    opened(page, run)
    assert not page.exception
    assert "The loss is no number since step 51" in words(page)


def test_the_report_is_written_and_offered(page, store):
    opened(page, made(store, state=State.FINISHED))
    page.segmented_control(key="run-tab").set_value("Report").run()
    page.segmented_control(key="report-language").set_value("中文")
    button(page, "Write it").click().run(timeout=60)
    assert not page.exception
    frame = page.get("iframe")[0].proto.srcdoc
    assert "距离矩阵模型训练状态报告" in frame


def test_a_run_whose_dataset_has_changed_is_resumed_with_it_by_a_button(page, store):
    run = made(store)
    cause = "The chains of 'train' aren't those that checkpoint-12 was trained with."
    store.change_state(run.id, State.FAILED, cause=cause, kind=Cause.CHANGED_DATA)
    opened(page, run)
    assert cause in words(page) and "--accept" not in words(page)
    button(page, "Resume with the changed data").click().run()
    again = store.get(run.id)
    # On a quick machine its start is seen already.
    assert again.state in (State.QUEUED, State.STARTING)
    assert again.backend_settings["accept_changed_data"] is True


def test_a_lost_list_of_runs_is_said_and_made_anew(page, store, tmp_path):
    run = made(store, state=State.STOPPED)
    run.folder.mkdir(parents=True)
    store.get(run.id).to_file(run.folder / "job.json")
    store.close()
    (tmp_path / "runs.sqlite-wal").unlink(missing_ok=True)
    (tmp_path / "runs.sqlite").write_bytes(b"")
    page.run()
    assert "is empty, but folders of jobs lie beside it" in page.error[0].value
    button(page, "Make the list of jobs anew").click()
    page.run()
    assert not page.error and "1 jobs are back." in page.toast[0].value
    assert page.dataframe[0].value["Run"].tolist() == ["mine"]


def test_a_reload_meets_the_same_part_of_a_run(page, store):
    run = made(store)
    page.query_params["show"] = "Steps"
    opened(page, run)
    assert not page.exception
    assert page.segmented_control(key="run-tab").value == "Steps"
    assert list(page.dataframe[0].value["step"])[:1] == [1]
    page.segmented_control(key="run-tab").set_value("Hardware").run()
    assert page.query_params["show"] in ("Hardware", ["Hardware"])
    button(page, "All runs").click().run()
    assert not page.exception and "run" not in page.query_params


def write_maps(run, *steps):
    """As a training keeps them at each evaluation."""
    ca = np.cumsum(np.random.default_rng(0).normal(0, 2.2, (20, 3)), axis=0)
    chain = Chain("1abc_A", "ACDEFGHIKL" * 2, ca)
    write_truth(run.folder, [chain])
    for step in steps:
        off = chain.distances * (1 + 10 / step)
        write_step(run.folder, step, {"1abc_A": WatchedMap(off, 100 / step, 5.5)})


def test_the_maps_of_a_validation_chain_are_leafed_through_as_it_was_learned(page, store):
    run = made(store, state=State.FINISHED)
    page.query_params["show"] = "Maps"
    opened(page, run)
    assert "No map yet" in words(page) and not page.exception
    write_maps(run, 20, 40)
    page.run()
    assert not page.exception
    assert len(figures(page)) == 2
    assert "an MAE of 2.50 Å, where knowing only the separation" in words(page)
    slider = page.select_slider[0]
    assert slider.value == 40
    slider.set_value(20).run()
    assert "Predicted after 20 steps" in words(page) and "an MAE of 5.00 Å" in words(page)
    # Who looks at the newest map sees what comes; who went back stays.
    write_maps(run, 20, 40, 60)
    page.run()
    assert page.select_slider[0].value == 20
    page.select_slider[0].set_value(60).run()
    write_maps(run, 20, 40, 60, 80)
    page.run()
    assert page.select_slider[0].value == 80
