"""An address shows the same in a second window, after a reload and after Back."""

import re
from pathlib import Path
from urllib.parse import unquote

import pytest

from tests.browser.test_explorer import FIND, Map, state, view_in
from tests.browser.test_predict import solid_explorer
from tests.browser.waiting import assert_becomes
from tests.runs.conftest import wait_until

pytestmark = pytest.mark.xdist_group("browser")


CAMERA = "() => explorerOf().space.painter.viewer.getView()"


def shown(page):
    solid_explorer(page)
    page.evaluate(f"() => {{ {FIND} }}")
    return state(page, "above"), state(page, "pins")


def script(page):
    with page.expect_download() as download:
        page.get_by_role("button", name="PyMOL script").click()
    return Path(download.value.path()).read_text(encoding="utf-8")


def looked_at(page):
    solid_explorer(page)
    page.evaluate(f"() => {{ {FIND} }}")
    return page.evaluate("() => [explorerOf().sequence, explorerOf().state.pins]")


def mark_and_share(context, page, i, j):
    """Mark a pair; a second window then shows the same chain with it."""
    sequence, pins = looked_at(page)
    assert pins == []
    page.locator(".square").scroll_into_view_if_needed()
    Map(page).click(i, j)
    page.wait_for_url(re.compile("view="))
    wanted = [sequence, [{"i": i, "j": j}]]
    assert_becomes(lambda: looked_at(page), wanted)
    second = context.new_page()
    second.goto(page.url)
    assert_becomes(lambda: looked_at(second), wanted)
    second.close()
    return sequence


def test_the_address_follows_the_explorer_and_the_explorer_the_address(
    webgl_context, webgl_offline, address
):
    page, wanted = webgl_offline
    page.goto(f"{address}/predict?example=kunitz")
    assert_becomes(lambda: shown(page), ("predicted", []))
    Map(page).click(9, 40)
    page.wait_for_url(re.compile("view="))
    first = page.url
    assert '"pins":[{"i":9,"j":40}]' in unquote(first)
    # The explorer ran alone, and the files know of the pair all the same.
    wait_until(lambda: "resi 10, predicted and name CA and resi 41" in script(page))
    page.locator(".square").focus()
    page.keyboard.press("Digit2")
    page.wait_for_url(re.compile("above"))

    # So do the part of the map that is shown, and the camera.
    page.keyboard.press("z")
    scene = page.locator(".scene").bounding_box()
    x, y = scene["x"] + scene["width"] / 2, scene["y"] + scene["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + 120, y + 50, steps=3)
    page.mouse.up()
    # In its end the address has all of it, whatever it said on the way.
    parts = ("camera", "zoom")
    page.wait_for_url(re.compile("camera"))
    wait_until(lambda: all(view_in(page.url).get(part) == state(page, part) for part in parts))
    looked = state(page, "camera"), state(page, "zoom")
    turned = page.evaluate(CAMERA)
    assert looked[0][4:] != [0, 0, 0, 1] and looked[1]["size"] < 58

    other = webgl_context.new_page()
    other.goto(page.url)
    assert_becomes(lambda: shown(other), ("true", [{"i": 9, "j": 40}]))
    assert_becomes(lambda: (state(other, "camera"), state(other, "zoom")), looked)
    assert_becomes(lambda: other.evaluate("() => explorerOf().map.zoom()"), looked[1])
    assert_becomes(lambda: other.evaluate(CAMERA), pytest.approx(turned, abs=0.02))
    other.close()

    # Where one looked is no step: Back undoes the layer.
    page.go_back()
    page.wait_for_url(first)
    assert_becomes(lambda: state(page, "above"), "predicted")
    assert_becomes(lambda: state(page, "pins"), [{"i": 9, "j": 40}])
    assert_becomes(lambda: state(page, "camera"), None)
    assert_becomes(lambda: page.evaluate(CAMERA)[4:], [0, 0, 0, 1])
    page.reload()
    assert_becomes(lambda: shown(page), ("predicted", [{"i": 9, "j": 40}]))
    assert wanted == []
