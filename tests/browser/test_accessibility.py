"""The pages as axe-core, the usual checker, reads them: nothing serious."""

from pathlib import Path

import pytest

from tests.browser.test_addresses import assert_opened
from tests.runs.conftest import wait_until

pytestmark = pytest.mark.xdist_group("browser")

AXE = Path(__file__).parents[2] / "node_modules/axe-core/axe.min.js"

RUN = """async () => {
  const found = await axe.run(document, { resultTypes: ["violations"] });
  return found.violations
    .filter((one) => ["serious", "critical"].includes(one.impact))
    .map((one) => `${one.id}: ${one.nodes.map((node) => node.html.slice(0, 160)).join(" | ")}`);
}"""

BACKGROUND = "() => getComputedStyle(document.querySelector('[data-testid=stApp]')).backgroundColor"

PAGES = {
    "": ("distmat", "distmat"),
    "predict?example=kunitz": ("Downloads", "Kunitz domain of TFPI · Predict · distmat"),
    "maps": ("Anyone's map", "Maps · distmat"),
    "evaluate": ("Evaluat", "Evaluate · distmat"),
    "train": ("Train", "Train · distmat"),
    "runs": ("Runs", "Runs · distmat"),
    "data": ("Datasets", "Data · distmat"),
}
"""A heading and the tab's title of each."""

DARK = ("predict?example=kunitz", "train")
"""Of these the pages that have every kind of thing in them; the dark theme is the same on all."""

NOT_YET = "[data-stale=true] { opacity: 1 !important; }"
"""What is about to be drawn anew is no paler, which is how Streamlit says so."""


@pytest.mark.skipif(not AXE.is_file(), reason="axe-core is not installed: npm ci")
@pytest.mark.parametrize("path", PAGES)
def test_axe_finds_nothing_serious(context, address, path):
    page = context.new_page()
    try:
        page.emulate_media(color_scheme="light")
        page.goto(f"{address}/{path}")
        assert_opened(page, *PAGES[path])
        page.add_style_tag(content=NOT_YET)
        page.evaluate(AXE.read_text(encoding="utf-8"))
        assert_nothing_serious(page)
        if path in DARK:
            light = page.evaluate(BACKGROUND)
            page.emulate_media(color_scheme="dark")
            wait_until(lambda: page.evaluate(BACKGROUND) != light)
            assert_nothing_serious(page)
    finally:
        page.close()


def assert_nothing_serious(page):
    page.locator("[data-testid=stApp][data-test-script-state=notRunning]").wait_for()
    page.get_by_test_id("stStatusWidget").wait_for(state="detached")
    assert page.evaluate(RUN) == []
