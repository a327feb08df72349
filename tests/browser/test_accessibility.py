"""The pages as axe-core, the usual checker, reads them: nothing serious."""

from pathlib import Path

import pytest

pytestmark = pytest.mark.xdist_group("browser")

AXE = Path(__file__).parents[2] / "node_modules/axe-core/axe.min.js"

RUN = """async () => {
  const found = await axe.run(document, { resultTypes: ["violations"] });
  return found.violations
    .filter((one) => ["serious", "critical"].includes(one.impact))
    .map((one) => `${one.id}: ${one.nodes.map((node) => node.html.slice(0, 160)).join(" | ")}`);
}"""


PAGES = {
    "": "distmat",
    "predict": "Distance map and backbone",
    "predict?example=kunitz": "Downloads",
    "maps": "Anyone's map",
    "evaluate": "Evaluat",
    "train": "Train",
    "runs": "Runs",
    "data": "Datasets",
}
DARK = ("predict?example=kunitz", "train")
"""Of these the pages that have every kind of thing in them; the dark theme is the same on all."""


@pytest.mark.skipif(not AXE.is_file(), reason="axe-core is not installed: npm ci")
@pytest.mark.parametrize(
    ("path", "scheme"),
    [*((path, "light") for path in PAGES), *((path, "dark") for path in DARK)],
)
def test_axe_finds_nothing_serious(context, address, path, scheme):
    page = context.new_page()
    try:
        page.emulate_media(color_scheme=scheme)
        page.goto(f"{address}/{path}")
        page.get_by_role("heading", name=PAGES[path]).first.wait_for()
        page.locator("[data-testid=stApp][data-test-script-state=notRunning]").wait_for()
        page.get_by_test_id("stStatusWidget").wait_for(state="detached")
        page.evaluate(AXE.read_text(encoding="utf-8"))
        assert page.evaluate(RUN) == []
    finally:
        page.close()
