"""The status report as a browser prints it."""

from dataclasses import replace

import pytest

from distmat.report.document import run_report
from distmat.report.render import html
from tests.report.conftest import facts  # noqa: F401 - a fixture

pytestmark = pytest.mark.xdist_group("browser")

PAPER = 672
"""Pixels between the margins of A4: 178 mm at 96 to the inch."""

TOO_WIDE = """() => [...document.querySelectorAll("table, pre, figure, svg")]
    .filter(part => part.getBoundingClientRect().right > document.documentElement.clientWidth + 1
        || getComputedStyle(part.parentElement).overflowX === "auto")
    .map(part => part.textContent.slice(0, 80))"""


@pytest.mark.parametrize("language", ["en", "zh"])
def test_on_paper_nothing_is_cut_and_nothing_scrolls(offline, facts, language):  # noqa: F811
    page, _ = offline
    others = [replace(facts, id=f"r{k}", name=f"a rather long name, {k}") for k in range(5)]
    page.set_viewport_size({"width": PAPER, "height": 900})
    page.emulate_media(media="print")
    page.set_content(html(run_report(facts, language, others)))
    assert page.locator("table").count() > 8
    assert page.evaluate(TOO_WIDE) == []
