"""The Data page, one action of a person at a time."""

import numpy as np
import pandas as pd
import pytest

from distmat.dataset import synthetic
from distmat.dataset.build import BuildSettings, build
from distmat.dataset.splitting import Shares
from distmat.dataset.store import read_dataset, read_facts
from distmat.dataset.synthetic import write_synthetic
from distmat.jobs import operations
from distmat.jobs.states import Cause, State
from distmat.jobs.store import JobStore
from distmat.protein.examples import examples
from distmat.protein.structure.write import write_pdb
from distmat.ui.data import choice
from distmat.ui.data.chains import number_residues
from distmat.ui.deletion import _confirm
from tests.figures.explorer_bytes import read_scene
from tests.pages.test_predict import assert_no_fault, button, shown


@pytest.fixture(scope="module")
def prepared(tmp_path_factory):
    """Two datasets and a folder of structures, made once."""
    home = tmp_path_factory.mktemp("prepared")
    folder = home / "structures"
    folder.mkdir()
    for example in examples():
        chain = example.read()
        (folder / f"{example.key}.pdb").write_text(write_pdb(chain.sequence, chain.ca))
    (folder / "broken.pdb").write_text("ATOM")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DISTMAT_HOME", str(home))
        build([str(folder)], "real", BuildSettings(shares=Shares(0.5, 0.25, 0.25)), workers=1)
        write_synthetic(home / "datasets" / "synthetic.parquet", 20)
    return home


@pytest.fixture
def data(page):
    """The Data page on an empty workspace."""
    return page.switch_page("data.py")


@pytest.fixture
def filled(data, prepared, tmp_path):
    (tmp_path / "datasets").mkdir()
    for path in (prepared / "datasets").iterdir():
        (tmp_path / "datasets" / path.name).write_bytes(path.read_bytes())
    return data


def open_view(page, name, view):
    page.query_params["dataset"] = name
    page.run()
    return page.segmented_control(key="data-view").set_value(view).run()


def table(page):
    return page.dataframe[0].value


def test_an_empty_workspace_says_what_a_dataset_is_and_offers_one(data, monkeypatch):
    monkeypatch.setattr(synthetic, "CHAINS", 30)
    data.run()
    assert_no_fault(data)
    assert "no relative of a test chain is in train" in shown(data)
    button(data, "Make the synthetic dataset").click().run()
    assert_no_fault(data)
    assert data.selectbox(key="dataset").value == "synthetic"
    assert data.metric[0].value == "30"


def test_the_overview_shows_sizes_leaks_figures_and_baselines(filled):
    open_view(filled, "real", "Overview")
    assert_no_fault(filled)
    values = {metric.label: metric.value for metric in filled.metric}
    assert values["Chains"] == "8" and values["Left out"] == "1"
    assert "0 relatives" in filled.success[0].value
    assert len(filled.get("plotly_chart")) == 6
    words = pd.concat([one.value for one in filled.table]).to_string()
    assert "separation and length" in words and "2\\.2" in words
    assert len(filled.get("download_button")) == 2


def test_the_address_opens_a_dataset(filled):
    filled.query_params["dataset"] = "synthetic"
    filled.run()
    assert filled.selectbox(key="dataset").value == "synthetic"
    assert "There is no dataset" not in shown(filled)


def test_an_address_that_names_no_dataset_is_said_and_one_that_is_there_is_shown(filled):
    filled.query_params["dataset"] = "<b>none"
    filled.run()
    assert "\\<b\\>none" in filled.warning[0].value
    assert filled.selectbox(key="dataset").value == "real"


def test_the_first_chain_is_shown_with_map_trace_and_sequence(filled, prepared):
    open_view(filled, "real", "Chains")
    assert_no_fault(filled)
    chain = read_dataset(prepared / "datasets" / "real.parquet").chains[0]
    assert filled.subheader[0].value == chain.name.replace("-", "\\-").replace("_", "\\_")
    header, maps, traces = read_scene(filled.get("bidi_component")[0].proto.bytes)
    assert header["sequence"] == chain.sequence
    assert set(maps) == {"true"}
    np.testing.assert_allclose(traces["truth"], chain.ca, atol=1e-3)
    assert filled.code[0].value == number_residues(chain)


