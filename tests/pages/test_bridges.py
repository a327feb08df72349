"""From page to page with what is looked at in hand, one click of a person at a time."""

from types import SimpleNamespace

import pytest
import yaml

from distmat.access import READ_ONLY
from distmat.dataset.synthetic import write_synthetic
from distmat.jobs import operations
from distmat.jobs.states import State
from distmat.runs.store import RunStore
from distmat.training.config import TrainingConfig
from tests.pages.test_evaluate import write_dataset
from tests.pages.test_predict import assert_no_fault, button, shown


@pytest.fixture
def known(tmp_path, monkeypatch):
    monkeypatch.setattr(operations, "ensure_scheduler", lambda home: None)
    return write_dataset(tmp_path)


@pytest.fixture
def data(page, known):
    """The Data page with a dataset called mine."""
    return page.switch_page("data.py").run()


def test_from_a_dataset_to_its_training(data):
    button(data, "Train on it").click().run()
    assert_no_fault(data)
    assert data.title[0].value == "Train a model"
    settings = yaml.safe_load(data.text_area(key="train-yaml").value)
    assert settings["train"] == settings["val"] == "mine"
    assert not data.warning


def test_from_a_dataset_to_an_evaluation_on_it(data, tmp_path):
    write_synthetic(tmp_path / "datasets" / "aaa.parquet", 20)
    data.query_params["dataset"] = "mine"
    data.run()
    data.selectbox(key="dataset").set_value("mine").run()
    button(data, "Evaluate on it").click().run()
    assert_no_fault(data)
    assert data.title[0].value == "Evaluate"
    assert data.selectbox(key="evaluate-dataset").value == "mine"
    assert data.multiselect(key="evaluate-checkpoints").value == ["mini"]


def test_from_a_chain_to_its_prediction_beside_its_structure(data, known):
    data.segmented_control(key="data-view").set_value("Chains").run()
    assert data.query_params["part"] in ("Chains", ["Chains"])
    button(data, "Predict it").click().run()
    assert_no_fault(data)
    assert "part" not in data.query_params
    assert data.header[0].value.replace("\\", "") == known[0].name
    assert data.metric[0].label == "Distance MAE"


@pytest.mark.parametrize(
    ("label", "checkpoints"), [("Evaluate it", ["{}"]), ("Compare with mini", ["{}", "mini"])]
)
def test_from_a_finished_run_to_its_evaluation(page, known, tmp_path, label, checkpoints):
    with RunStore(tmp_path) as store:
        run = store.add(TrainingConfig(train="mine", val="mine"), name="a run")
        for state in (State.STARTING, State.RUNNING, State.FINISHED):
            store.change_state(run.id, state)
    run.folder.mkdir(parents=True, exist_ok=True)
    (run.folder / "config.json").write_text("{}")
    page.switch_page("runs.py")
    page.query_params["run"] = run.id
    page.run()
    button(page, label).click().run()
    assert_no_fault(page)
    assert page.title[0].value == "Evaluate"
    wanted = [name.format(run.id) for name in checkpoints]
    assert page.multiselect(key="evaluate-checkpoints").value == wanted
    assert page.selectbox(key="evaluate-dataset").value == "mine"


def test_a_stopped_run_s_newest_checkpoint_can_be_evaluated(page, tmp_path, monkeypatch):
    with RunStore(tmp_path) as store:
        run = store.add(TrainingConfig())
        for state in (State.STARTING, State.RUNNING, State.STOPPED):
            store.change_state(run.id, state)
    whole = SimpleNamespace(name="checkpoint-20", complete=True)
    writing = SimpleNamespace(name="checkpoint-30", complete=False)
    monkeypatch.setattr("distmat.ui.runs.actions.list_checkpoints", lambda folder: [whole, writing])
    page.switch_page("runs.py")
    page.query_params["run"] = run.id
    page.run()
    assert page.title[0].value.startswith("mini pair on ")
    button(page, "Evaluate it").click().run()
    assert_no_fault(page)
    wanted = [f"{run.id}/checkpoint-20"]
    assert page.session_state["evaluate-checkpoints"] == wanted


def test_a_preset_without_its_data_says_so_before_the_start_and_leads_to_building_it(page):
    page.switch_page("train.py").run()
    assert "Build a dataset" not in [one.label for one in page.button]
    page.text_area(key="train-yaml").set_value("train: mine\nval: mine").run()
    assert "There is no dataset **mine** here yet" in shown(page)
    button(page, "Build a dataset").click().run()
    assert_no_fault(page)
    assert page.title[0].value == "Datasets"


def test_who_may_only_look_is_not_sent_where_nothing_can_be_done(data, monkeypatch):
    monkeypatch.setenv(READ_ONLY, "1")
    data.run()
    assert_no_fault(data)
    labels = {one.label for one in data.button}
    assert not {"Train on it", "Evaluate on it"} & labels
