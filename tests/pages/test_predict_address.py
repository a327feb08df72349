"""What the address of the page Predict names, and what of it a reload brings back."""

from tests.pages.test_predict import assert_no_fault


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