def test_a_row_that_was_clicked_shows_its_chain(filled):
    open_view(filled, "real", "Chains")
    name = table(filled)["id"].iloc[3]
    state = {"selection": {"rows": [3], "columns": [], "cells": []}}
    filled.session_state["chains-real"] = state
    filled.run()
    assert filled.subheader[0].value.replace("\\", "") == name


def test_chains_are_searched_by_id_and_by_a_piece_of_sequence(filled, prepared):
    facts = read_facts(prepared / "datasets" / "real.parquet")
    open_view(filled, "real", "Chains")
    assert len(table(filled)) == 8
    filled.text_input(key="search").set_value("kunitz").run()
    assert table(filled)["id"].tolist() == ["kunitz_A"]
    piece = facts["sequence"][5][10:22]
    filled.text_input(key="search").set_value(piece.lower()).run()
    assert facts["id"][5] in table(filled)["id"].tolist()
    for text in ("nothing like it", ".*", "(", "\\"):
        filled.text_input(key="search").set_value(text).run()
        assert "No chain fits" in filled.info[0].value


def test_chains_are_filtered_by_split_and_length(filled):
    open_view(filled, "real", "Chains")
    filled.button_group(key="splits").set_value(["val"]).run()
    assert set(table(filled)["split"]) == {"val"}
    filled.button_group(key="splits").set_value([]).run()
    filled.slider(key="residues").set_value((100, 190)).run()
    assert table(filled)["length"].between(100, 190).all()


def test_what_was_left_out_is_listed_with_its_reason(filled):
    open_view(filled, "real", "Left out")
    assert_no_fault(filled)
    (row,) = table(filled).to_dict("records")
    assert (row["source"], row["reason"]) == ("broken.pdb", "unreadable")


def test_two_datasets_are_compared(filled):
    open_view(filled, "real", "Compare")
    assert_no_fault(filled)
    assert len(filled.get("plotly_chart")) == 4
    assert list(filled.table[0].value.columns) == ["", "real", "synthetic"]
    assert "0 ids" in shown(filled)


def test_deleting_asks_first_and_then_says_what_it_did(filled, tmp_path, monkeypatch):
    filled.query_params["dataset"] = "real"
    filled.run()
    filled.button(key="delete-real").click().run()
    assert (tmp_path / "datasets" / "real.parquet").is_file()
    assert "can't be undone" in shown(filled) and filled.button(key="really-delete-real")
    # A dialog's own buttons can't be pressed here: the question stands on the page instead.
    monkeypatch.setattr(
        choice, "offer_deletion", lambda key, what, words, delete: _confirm(key, words, delete)
    )
    filled.run()
    filled.button(key="really-delete-real").click().run()
    assert_no_fault(filled)
    assert "real was deleted" in filled.success[0].value
    assert {path.stem for path in (tmp_path / "datasets").iterdir()} == {"synthetic"}


def test_a_damaged_file_is_said_and_the_page_stays(filled, tmp_path):
    (tmp_path / "datasets" / "bad.parquet").write_text("no parquet")
    filled.query_params["dataset"] = "bad"
    filled.run()
    assert not filled.exception
    assert "can't be read as Parquet" in filled.error[0].value.replace("\\", "")


def test_a_dataset_without_a_card_can_be_looked_at(filled, tmp_path, prepared):
    facts = read_dataset(prepared / "datasets" / "real.parquet")
    bare = pd.DataFrame(
        {
            "id": [chain.name for chain in facts.chains],
            "sequence": [chain.sequence for chain in facts.chains],
            "ca": [chain.ca.ravel() for chain in facts.chains],
        }
    )
    bare.to_parquet(tmp_path / "datasets" / "bare.parquet")
    open_view(filled, "bare", "Overview")
    assert_no_fault(filled)
    assert "without a card" in filled.info[0].value
    open_view(filled, "bare", "Chains")
    assert_no_fault(filled)
    assert len(table(filled)) == 8


@pytest.fixture
def jobs(monkeypatch, tmp_path):
    """The store; nobody starts what waits in it."""
    monkeypatch.setattr(operations, "ensure_scheduler", lambda home: None)
    monkeypatch.setattr(operations, "is_scheduling", lambda home: True)
    with JobStore(tmp_path) as store:
        yield store


