"""The linked explorer, by itself and on the page, with mouse and keys."""

import json
from dataclasses import replace
from urllib.parse import parse_qs, urlsplit

import numpy as np
import pytest
from playwright.sync_api import expect

from distmat.figures.explorer import STAGE_WORDS, Scene, installed_script, standalone_page
from distmat.protein.distance_map import pairwise_distances
from distmat.protein.examples import examples
from tests.browser.conftest import PATIENCE
from tests.browser.picture import BLUE, ORANGE, share_like
from tests.browser.test_predict import open_page, solid_explorer
from tests.browser.waiting import assert_becomes
from tests.runs.conftest import wait_until

pytestmark = pytest.mark.xdist_group("browser")

NO_WEBGL = ("--disable-gpu", "--disable-3d-apis", "--disable-software-rasterizer")


@pytest.fixture(scope="module")
def chain():
    return examples()[7].read()


def scene(chain, key="test"):
    moved = chain.ca + np.random.default_rng(0).normal(0, 1, chain.ca.shape)
    distances = pairwise_distances(moved)
    std = np.full_like(distances, 2.0)
    stages = dict.fromkeys(STAGE_WORDS, moved)
    return Scene(key, chain.sequence, distances, std, truth=chain.ca, stages=stages)


def opened(context, html):
    page = context.new_page()
    page.set_default_timeout(PATIENCE)
    page.set_content(html, wait_until="commit")
    return page


def assert_plain(page, reason):
    page.locator(".explorer[data-painter='plain']").wait_for()
    expect(page.locator(".note")).to_contain_text(reason)
    view = page.locator(".scene")
    wait_until(lambda: min(share_like(view.screenshot(), c) for c in (ORANGE, BLUE)) > 0.002)


@pytest.mark.parametrize(
    ("viewer", "reason"),
    [
        ("", "can't be loaded"),
        ("throw new Error('broken');", "can't be loaded"),
        ("window.$3Dmol = {createViewer: () => null};", "WebGL"),
        (
            "window.$3Dmol = {createViewer(box) { box.append(document.createElement('canvas'));"
            "return new Proxy({}, {get: (self, name, viewer) => () => viewer}); }};",
            "WebGL",
        ),
    ],
    ids=["empty", "broken", "no viewer", "draws nothing"],
)
def test_if_the_viewer_fails_a_plain_drawing_stands_in_its_place(browser, chain, viewer, reason):
    page = opened(browser, standalone_page(scene(chain), viewer))
    assert_plain(page, reason)
    page.close()


def test_without_webgl_a_plain_drawing_stands_in_its_place_and_can_be_turned(launch, chain):
    if installed_script() is None:
        pytest.skip("3Dmol.js was not installed: there was no npm or no network")
    page = opened(launch(*NO_WEBGL), standalone_page(scene(chain)))
    assert_plain(page, "WebGL")
    view = page.locator(".scene")
    view.scroll_into_view_if_needed()
    before, box = view.screenshot(), view.bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + 100, y + 60, steps=3)
    page.mouse.up()
    wait_until(lambda: view.screenshot() != before)
    page.get_by_role("button", name="Reset view").click()
    page.mouse.move(5, 5)
    share = pytest.approx(share_like(before, ORANGE), abs=0.002)
    wait_until(lambda: share_like(view.screenshot(), ORANGE) == share)


