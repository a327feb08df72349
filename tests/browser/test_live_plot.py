"""A plot that gets new points while a person looks at it; drawn by plotly in a page of its own."""

from pathlib import Path

import numpy as np
import pytest

from distmat.figures.curves import Line, metric_figure
from distmat.ui import live_plot

pytestmark = pytest.mark.xdist_group("browser")

PLACE = "http://127.0.0.1/"

PAGE = """<!doctype html><div id="root" style="width: 600px; font: 14px sans-serif">
<div class="plot"></div></div><script type="module">
import draw from "./draw.js";
window.draw = data => draw({data, parentElement: document.getElementById("root")});
</script>"""

X_RANGE = "() => document.querySelector('.plot')._fullLayout.xaxis.range"
ZOOMED = "document.querySelector('.plot')._fullLayout.xaxis.autorange === false"


@pytest.fixture
def page(context):
    files = {
        "": ("text/html", PAGE.encode()),
        "draw.js": ("text/javascript", Path(live_plot.__file__).with_suffix(".js").read_bytes()),
        "plotly.js": ("text/javascript", live_plot._script().read_bytes()),
    }

    def answer(route):
        kind, body = files.get(route.request.url.removeprefix(PLACE), ("text/plain", b""))
        route.fulfill(body=body, content_type=kind)

    page = context.new_page()
    page.route("**/*", answer)
    page.goto(PLACE)
    page.wait_for_function("() => window.draw")
    yield page
    page.close()


def draw(page, points, key="loss"):
    x = np.arange(points)
    figure = metric_figure([Line("a run", x, 5 - x / 100)], "step", "loss")
    data = {"figure": figure.to_json(), "key": key, "alt": "a loss", "script": "plotly.js"}
    page.evaluate("data => window.draw(data)", data)


def test_a_zoom_stays_while_points_are_added_and_goes_with_another_plot(page):
    draw(page, 50)
    whole = page.evaluate(X_RANGE)
    box = page.locator(".nsewdrag").first.bounding_box()
    middle = box["y"] + box["height"] / 2
    page.mouse.move(box["x"] + box["width"] * 0.3, middle)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.5, middle, steps=4)
    page.mouse.move(box["x"] + box["width"] * 0.6, middle, steps=4)
    page.mouse.up()
    page.wait_for_function(f"() => {ZOOMED}")
    zoomed = page.evaluate(X_RANGE)
    assert whole[0] < zoomed[0] < zoomed[1] < whole[1]
    node = page.locator(".plot .main-svg").first.element_handle()

    draw(page, 80)
    assert page.evaluate("() => document.querySelector('.plot').calcdata[0].length") == 80
    assert page.evaluate(X_RANGE) == zoomed
    assert page.evaluate("node => node.isConnected", node), "the plot was put in anew"

    draw(page, 80, key="loss over hours")
    assert not page.evaluate(f"() => {ZOOMED}")
    assert page.evaluate(X_RANGE)[1] > whole[1]