def begin(store):
    """The only job that waits, as its process would begin it."""
    (job,) = store.list_queued()
    store.change_state(job.id, State.STARTING)
    store.change_state(job.id, State.RUNNING)
    return job


def fill_in(page, paths="/data/x\n--evil", name="mine"):
    page.run()
    page.text_area(key="build-paths").set_value(paths)
    page.text_input(key="build-name").set_value(name)
    return page


def test_building_queues_a_job_with_all_that_was_chosen(data, jobs):
    fill_in(data)
    data.number_input(key="filter-max_length").set_value(300)
    data.number_input(key="build-test").set_value(0)
    button(data, "Build").click().run()
    assert not data.exception
    (job,) = jobs.list_queued()
    assert (job.kind, job.name) == ("dataset", "mine")
    assert job.settings["inputs"] == ["/data/x", "--evil"]
    settings = job.settings["settings"]
    assert settings["filters"]["max_length"] == 300 and settings["shares"]["test"] == 0
    assert "Waiting" in data.get("progress")[0].proto.text


def test_a_name_that_is_being_built_is_refused(data, jobs):
    fill_in(data)
    button(data, "Build").click().run()
    button(data, "Build").click().run()
    assert "being built already" in shown(data).replace("\\", "") + data.error[0].value
    assert len(jobs.list_queued()) == 1


@pytest.mark.parametrize(
    ("paths", "name", "words"),
    [
        ("", "mine", "at least one file, folder or PDB id"),
        ("/data", "", "Give the dataset a name"),
        ("/data", "../mine", "can't be a dataset's"),
    ],
)
def test_a_form_that_lacks_something_says_what(data, jobs, paths, name, words):
    fill_in(data, paths, name)
    button(data, "Build").click().run()
    assert words in data.error[0].value.replace("\\", "")
    assert not jobs.list_queued()


def test_a_name_that_is_taken_is_refused_before_anything_starts(filled, jobs):
    fill_in(filled, "/data", "real")
    button(filled, "Build").click().run()
    assert "a dataset 'real' already" in filled.error[0].value.replace("\\", "")
    assert not jobs.list_queued()


def test_ids_that_were_pasted_become_a_list(data, jobs, tmp_path):
    data.run()
    data.segmented_control(key="build-source").set_value("PDB ids").run()
    data.text_area(key="build-ids").set_value("1abc\n2xyz_A")
    data.text_input(key="build-name").set_value("ids")
    button(data, "Build").click().run()
    (job,) = jobs.list_queued()
    with open(job.settings["inputs"][0], encoding="utf-8") as file:
        assert file.read() == "1abc\n2xyz_A"
    assert str(tmp_path) in job.settings["inputs"][0]


def test_files_that_were_uploaded_wait_in_the_workspace_under_harmless_names(data, jobs, tmp_path):
    data.run()
    data.segmented_control(key="build-source").set_value("Upload").run()
    data.file_uploader[0].set_value([("../../x y.pdb.gz", b"1", "text/plain")])
    data.text_input(key="build-name").set_value("up")
    button(data, "Build").click().run()
    assert not data.exception
    (job,) = jobs.list_queued()
    path = job.settings["inputs"][0]
    assert path.startswith(str(tmp_path / "builds" / "up" / "inputs"))
    assert path.endswith(".pdb.gz") and ".." not in path


def test_a_build_that_failed_says_why_and_can_be_put_away(data, jobs, tmp_path):
    fill_in(data)
    button(data, "Build").click().run()
    job = begin(jobs)
    (tmp_path / "datasets" / ".mine.build").mkdir(parents=True)
    jobs.change_state(job.id, State.FAILED, cause="No <b>chain</b> is left.", kind=Cause.INPUT)
    data.run()
    assert "No \\<b\\>chain" in data.error[0].value
    # The same again would fail again.
    assert f"continue-{job.id}" not in [one.key for one in data.button]
    data.button(key=f"forget-{job.id}").click().run()
    assert not data.error and not jobs.jobs()
    assert not (tmp_path / "datasets" / ".mine.build").exists()


