"""Each page opens first on a fresh server; Predict, Runs and Evaluate in tests of their own."""

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


@pytest.mark.parametrize(
    ("path", "title", "tab"),
    [
        ("?example=hiv-protease", "HIV-1 protease", "HIV-1 protease · Predict · distmat"),
        ("train", "Train a model", "Train · distmat"),
        ("runs?run={run}", "the first one", "the first one · Runs · distmat"),
        ("maps", "Anyone's map", "Maps · distmat"),
        ("data", "Datasets", "Data · distmat"),
    ],
)
def test_a_page_that_is_addressed_first_opens_with_the_others_beside_it(
    offline, fresh, path, title, tab
):
    page, _ = offline
    url, home = fresh
    with RunStore(home) as store:
        run = store.add(TrainingConfig(), name="the first one")
    page.goto(f"{url}/{path.format(run=run.id)}")
    assert_opened(page, title, tab)


def test_home_opens_and_whoever_does_not_wait_for_the_model_goes_through_a_door(offline, fresh):
    page, _ = offline
    url, _home = fresh
    page.goto(url)
    page.get_by_text("The model is loading").wait_for()
    assert_opened(page, "distmat", "distmat")
    page.get_by_role("link", name="Bring your structures").click()
    page.get_by_role("heading", name="Datasets").wait_for()
    expect(page).to_have_title("Data · distmat")
