import numpy as np
import pytest

from distmat.figures.trace3d import STAGE_WORDS, installed_script, trace_page
from distmat.protein.examples import examples
from tests.browser.picture import BLUE, ORANGE, share_like

pytestmark = pytest.mark.xdist_group("browser")

NO_WEBGL = ("--disable-gpu", "--disable-3d-apis", "--disable-software-rasterizer")


@pytest.fixture(scope="module")
def chain():
    return examples()[7].read()


def trace(chain, script=None):
    moved = chain.ca + np.random.default_rng(0).normal(0, 1, chain.ca.shape)
    return trace_page(chain.sequence, dict.fromkeys(STAGE_WORDS, moved), chain.ca, script=script)


def assert_both_traces(page):
    picture = page.locator("#stage-view").screenshot()
    assert share_like(picture, ORANGE) > 0.002
    assert share_like(picture, BLUE) > 0.002


def opened(context, html):
    page = context.new_page()
    page.set_default_timeout(30_000)
    page.set_content(html, wait_until="commit")
    return page


@pytest.mark.parametrize(
    ("script", "reason"),
    [
        ("", "doesn't run"),
        ("throw new Error('broken');", "doesn't run"),
        ("window.$3Dmol = {createViewer: () => null};", "WebGL"),
        (
            "window.$3Dmol = {createViewer(box) { box.append(document.createElement('canvas'));"
            "return new Proxy({}, {get: (self, name, viewer) => () => viewer}); }};",
            "WebGL",
        ),
    ],
    ids=["empty", "broken", "no viewer", "draws nothing"],
)
def test_if_the_viewer_fails_a_plain_drawing_stands_in_its_place(browser, chain, script, reason):
    page = opened(browser, trace(chain, script))
    page.locator("body[data-painter='plain']").wait_for()
    assert reason in page.locator("#note").inner_text()
    assert_both_traces(page)
    page.close()


def test_if_the_viewer_can_not_be_fetched_a_plain_drawing_stands_in_its_place(
    browser, chain, monkeypatch
):
    monkeypatch.setattr("distmat.figures.trace3d.SCRIPT_FOLDERS", ())
    page = opened(browser, trace(chain))
    page.locator("body[data-painter='plain']").wait_for()
    assert "can't be loaded" in page.locator("#note").inner_text()
    assert_both_traces(page)
    page.close()


def test_without_webgl_a_plain_drawing_stands_in_its_place(launch, chain):
    if installed_script() is None:
        pytest.skip("3Dmol.js was not installed: there was no npm or no network")
    page = opened(launch(*NO_WEBGL), trace(chain))
    page.locator("body[data-painter='plain']").wait_for()
    assert "WebGL" in page.locator("#note").inner_text()
    assert_both_traces(page)


def test_the_plain_drawing_turns_when_it_is_dragged_and_follows_the_switches(browser, chain):
    page = opened(browser, trace(chain, script=""))
    page.locator("body[data-painter='plain']").wait_for()
    view = page.locator("#stage-view")
    before = view.screenshot()
    page.mouse.move(200, 200)
    page.mouse.down()
    page.mouse.move(300, 260, steps=3)
    page.mouse.up()
    turned = view.screenshot()
    assert turned != before
    page.get_by_label("colour by error").check()
    assert view.screenshot() != turned
    page.get_by_role("button", name="Reset view").click()
    page.get_by_label("colour by error").uncheck()
    page.mouse.move(5, 5)
    assert share_like(view.screenshot(), ORANGE) == pytest.approx(
        share_like(before, ORANGE), abs=0.002
    )
    page.close()
