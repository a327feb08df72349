import json
import re

import numpy as np
import pytest
from playwright.sync_api import expect

from tests.browser.picture import BLUE, ORANGE, colours, share_like
from tests.runs.conftest import wait_until

pytestmark = pytest.mark.xdist_group("browser")

SEQUENCE = "MKTAYIAKQRQISFVKSHFSRQLEERLGLIEVQAPILSRVGDGTQDNLSGAEKAVQVKVKALPDAQFEVV"


def open_page(page, address):
    page.goto(f"{address}/predict")
    page.get_by_role("button", name="Kunitz").wait_for()


def metric(page, label):
    """The number under this label."""
    text = page.get_by_test_id("stMetric").filter(has_text=label).first.inner_text()
    return float(re.search(r"-?\d+(\.\d+)?", text.replace(label, "")).group())


def solid_explorer(page):
    """The explorer, once 3Dmol.js has drawn in it."""
    page.locator(".explorer[data-painter='3dmol']").wait_for()
    explorer = page.locator(".explorer")
    explorer.locator(".views").scroll_into_view_if_needed()
    wait_until(lambda: colours(explorer.locator(".square").screenshot()) > 100)
    return explorer


def test_pasting_a_sequence_gives_numbers_a_map_and_a_backbone_without_a_network(
    webgl_offline, address
):
    page, wanted = webgl_offline
    open_page(page, address)
    page.get_by_role("tab", name="Paste a sequence").click()
    page.get_by_role("textbox", name="Sequence").fill(SEQUENCE)
    page.get_by_role("button", name="Predict", exact=True).click()

    page.get_by_role("heading", name="Pasted sequence").wait_for()
    assert metric(page, "Residues") == len(SEQUENCE)
    assert 0 < metric(page, "Expected error") < 30
    view = solid_explorer(page).locator(".scene")
    wait_until(lambda: share_like(view.screenshot(), ORANGE) > 0.005)
    assert share_like(view.screenshot(), BLUE) < 0.001
    with page.expect_download() as download:
        page.get_by_role("button", name="Map, NPY").click()
    distances = np.load(download.value.path())
    assert distances.shape == (len(SEQUENCE), len(SEQUENCE))
    assert wanted == []


def test_one_click_on_an_example_gives_scores_the_map_and_both_traces(webgl_offline, address):
    page, wanted = webgl_offline
    open_page(page, address)
    page.get_by_role("button", name="Kunitz").click()

    page.get_by_role("heading", name="Kunitz domain of TFPI").wait_for()
    page.wait_for_url(re.compile("example=kunitz"))
    assert 0 < metric(page, "Distance MAE") < 15
    assert 0 < metric(page, "TM-score") <= 1
    page.get_by_role("cell", name="lDDT", exact=True).wait_for()
    explorer = solid_explorer(page)
    view = explorer.locator(".scene")
    wait_until(lambda: min(share_like(view.screenshot(), c) for c in (ORANGE, BLUE)) > 0.005)
    picture = view.screenshot()

    caption = explorer.locator(".caption")
    before = caption.inner_text()
    explorer.get_by_label("show the mirror image").check()
    expect(caption).not_to_have_text(before)
    wait_until(lambda: share_like(view.screenshot(), ORANGE) > 0.005)
    explorer.get_by_label("Colour of the trace").select_option("error")
    wait_until(lambda: share_like(view.screenshot(), ORANGE) < share_like(picture, ORANGE))
    explorer.get_by_label("The true structure").select_option("hidden")
    explorer.get_by_role("slider", name="Stage").fill("0")
    expect(caption).to_contain_text("classical scaling")
    with page.expect_download() as download:
        page.get_by_role("button", name="Scores, JSON").click()
    with open(download.value.path(), encoding="utf-8") as file:
        assert json.load(file)["residues"] == 71
    assert wanted == []
