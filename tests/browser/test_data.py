import re

import pytest
from playwright.sync_api import expect

from distmat.protein.examples import examples
from distmat.protein.structure.write import write_pdb
from tests.browser.picture import BLUE, share_like
from tests.browser.test_links import mark_and_share
from tests.browser.test_predict import solid_explorer
from tests.runs.conftest import wait_until

pytestmark = pytest.mark.xdist_group("browser")


def test_a_folder_becomes_a_dataset_whose_chains_can_be_looked_at_and_linked_to(
    webgl_context, webgl_offline, address, tmp_path
):
    page, wanted = webgl_offline
    for example in examples():
        chain = example.read()
        (tmp_path / f"{example.key}.pdb").write_text(write_pdb(chain.sequence, chain.ca))
    page.goto(f"{address}/data")
    page.get_by_role("heading", name="Datasets").wait_for()
    inputs = page.locator("textarea[aria-label='Folders, files or patterns']")
    inputs.wait_for(state="attached")
    # Folded where there is a dataset to look at already; its fields are inert then.
    if inputs.evaluate("field => field.closest('[inert]') !== null"):
        page.get_by_text("Build a dataset", exact=True).click()
    inputs.fill(str(tmp_path))
    page.get_by_role("textbox", name="Name").fill("from_a_folder")
    page.get_by_role("button", name="Build", exact=True).click()
    page.get_by_text("from_a_folder is built.").wait_for()

    chains = page.get_by_test_id("stMetric").filter(has_text="Chains").first
    expect(chains).to_have_text(re.compile(r"Chains\s*8$"))
    page.get_by_text("relatives of the").wait_for()
    page.locator(".barlayer path").first.wait_for(state="attached")

    page.get_by_test_id("stButtonGroup").get_by_text("Chains", exact=True).click()
    view = solid_explorer(page).locator(".scene")
    wait_until(lambda: share_like(view.screenshot(), BLUE) > 0.005)
    expect(page.locator(".explorer .mirrored")).to_be_hidden()

    # The dataset, what is searched in it, the chain and what is marked there are in the address.
    page.get_by_role("textbox", name="Search").fill("kunitz")
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile("search=kunitz"))
    kunitz = next(example for example in examples() if example.key == "kunitz").read()
    page.wait_for_function(
        "(text) => [...document.querySelectorAll('*')].some("
        "(n) => n.shadowRoot?.explorer?.sequence === text || n.explorer?.sequence === text)",
        arg=kunitz.sequence,
    )
    assert mark_and_share(webgl_context, page, 9, 40) == kunitz.sequence
    assert "dataset=from_a_folder" in page.url and "part=Chains" in page.url
    assert wanted == []
