import pytest
from playwright.sync_api import expect

pytestmark = pytest.mark.xdist_group("browser")


def test_who_comes_first_waits_for_two_maps_and_then_sees_no_place_held_for_them(fresh, offline):
    page, _ = offline
    page.goto(fresh.url)
    held = page.get_by_test_id("stSkeletonElement")
    held.first.wait_for()
    page.get_by_role("link", name="Look at it in 3D").wait_for()
    expect(page.get_by_test_id("stStatusWidget")).to_have_count(0)
    expect(held).to_have_count(0)