def test_a_model_of_alphafold_is_coloured_in_its_four_bands(browser, chain):
    plddt = np.repeat([95.0, 80.0, 60.0, 30.0], len(chain) // 4 + 1)[: len(chain)]
    page = opened(browser, standalone_page(replace(scene(chain), plddt=plddt), ""))
    page.locator(".explorer[data-painter='plain']").wait_for()
    page.locator(".truth select").select_option("solid")
    page.locator("select.colour").select_option("plddt")
    legend, view = page.locator(".legend"), page.locator(".scene")
    expect(legend).to_contain_text("very high (> 90)")
    expect(legend).to_contain_text("very low (< 50)")
    bands = ((0, 83, 214), (101, 203, 243), (255, 219, 19), (255, 125, 69))
    wait_until(lambda: min(share_like(view.screenshot(), band) for band in bands) > 0.0005)
    page.close()


class Map:
    """The map of an explorer, by its cells, wherever on the page it is by now."""

    def __init__(self, page):
        self.page = page

    def place(self, i, j):
        box = self.page.locator(".square").bounding_box()
        margin, side, n = self.page.evaluate(
            "() => { const m = explorerOf().map; return [m.margin, m.side, m.content.n]; }"
        )
        cell = side / n
        return box["x"] + margin + (j + 0.5) * cell, box["y"] + margin + (i + 0.5) * cell

    def point(self, i, j):
        self.page.mouse.move(*self.place(i, j))

    def click(self, i, j):
        self.page.mouse.click(*self.place(i, j))


FIND = """window.explorerOf = () => {
  const inside = (node) => node.explorer ? node.explorer
    : [...(node.querySelectorAll?.("*") || [])].map((n) => n.explorer || n.shadowRoot?.explorer)
      .find(Boolean);
  return inside(document);
}"""


FREE = """() => {
  const space = explorerOf().space, frame = space.box.getBoundingClientRect();
  const places = space.placesOf(explorerOf().traces()[0])
    .map((at, k) => ({ k, x: frame.left + at.x, y: frame.top + at.y }));
  return places.filter(({ k, x, y }) => (
    space.residueAt({ clientX: x, clientY: y }).residue === k));
}"""
"""Residues of the predicted trace that no other one hides, and where they are."""


def read(page):
    """What the readout says, by its terms."""
    page.evaluate("() => new Promise((done) => requestAnimationFrame(() => setTimeout(done)))")
    rows = page.locator(".readout > div")
    return dict(text.split("\n") for text in rows.all_inner_texts() if "\n" in text)


def state(page, name):
    return page.evaluate(f"() => explorerOf().state.{name}")


def view_in(url):
    """What an address says of the explorer's view."""
    return json.loads(parse_qs(urlsplit(url).query).get("view", ["{}"])[0])


def test_map_and_structure_follow_each_other_and_a_reload_finds_them_as_they_were(
    webgl_offline, address
):
    page, wanted = webgl_offline
    open_page(page, address)
    page.get_by_role("button", name="Kunitz").click()
    explorer = solid_explorer(page)
    page.evaluate(f"() => {{ {FIND} }}")
    cells, square, links = Map(page), page.locator(".square"), page.locator(".links")
    truth = next(example for example in examples() if example.key == "kunitz").read()

    # Pointing tells the pair, and links both residues in the structure.
    bare = links.screenshot()
    cells.point(9, 40)
    assert_becomes(lambda: read(page).get("|i − j|"), "31")
    told = read(page)
    assert told["true"] == f"{truth.distances[9, 40]:.1f} Å"
    assert (told["i"].split()[1], told["j"].split()[1]) == ("10", "41")
    wait_until(lambda: links.screenshot() != bare)

    # A click keeps it when the mouse has left; a second one, with Shift, adds another pair.
    cells.click(9, 40)
    page.mouse.move(5, 5)
    assert_becomes(lambda: state(page, "pins"), [{"i": 9, "j": 40}])
    assert_becomes(lambda: read(page).get("|i − j|"), "31")
    page.keyboard.down("Shift")
    cells.click(3, 20)
    page.keyboard.up("Shift")
    assert_becomes(lambda: len(state(page, "pins")), 2)

    # A box colours two segments; the camera stays when another layer is chosen.
    x, y = cells.place(20, 50)
    page.mouse.move(*cells.place(5, 40))
    page.mouse.down()
    page.mouse.move(x, y, steps=4)
    page.mouse.up()
    assert_becomes(lambda: state(page, "box"), {"i0": 5, "i1": 20, "j0": 40, "j1": 50})
    page.mouse.move(5, 5)
    green = (0, 158, 115)
    wait_until(lambda: share_like(page.locator(".scene").screenshot(), green) > 0.002)
    view = "() => explorerOf().space.painter.viewer.getView()"
    camera = page.evaluate(view)
    before = square.screenshot()
    explorer.get_by_role("radio", name="error", exact=False).first.click()
    wait_until(lambda: square.screenshot() != before)
    assert page.evaluate(view) == camera

    # Keys: digits choose layers, arrows move the cell, Enter marks it, Escape forgets all.
    square.focus()
    page.keyboard.press("Digit2")
    page.keyboard.press("Shift+Digit6")
    assert_becomes(lambda: (state(page, "above"), state(page, "below")), ("true", "contacts"))
    page.keyboard.press("Escape")
    assert_becomes(lambda: (state(page, "pins"), state(page, "box")), ([], None))
    for key in ("ArrowRight", "ArrowRight", "Shift+ArrowRight", "ArrowDown"):
        page.keyboard.press(key)
    assert_becomes(lambda: state(page, "cursor"), {"i": 1, "j": 12})
    page.keyboard.press("Enter")
    assert_becomes(lambda: state(page, "pins"), [{"i": 1, "j": 12}])

    # Two residues clicked in 3D mark their cell.
    free = page.evaluate(FREE)
    for residue in (free[0], free[-1]):
        page.mouse.click(residue["x"], residue["y"])
    pin = {"i": free[0]["k"], "j": free[-1]["k"]}
    assert_becomes(lambda: state(page, "pins"), [pin])
    page.wait_for_url(lambda url: pin in view_in(url).get("pins", ()))

    page.reload()
    solid_explorer(page)
    page.evaluate(f"() => {{ {FIND} }}")
    assert_becomes(lambda: state(page, "pins"), [pin])
    assert_becomes(lambda: (state(page, "above"), state(page, "below")), ("true", "contacts"))
    assert wanted == []
