"""Addresses that say what the Predict page shows, and the history."""

import numpy as np
import pytest

from distmat.dataset.fetch import Fetched
from distmat.history import history, make_entry, remember
from distmat.protein.examples import examples
from distmat.protein.structure.write import write_mmcif, write_pdb
from tests.pages.test_predict import LONG, SEQUENCE, assert_no_fault, paste, scenes, shown, upload


@pytest.fixture
def another(page):
    """A second window on the same workspace."""
    from streamlit.testing.v1 import AppTest

    return AppTest.from_file("../../pages/navigation.py", default_timeout=120)


def test_a_pasted_sequence_stands_in_the_address_and_opens_from_it(page, another, predictor):
    paste(page.run(), f">mine\n{SEQUENCE}")
    assert page.query_params["seq"] == SEQUENCE and page.query_params["name"] == "mine"
    another.query_params["seq"] = SEQUENCE
    another.query_params["name"] = "mine"
    another.run()
    assert_no_fault(another)
    assert another.header[0].value == "mine" and predictor.asked == [SEQUENCE]


def test_a_longer_one_and_a_structure_are_found_by_their_id(page, another, monkeypatch):
    chain = examples()[7].read()
    upload(page.run(), "mine.pdb", write_pdb(chain.sequence, chain.ca).encode())
    assert "seq" not in page.query_params
    another.query_params["history"] = page.query_params["history"]
    another.run()
    assert_no_fault(another)
    assert another.header[0].value == "mine\\_A" and another.metric[0].label == "Distance MAE"
    # Of more residues than it the stand-in predicts none.
    monkeypatch.setattr("distmat.ui.predict.request.LONGEST_IN_ADDRESS", 100)
    paste(page, LONG)
    assert "seq" not in page.query_params and history()[0].id == page.query_params["history"]


@pytest.mark.parametrize(
    ("part", "value", "words"),
    [
        ("seq", "MKTJ", "residue 4 is 'J'"),
        ("history", "0123456789ab", "isn't kept here"),
        ("history", "../../x", "isn't kept here"),
    ],
)
def test_a_link_that_can_not_be_followed_is_answered(page, part, value, words):
    page.query_params[part] = value
    page.run()
    assert words in page.error[0].value.replace("\\", "") and not page.exception


def test_the_view_of_the_explorer_comes_from_the_address(page):
    page.query_params["example"] = "kunitz"
    page.query_params["view"] = '{"above":"std","pins":[{"i":3,"j":40}]}'
    page.run()
    assert_no_fault(page)
    ((header, _, _),) = scenes(page)
    assert header["state"] == {"above": "std", "pins": [{"i": 3, "j": 40}]}
    # Another protein opens with a view of its own.
    page.button(key="example-il2").click().run()
    assert "view" not in page.query_params
    assert scenes(page)[0][0]["state"] in (None, {})


def test_the_history_is_searched_and_opens_what_was_asked(page, predictor):
    paste(page.run(), f">first\n{SEQUENCE}")
    paste(page, f">second\n{SEQUENCE[:30]}")
    assert [entry.title for entry in history()] == ["second", "first"]
    table = next(frame for frame in page.dataframe if "Protein" in frame.value)
    assert list(table.value["Protein"]) == ["second", "first"]
    page.text_input(key="history-search").set_value("fir").run()
    table = next(frame for frame in page.dataframe if "Protein" in frame.value)
    assert list(table.value["Protein"]) == ["first"]


def test_a_read_only_server_shows_a_visitor_what_that_visitor_asked(page, another, monkeypatch):
    monkeypatch.setenv("DISTMAT_READ_ONLY", "1")
    paste(page.run(), f">secret\n{SEQUENCE}")
    assert "this server keeps nothing" in shown(page) and history() == []
    another.run()
    assert "secret" not in shown(another)
    assert not any("Protein" in frame.value for frame in another.dataframe)


def test_a_structure_is_fetched_by_its_id(page, monkeypatch):
    chain = examples()[7].read()
    data = write_pdb(chain.sequence, chain.ca).encode()
    asked = []

    def fetch(text):
        asked.append(text)
        return Fetched("1abc.pdb", data)

    monkeypatch.setattr("distmat.ui.predict.request.fetch_entry", fetch)
    page.run()
    page.text_input(key="fetch-id").set_value("1abc")
    next(b for b in page.button if b.label == "Fetch and predict").click().run()
    assert_no_fault(page)
    assert asked == ["1abc"] and page.header[0].value == "1abc\\_A"
    assert page.metric[0].label == "Distance MAE"


def test_another_sequence_is_compared_with_an_uploaded_structure(page):
    chain = examples()[7].read()
    upload(page.run(), "mine.pdb", write_pdb(chain.sequence, chain.ca).encode())
    page.text_area(key="aligned").set_value(f">mutant\nMGS{chain.sequence[:60]}")
    next(b for b in page.button if b.label == "Align and predict").click().run()
    assert_no_fault(page)
    assert page.header[0].value == "mutant, aligned" and page.metric[0].label == "Distance MAE"
    assert "100% of them the same" in " ".join(str(info.value) for info in page.info)


def test_a_model_of_an_ensemble_is_chosen(page):
    chain = examples()[7].read()
    parts = []
    for number in (1, 2):
        lines = write_pdb(chain.sequence, chain.ca * number).splitlines()
        parts += [f"MODEL     {number:>4}", *(x for x in lines if x.startswith("ATOM")), "ENDMDL"]
    upload(page.run(), "nmr.pdb", "\n".join([*parts, "END", ""]).encode())
    assert page.header[0].value == "nmr\\_A"
    first = page.metric[0].value
    page.selectbox(key="upload-model").select(2).run()
    assert page.header[0].value == "nmr\\_A, model 2" and page.metric[0].value != first


def test_a_model_stays_one_when_it_comes_from_the_history(page, another, monkeypatch):
    chain = examples()[7].read()
    text = write_mmcif(chain.sequence, chain.ca, bfactors=np.linspace(30, 90, len(chain)))
    fetched = Fetched("AF-P00520-F1.cif", text.encode(), "", True)
    monkeypatch.setattr("distmat.ui.predict.request.fetch_entry", lambda text: fetched)
    page.run()
    page.text_input(key="fetch-id").set_value("P00520")
    next(b for b in page.button if b.label == "Fetch and predict").click().run()
    another.query_params["history"] = page.query_params["history"]
    another.run()
    for window in (page, another):
        assert_no_fault(window)
        assert window.header[0].value == "AF\\-P00520\\-F1, a model and no experiment"
        assert any("pLDDT is 6" in str(info.value) for info in window.info)
        assert "How sure AlphaFold is" in shown(window)


def test_a_read_only_server_opens_nothing_that_others_asked_before(page, monkeypatch):
    chain = examples()[7].read()
    entry = make_entry("theirs", chain.sequence, chain, "mini")
    remember(entry, chain)
    monkeypatch.setenv("DISTMAT_READ_ONLY", "1")
    page.query_params["history"] = entry.id
    page.run()
    assert "lets nobody open what others have asked" in page.error[0].value.replace("\\", "")
    assert "theirs" not in shown(page)
