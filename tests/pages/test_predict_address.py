"""What the address of the page Predict names, and what of it a reload brings back."""

from distmat.workspace import AUTO
from tests.pages.test_predict import LONG, SEQUENCE, assert_no_fault, paste


def test_a_link_to_an_example_opens_it(page):
    page.query_params["example"] = "kunitz"
    page.run()
    assert_no_fault(page)
    assert page.header[0].value == "Kunitz domain of TFPI"


def test_a_link_to_an_example_that_is_none_is_answered_with_those_that_there_are(page):
    page.query_params["example"] = "<b>nothing"
    page.run()
    assert "\\<b\\>nothing" in page.error[0].value
    assert "kunitz" in page.error[0].value


def test_a_reload_asks_the_same_checkpoint_with_the_same_use_of_templates(page, monkeypatch):
    monkeypatch.setenv("DISTMAT_LIBRARY", "mini")
    page.query_params.update({"checkpoint": "mini", "templates": "off"})
    page.run()
    assert_no_fault(page)
    assert page.selectbox(key="checkpoint").value == "mini"
    assert page.toggle(key="templates-mini").value is False
    page.toggle(key="templates-mini").set_value(True).run()
    assert "templates" not in page.query_params
    page.toggle(key="templates-mini").set_value(False).run()
    assert page.query_params["templates"] in ("off", ["off"])


def test_templates_are_switched_for_chains_of_any_length_at_once(page, monkeypatch):
    monkeypatch.setenv("DISTMAT_LIBRARY", "mini")
    page.query_params["templates"] = "off"
    page.run()
    for sequence in (SEQUENCE, LONG):
        paste(page, sequence)
        assert_no_fault(page)
        assert page.toggle(key=f"templates-{AUTO}").value is False
        assert page.query_params["templates"] in ("off", ["off"])
    page.toggle(key=f"templates-{AUTO}").set_value(True).run()
    assert "templates" not in page.query_params
    assert page.session_state["library"].endswith("library.parquet")
