"""An evaluation is started, left, and found again when it has finished."""

import re

import pytest

from distmat.dataset.store import stream_rows
from distmat.dataset.synthetic import write_synthetic
from tests.browser.test_addresses import assert_opened
from tests.browser.test_links import looked_at, mark_and_share

pytestmark = pytest.mark.xdist_group("browser")


def test_an_evaluation_goes_on_while_another_page_is_looked_at(webgl_context, server):
    # The first in the list of datasets.
    data = server.home / "datasets" / "a_made_up.parquet"
    write_synthetic(data, 30)
    page = webgl_context.new_page()
    try:
        page.goto(f"{server.url}/evaluate")
        assert_opened(page, "Evaluate", "Evaluate · distmat")
        page.get_by_role("button", name="Start").click()
        page.get_by_text("mini a_made_up").first.wait_for()
        page.get_by_role("link", name="Data").click()
        page.get_by_role("heading", name="Datasets").wait_for()
        page.get_by_role("link", name="Evaluate").click()
        # Its scores stand beside the baseline's, and the address names it.
        page.wait_for_url(re.compile("evaluation="))
        page.get_by_role("heading", name="mini on a_made_up").wait_for()
        page.get_by_text("separation only").first.wait_for()
        page.get_by_role("heading", name="On which chains").wait_for()

        # The worst chain, and what is marked in it, is a click and then a link away.
        looked_at(page)
        page.get_by_role("button", name="Open").last.click()
        page.wait_for_url(re.compile("chain="))
        worst = re.search("chain=([^&]+)", page.url).group(1)
        page.get_by_text(f"Worst — {worst}").wait_for()
        chain = next(row["chain"] for row in stream_rows(data, ()) if row["chain"].name == worst)
        page.wait_for_function("(text) => explorerOf().sequence === text", arg=chain.sequence)
        assert mark_and_share(webgl_context, page, 2, 20) == chain.sequence
    finally:
        page.close()
