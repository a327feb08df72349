"""An address shows the same in a second window, after a reload and after Back."""

import re
from urllib.parse import unquote

import pytest

from tests.browser.test_explorer import FIND, Map, state
from tests.browser.test_predict import solid_explorer

pytestmark = pytest.mark.xdist_group("browser")


def shown(page):
    solid_explorer(page)
    page.evaluate(f"() => {{ {FIND} }}")
    return state(page, "above"), state(page, "pins")


def test_the_address_follows_the_explorer_and_the_explorer_the_address(context, offline, address):
    page, wanted = offline
    page.goto(f"{address}/predict?example=kunitz")
    assert shown(page) == ("predicted", [])
    Map(page).click(9, 40)
    page.wait_for_url(re.compile("view="))
    first = page.url
    assert '"pins":[{"i":9,"j":40}]' in unquote(first)
    page.locator(".square").focus()
    page.keyboard.press("Digit2")
    page.wait_for_url(re.compile("above"))

    other = context.new_page()
    other.goto(page.url)
    assert shown(other) == ("true", [{"i": 9, "j": 40}])
    other.close()

    page.go_back()
    page.wait_for_url(first)
    page.wait_for_function("() => explorerOf().state.above === 'predicted'")
    assert state(page, "pins") == [{"i": 9, "j": 40}]
    page.reload()
    assert shown(page) == ("predicted", [{"i": 9, "j": 40}])
    assert wanted == []
