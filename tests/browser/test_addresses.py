import pytest

from distmat.runs.store import RunStore
from distmat.training.config import TrainingConfig

pytestmark = pytest.mark.xdist_group("browser")


@pytest.mark.parametrize(
    ("path", "title"),
    [
        ("", "distmat"),
        ("predict", "Distance map and backbone"),
        ("?example=hiv-protease", "HIV-1 protease"),
        ("train", "Train a model"),
        ("runs", "Runs"),
        ("runs?run={run}", "the first one"),
        ("maps", "Anyone's map"),
        ("evaluate", "Evaluate"),
        ("data", "Datasets"),
    ],
)
def test_a_page_that_is_addressed_first_opens_with_the_others_beside_it(
    offline, fresh, path, title
):
    page, _ = offline
    url, home = fresh
    with RunStore(home) as store:
        run = store.add(TrainingConfig(), name="the first one")
    page.goto(f"{url}/{path.format(run=run.id)}")
    page.get_by_role("heading", name=title).first.wait_for()
    assert page.get_by_test_id("stTopNavLink").count() >= 4


def test_whoever_does_not_wait_for_the_model_goes_through_a_door(offline, fresh):
    page, _ = offline
    url, _home = fresh
    page.goto(url)
    page.get_by_text("The model is loading").wait_for()
    page.get_by_role("link", name="Bring your structures").click()
    page.get_by_role("heading", name="Datasets").wait_for()
    assert page.title() == "Data · distmat"
