"""Exchanging residues on the Predict page."""

from pathlib import Path

from distmat.batch.scan import SCAN
from distmat.jobs import operations
from distmat.jobs.store import JobStore
from tests.pages.test_predict import SEQUENCE, assert_no_fault, button, paste, scenes, shown


def exchange(page, text):
    next(box for box in page.text_input if box.key.startswith("mutations-")).set_value(text)
    return button(page, "Predict the mutant").click().run()


def test_a_mutant_is_shown_beside_the_wild_type_and_the_model_s_own_error(page, predictor):
    paste(page.run(), SEQUENCE)
    exchange(page, "K2A, Y5G")
    assert_no_fault(page)
    assert predictor.asked[-1] == "MATAG" + SEQUENCE[5:]
    _, (header, maps, _) = scenes(page)
    assert set(maps) == {"predicted", "true", "std"}
    assert header["words"]["true"] == "wild type" and header["state"]["above"] == "signed"
    labels = [metric.label for metric in page.metric]
    assert {"Distances change by", "The model's own error", "Beyond 2 σ"} <= set(labels)
    assert "What such a model can't know" in shown(page)
    assert page.query_params["mutations"] == "K2A Y5G"


def test_an_address_with_mutations_opens_them(page):
    page.query_params["seq"] = SEQUENCE
    page.query_params["mutations"] = "K2A"
    page.run()
    assert_no_fault(page)
    assert len(scenes(page)) == 2


def test_what_is_no_mutation_of_this_chain_is_answered_in_one_sentence(page):
    paste(page.run(), SEQUENCE)
    exchange(page, "A2G")
    assert "residue 2 is A, and it is K" in page.error[0].value.replace("\\", "")
    assert len(scenes(page)) == 1


def test_a_scan_is_queued(page, tmp_path, monkeypatch):
    monkeypatch.setattr(operations, "ensure_scheduler", lambda home: None)
    paste(page.run(), SEQUENCE)
    page.button(key="scan-alanine").click().run()
    assert not page.exception
    with JobStore(tmp_path) as store:
        (job,) = store.jobs(kinds=[SCAN])
    assert job.settings["sequence"] == SEQUENCE and job.settings["mutations"] == "alanine"
    assert Path(job.settings["checkpoint"]).name == "mini"