def test_a_build_that_was_cut_off_goes_on(data, jobs):
    fill_in(data)
    button(data, "Build").click().run()
    job = begin(jobs)
    jobs.change_state(job.id, State.CRASHED, cause="The process is gone.", kind=Cause.LOST)
    data.run()
    assert "process is gone" in data.warning[0].value
    data.button(key=f"continue-{job.id}").click().run()
    assert [waiting.id for waiting in jobs.list_queued()] == [job.id]


def test_a_build_that_runs_shows_how_far_it_is_and_can_be_cancelled(data, jobs):
    fill_in(data)
    button(data, "Build").click().run()
    job = begin(jobs)
    counts = {"kept": 25.0, "left_out": 5.0}
    jobs.show_progress(job.id, 30, 90, "Reading structures", counts)
    data.run()
    assert "25 kept, 5 left out" in shown(data)
    assert "Reading structures: 30 of 90" in data.get("progress")[0].proto.text
    data.button(key=f"cancel-{job.id}").click().run()
    assert jobs.get(job.id).stop_asked
    assert data.button(key=f"cancel-{job.id}").disabled


def test_a_build_that_is_finished_opens_its_dataset(filled, jobs, tmp_path):
    filled.query_params["dataset"] = "synthetic"
    fill_in(filled, "/data", "new")
    button(filled, "Build").click().run()
    job = begin(jobs)
    for path in (tmp_path / "datasets").glob("real*"):
        path.with_name(path.name.replace("real", "new", 1)).write_bytes(path.read_bytes())
    jobs.change_state(job.id, State.FINISHED, kind=Cause.DONE)
    filled.run()
    assert_no_fault(filled)
    assert "new is built" in filled.success[0].value
    assert filled.selectbox(key="dataset").value == "new"
    filled.run()
    assert not filled.success or "is built" not in filled.success[0].value


def test_homologues_are_searched_for_in_a_file_on_this_machine(filled, jobs, tmp_path):
    sequences = tmp_path / "natural.fasta"
    sequences.write_text(">a\nACDEFGHIKL\n")
    open_view(filled, "real", "Overview")
    filled.text_input(key="homologues-path").set_value(str(sequences))
    filled.multiselect(key="homologues-exclude").set_value(["synthetic"])
    button(filled, "Add").click().run()
    assert not filled.exception
    (job,) = jobs.list_queued()
    assert (job.kind, job.name) == ("homologues", "real-homologues")
    assert job.settings["dataset"] == "real" and job.settings["sequences"] == str(sequences)
    assert job.settings["exclude"] == ["synthetic"]


def test_sequences_that_were_uploaded_wait_in_the_workspace(filled, jobs, tmp_path):
    open_view(filled, "real", "Overview")
    filled.file_uploader(key="homologues-file").set_value([("../n.fasta", b">a\nAC\n", "text/x")])
    button(filled, "Add").click().run()
    assert not filled.exception
    (job,) = jobs.list_queued()
    path = job.settings["sequences"]
    assert path.startswith(str(tmp_path / "builds" / "real-homologues" / "inputs"))
    assert path.endswith(".fasta") and ".." not in path


@pytest.mark.parametrize(
    ("path", "name", "words"),
    [
        ("", "new", "Say where the sequences are"),
        ("/nowhere.fasta", "new", "no file of sequences at /nowhere.fasta"),
        ("/nowhere.fasta", "synthetic", "a dataset 'synthetic' already"),
        (__file__, "new", "test_data.py is no FASTA"),
    ],
)
def test_homologues_that_cannot_be_searched_for_are_refused_before_anything_starts(
    filled, jobs, path, name, words
):
    open_view(filled, "real", "Overview")
    filled.text_input(key="homologues-path").set_value(path)
    filled.text_input(key="homologues-name").set_value(name)
    button(filled, "Add").click().run()
    assert words in filled.error[0].value.replace("\\", "")
    assert not jobs.list_queued()


def test_a_reload_meets_the_same_dataset_and_view(filled):
    filled.query_params.update({"dataset": "real", "part": "Left out"})
    filled.run()
    assert_no_fault(filled)
    assert filled.selectbox(key="dataset").value == "real"
    assert filled.segmented_control(key="data-view").value == "Left out"
    filled.segmented_control(key="data-view").set_value("Chains").run()
    assert filled.query_params["part"] in ("Chains", ["Chains"])
