import pytest

pytestmark = pytest.mark.xdist_group("browser")


@pytest.mark.parametrize(
    ("path", "title"),
    [("train", "Train a model"), ("runs", "Runs"), ("data", "Datasets")],
)
def test_a_page_opens_by_its_address_with_the_others_beside_it(offline, address, path, title):
    page, _ = offline
    page.goto(f"{address}/{path}")
    page.get_by_role("heading", name=title).first.wait_for()
    assert page.get_by_test_id("stTopNavLink").count() >= 4
