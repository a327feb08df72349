"""Addresses open their page with the others beside it; Home first on a fresh server."""

import pytest
from playwright.sync_api import expect

from distmat.runs.store import RunStore
from distmat.training.config import TrainingConfig

pytestmark = pytest.mark.xdist_group("browser")


def assert_opened(page, title, tab):
    """The page that was addressed is there, with the others beside it."""
    page.get_by_role("heading", name=title).first.wait_for()
    expect(page).to_have_title(tab)
    page.get_by_test_id("stTopNavLink").nth(3).wait_for(state="attached")


def test_home_opens_and_whoever_does_not_wait_for_the_model_goes_through_a_door(offline, fresh):
    page, _ = offline
    page.goto(fresh.url)
    page.get_by_text("The model is loading").wait_for()
    assert_opened(page, "distmat", "distmat")
    page.get_by_role("link", name="Bring your structures").click()
    page.get_by_role("heading", name="Datasets").wait_for()
    expect(page).to_have_title("Data · distmat")
    # What an address names beside a page is opened, too.
    with RunStore(fresh.home) as store:
        run = store.add(TrainingConfig(), name="the first one")
    page.goto(f"{fresh.url}/runs?run={run.id}")
    assert_opened(page, "the first one", "the first one · Runs · distmat")
    page.goto(f"{fresh.url}/?example=hiv-protease")
    assert_opened(page, "HIV-1 protease", "HIV-1 protease · Predict · distmat")
