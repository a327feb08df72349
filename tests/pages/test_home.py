"""The page that one meets first."""

from concurrent.futures import Future

import numpy as np
import pytest

from distmat.access import READ_ONLY
from distmat.jobs import operations
from distmat.jobs.states import State
from distmat.model.model_card import SCORES, WITH_LIBRARY, read_measured_scores
from distmat.runs.store import RunStore
from distmat.training.config import TrainingConfig
from distmat.ui import showcase
from distmat.workspace import checkpoint_path
from tests.pages.conftest import StandIn, hide_showcase
from tests.pages.test_evaluate import put_evaluation, write_dataset
from tests.pages.test_predict import assert_no_fault, shown

EXAMPLE = next(example for example in showcase.examples() if example.key == showcase.EXAMPLE)


@pytest.fixture
def home(app, monkeypatch):
    """Home without its picture, which takes a model."""
    monkeypatch.setattr(operations, "ensure_scheduler", lambda home: None)
    hide_showcase(monkeypatch)
    return app


@pytest.fixture
def store(tmp_path):
    with RunStore(tmp_path) as store:
        yield store


def words(app):
    return shown(app).replace("\\", "")


def links(app):
    return {link.proto.label: link.proto for link in app.get("page_link")}


def evaluated(store, state, mae=5.0):
    run = store.add(TrainingConfig(), name=f"run *{mae}*")
    store.change_state(run.id, State.STARTING)
    store.begin(run.id, {}, 100)
    store.change_state(run.id, State.RUNNING)
    store.log(run.id, 50, 5.0, {"eval_mae": mae, "eval_baseline_mae": 6.6, "loss": 3.0})
    if state != State.RUNNING:
        store.change_state(run.id, state)
    return run


def test_one_sees_what_it_is_and_the_doors(home):
    home.run()
    assert_no_fault(home)
    assert "predict how far apart a protein's residues are" in words(home)
    pages = [link.page for link in links(home).values()]
    assert pages == ["predict", "maps", "train", "data", "evaluate"]
    # Where nothing runs and nothing was found nothing is said of it.
    assert [part.value for part in home.subheader] == ["How good the shipped model is"]


def test_who_may_only_look_finds_the_doors_for_looking(home, monkeypatch):
    monkeypatch.setenv(READ_ONLY, "1")
    home.run()
    assert_no_fault(home)
    assert [link.page for link in links(home).values()] == ["predict", "maps", "data", "evaluate"]
    assert "PDB ids" not in words(home)


def test_a_predicted_map_is_shown_beside_the_true_one_with_its_verdict(app, predictor):
    showcase._start.clear()
    made = showcase.begin(EXAMPLE, "mini")
    made.result(timeout=60)
    app.run()
    assert_no_fault(app)
    assert len(app.get("plotly_chart")) == 2
    chain = EXAMPLE.read()
    off = np.abs(StandIn().predict(chain.sequence).distances - chain.distances)
    mae = np.nanmean(off[np.triu_indices(len(chain), 1)])
    assert f"an MAE of {mae:.2f} Å, where knowing only the separation" in words(app)
    assert links(app)["Look at it in 3D"].query_string == f"example={EXAMPLE.key}"
    # It is predicted once for all who come.
    app.run()
    assert predictor.asked == [chain.sequence]


def test_a_model_that_cannot_be_loaded_is_told_and_the_doors_stay(app, monkeypatch):
    made = Future()

    def fail(futures, timeout):
        made.set_exception(showcase.DistmatError("The weights are cut off."))

    monkeypatch.setattr(showcase, "_start", lambda *asked: made)
    monkeypatch.setattr(showcase, "wait", fail)
    app.run()
    assert not app.exception
    assert app.error[0].value == "The weights are cut off\\."
    assert "Look at a prediction" in str(links(app))


def test_what_runs_and_what_was_found_last_are_there_with_the_baseline(home, store, tmp_path):
    write_dataset(tmp_path)
    known = [example.read() for example in showcase.examples()]
    evaluation = put_evaluation(store, known[1:3], 2.0)
    done, going = evaluated(store, State.FINISHED), evaluated(store, State.RUNNING, 6.0)
    again = evaluated(store, State.FINISHED)
    home.run()
    assert_no_fault(home)
    titles = [part.value for part in home.subheader]
    assert titles == ["What runs now", "Last results", "How good the shipped model is"]
    assert "an MAE of 5.00 Å, where knowing only the separation along the chain gives 6.60" in (
        words(home)
    )
    addresses = {(link.page, link.query_string) for link in links(home).values()}
    assert {
        ("runs", f"run={going.id}"),
        ("runs", f"run={done.id}"),
        ("evaluate", f"evaluation={evaluation.id}"),
    } <= addresses
    # Two of one name are told apart.
    labels = "".join(links(home)).replace("\\", "")
    assert f"run *5.0* ({done.id})" in labels and f"run *5.0* ({again.id})" in labels
    assert f"({going.id})" not in labels


@pytest.mark.parametrize("section", [SCORES, WITH_LIBRARY])
def test_the_figures_are_those_of_the_model_card(home, section, monkeypatch):
    if section == WITH_LIBRARY:
        monkeypatch.delenv("DISTMAT_LIBRARY")
    home.run()
    rows = read_measured_scores(checkpoint_path("mini"), section).rows
    table = home.table[-1].value
    name = "MAE Å" if section == WITH_LIBRARY else "mini"
    assert list(table[name]) == [row[name] for row in rows]
    assert "knowing only separation" in table.to_csv()


@pytest.mark.parametrize("query", [{"example": "kunitz"}, {"checkpoint": "mini"}])
def test_an_address_of_before_leads_to_the_prediction_that_it_names(app, query):
    app.query_params.update(query)
    app.run()
    assert_no_fault(app)
    assert app.title[0].value == "Distance map and backbone from a sequence"
    assert [part.value for part in app.header] == (
        ["Kunitz domain of TFPI"] if "example" in query else []
    )
    (name,) = query
    assert app.query_params[name] == [query[name]] or app.query_params[name] == query[name]
