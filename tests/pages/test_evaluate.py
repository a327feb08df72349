"""The Evaluate page, one action of a person at a time."""

import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from distmat.jobs import operations
from distmat.jobs.states import State
from distmat.jobs.store import JobStore
from distmat.prediction import predict_chain
from distmat.protein.examples import examples
from distmat.scoring.baseline import reference_baseline
from distmat.scoring.deviations import coverage
from distmat.scoring.map_scores import score_map
from distmat.scoring.pooled import PooledPairs, pool_pairs
from distmat.training.evaluation import Evaluation
from distmat.training.evaluation_job import EVALUATION, RESULT, evaluation_content
from distmat.ui.evaluate import chains as chains_part
from tests.figures.explorer_bytes import read_scene
from tests.pages.conftest import StandIn
from tests.pages.test_predict import assert_no_fault, button, shown


def write_dataset(home):
    known = [example.read() for example in examples()]
    columns = {
        "id": [chain.name for chain in known],
        "sequence": [chain.sequence for chain in known],
        "ca": [chain.ca.ravel() for chain in known],
        "split": ["val", *["test"] * (len(known) - 1)],
    }
    path = home / "datasets" / "mine.parquet"
    path.parent.mkdir(exist_ok=True)
    pq.write_table(pa.table(columns), path)
    return known


def content_of(known, noise):
    """What an evaluation of a stand-in finds."""
    stand_in, table = StandIn(noise), reference_baseline()
    maps = [stand_in.predict(chain.sequence) for chain in known]
    pooled = PooledPairs.none()
    for chain, found in zip(known, maps, strict=True):
        parts = (found.distances, found.std, found.contacts, table.predict(len(chain)))
        pooled += pool_pairs(*parts, chain.ca)
    result = Evaluation(
        chains=tuple(chain.name for chain in known),
        model=tuple(
            score_map(found.distances, chain.ca, found.contacts, costly=True)
            for chain, found in zip(known, maps, strict=True)
        ),
        baseline=tuple(
            score_map(table.predict(len(chain)), chain.ca, costly=True) for chain in known
        ),
        seconds=3.0,
        coverage=tuple(
            coverage(found.distances, found.std, chain.distances)
            for chain, found in zip(known, maps, strict=True)
        ),
        facts=tuple(
            {"length": len(chain), "observed": int(chain.observed.sum()), "class": "α and β"}
            for chain in known
        ),
        pooled=pooled,
    )
    about = {
        "checkpoint": f"noise-{noise:g}",
        "dataset": "mine",
        "library": "none",
        "split": "test",
    }
    return evaluation_content(result, about)


def put_evaluation(store, known, noise):
    settings = {"dataset": "mine", "checkpoint": f"noise-{noise:g}", "split": "test"}
    job = store.add_job(EVALUATION, settings, name="e")
    job.folder.mkdir(parents=True, exist_ok=True)
    (job.folder / RESULT).write_text(json.dumps(content_of(known, noise)))
    for state in (State.STARTING, State.RUNNING, State.FINISHED):
        store.change_state(job.id, state)
    return job


@pytest.fixture
def evaluate(page):
    return page.switch_page("evaluate.py")


@pytest.fixture
def store(tmp_path, monkeypatch):
    monkeypatch.setattr(operations, "ensure_scheduler", lambda home: None)
    with JobStore(tmp_path) as store:
        yield store


@pytest.fixture
def evaluated(evaluate, store, tmp_path, monkeypatch):
    """The page with one evaluation, whose chains a stand-in predicts again."""
    known = write_dataset(tmp_path)
    put_evaluation(store, known[1:], 2.0)

    def predict(name, settings, key):
        chain = next(chain for chain in known if chain.name == name)
        return predict_chain(StandIn(), chain.sequence, name, chain)

    monkeypatch.setattr(chains_part, "_prediction", predict)
    return evaluate


def test_without_a_dataset_the_page_says_where_to_get_one(evaluate):
    evaluate.run()
    assert_no_fault(evaluate)
    assert "build one on the Data page" in evaluate.info[0].value


def test_starting_queues_a_job_with_what_was_chosen_and_test_before_val(evaluate, store, tmp_path):
    write_dataset(tmp_path)
    evaluate.run()
    button(evaluate, "Start").click().run()
    assert_no_fault(evaluate)
    (job,) = store.jobs(kinds=[EVALUATION])
    assert job.state == State.QUEUED
    assert job.settings["split"] == "test" and job.settings["library"] == "none"
    assert job.settings["checkpoint"] and job.settings["max_length"] == 256
    # The same again isn't computed twice.
    button(evaluate, "Start").click().run()
    assert len(store.jobs(kinds=[EVALUATION])) == 1


def test_an_evaluation_shows_scores_beside_the_baseline_chains_figures_and_one_in_full(evaluated):
    evaluated.run()
    assert_no_fault(evaluated)
    table = evaluated.table[0].value
    assert list(table.columns) == [
        "score",
        "model",
        "separation only",
        "skill over separation only",
    ]
    assert "better on 7 of 7 chains" in shown(evaluated)
    assert len(evaluated.dataframe[0].value) == 7
    assert len(evaluated.get("plotly_chart")) == 8
    assert len(evaluated.get("download_button")) == 3
    ((header, maps, _),) = [read_scene(e.proto.bytes) for e in evaluated.get("bidi_component")]
    assert {"predicted", "true", "std"} == set(maps)
    best = evaluated.dataframe[0].value.sort_values("skill").iloc[-1]
    assert len(header["sequence"]) == best["length"]


def test_a_card_opens_its_chain_and_a_search_narrows_the_table(evaluated):
    evaluated.run()
    worst = evaluated.dataframe[0].value.sort_values("skill").iloc[0]
    evaluated.button(key=next(b.key for b in evaluated.button if "Worst" in str(b.key))).click()
    evaluated.run()
    assert_no_fault(evaluated)
    (header, _, _) = read_scene(evaluated.get("bidi_component")[0].proto.bytes)
    assert len(header["sequence"]) == worst["length"]
    next(t for t in evaluated.text_input if t.label == "Search").set_value(worst["id"]).run()
    assert list(evaluated.dataframe[0].value["id"]) == [worst["id"]]


def test_two_evaluations_are_compared_chain_by_chain(evaluated, store, tmp_path):
    known = write_dataset(tmp_path)
    other = put_evaluation(store, known[1:], 4.0)
    evaluated.run()
    ids = [job.id for job in store.jobs(kinds=[EVALUATION])]
    first = next(one for one in ids if one != other.id)
    evaluated.multiselect(key="evaluations").set_value([first, other.id]).run()
    assert_no_fault(evaluated)
    rows = evaluated.table[0].value.set_index("score")
    assert "worse" in rows.loc["MAE (Å)", "the second is"]
    assert rows.loc["MAE (Å)", "better on"] == "0 of 7 chains"
    assert evaluated.query_params["evaluation"] == f"{first},{other.id}"


def test_the_address_opens_an_evaluation_and_says_if_there_is_none(evaluated, store):
    evaluated.query_params["evaluation"] = "<b>nothing"
    evaluated.run()
    assert "\\<b\\>nothing" in evaluated.warning[0].value
    assert evaluated.table


def test_a_damaged_result_is_said_and_the_page_stays(evaluated, store):
    (job,) = store.jobs(kinds=[EVALUATION])
    (job.folder / RESULT).write_text("{")
    evaluated.run()
    assert not evaluated.exception
    assert "evaluate it again" in evaluated.error[0].value
