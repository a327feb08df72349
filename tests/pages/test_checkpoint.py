"""Which checkpoint the Predict page asks: by the chain's length, or the one that a person chose."""

import pytest

from distmat.history import history
from distmat.workspace import AUTO
from tests.pages.test_predict import LONG, SEQUENCE, assert_no_fault, paste, shown

AUTOMATIC = "Automatic, by the chain's length"


def unescaped(page):
    """The same as Markdown shows them."""
    return shown(page).replace("\\", "")


def test_choosing_another_checkpoint_predicts_anew(page, predictor, tmp_path):
    other = tmp_path / "checkpoints" / "other"
    other.mkdir(parents=True)
    (other / "config.json").write_text("{}")
    page.run()
    page.button(key="example-kunitz").click().run()
    page.selectbox(key="checkpoint").set_value("other").run()
    assert_no_fault(page)
    assert len(predictor.asked) == 2
    assert "checkpoint other" in shown(page)


def test_without_a_checkpoint_the_page_says_how_to_get_one(page, monkeypatch):
    monkeypatch.setattr("distmat.workspace.SHIPPED_CHECKPOINTS", ())
    page.run()
    assert_no_fault(page)
    assert "Train page" in page.warning[0].value


def test_the_checkpoint_is_chosen_by_the_chain_s_length_and_said(page, predictor):
    page.run()
    chosen = page.selectbox(key="checkpoint")
    assert chosen.value == AUTO and chosen.options[0] == AUTOMATIC
    assert "mini-long up to 512" in chosen.help
    for sequence, name in ((SEQUENCE, "mini"), (LONG, "mini-long")):
        paste(page, sequence)
        assert_no_fault(page)
        assert f"checkpoint {name}, chosen by the chain's length" in unescaped(page)
        assert history()[0].checkpoint == name
        assert "checkpoint" not in page.query_params
    # It was made for chains as long: nothing is advised.
    (said,) = (info.value for info in page.info if "trained on stretches" in info.value)
    assert "above" not in said


def test_what_a_person_chose_stays_whatever_the_length_and_another_is_advised(page, predictor):
    predictor.card = {"max_length": 256}
    page.query_params["checkpoint"] = "mini"
    page.run()
    paste(page, LONG)
    assert_no_fault(page)
    assert page.selectbox(key="checkpoint").value == "mini"
    assert page.query_params["checkpoint"] in ("mini", ["mini"])
    words = unescaped(page)
    assert "checkpoint mini" in words and "chosen by the chain's length" not in words
    assert "'mini-long' was trained on up to 512: choose it or Automatic above." in words
    page.selectbox(key="checkpoint").set_value(AUTO).run()
    assert "checkpoint" not in page.query_params
    assert "checkpoint mini-long, chosen by the chain's length" in unescaped(page)
    assert len(predictor.asked) == 2


def test_a_checkpoint_of_one_s_own_that_is_called_as_the_choice_is_that_one(page, tmp_path):
    own = tmp_path / "checkpoints" / AUTO
    own.mkdir(parents=True)
    (own / "config.json").write_text("{}")
    page.run()
    assert page.selectbox(key="checkpoint").options == ["mini", "mini-long", AUTO]
    page.selectbox(key="checkpoint").set_value(AUTO).run()
    assert page.query_params["checkpoint"] in (AUTO, [AUTO])
    paste(page, SEQUENCE)
    assert_no_fault(page)
    words = unescaped(page)
    assert "checkpoint auto" in words and "by the chain's length" not in words


def test_an_address_opens_a_step_of_a_run_and_a_reload_meets_it_again(page, tmp_path):
    (tmp_path / "runs" / "mine-1234" / "checkpoint-1500").mkdir(parents=True)
    page.query_params["checkpoint"] = "mine-1234/checkpoint-1500"
    page.run()
    assert_no_fault(page)
    chosen = page.selectbox(key="checkpoint")
    assert chosen.value == "mine-1234/checkpoint-1500"
    assert chosen.options == [AUTOMATIC, "mini", "mini-long", "mine-1234, step 1,500"]
    chosen.set_value("mini").run()
    assert page.query_params["checkpoint"] in ("mini", ["mini"])


@pytest.mark.parametrize("name", ["gone", "../../etc", "/etc", "a/checkpoint-5"])
def test_an_address_that_names_no_checkpoint_is_answered_with_those_that_there_are(page, name):
    page.query_params["checkpoint"] = name
    page.run()
    assert page.selectbox(key="checkpoint").value == AUTO
    assert "which there isn't" in page.error[0].value and "mini" in page.error[0].value
