"""What people call things is text, whatever it looks like."""

import pytest

from distmat.runs.store import RunStore
from distmat.training.config import TrainingConfig
from tests.browser.test_addresses import assert_opened

pytestmark = pytest.mark.xdist_group("browser")

NAME = "http://example.org/x www.example.org a@example.org [y](https://example.org/z)"


def test_an_address_in_a_run_s_name_is_no_link_anywhere(fresh, offline):
    page, wanted = offline
    with RunStore(fresh.home) as store:
        store.pause(True)
        config = TrainingConfig(train="synthetic", val="synthetic", output="x")
        run = store.add(config, name=NAME)
        page.goto(f"{fresh.url}/runs")
        assert_opened(page, "Runs", "Runs · distmat")
        for address in ("runs", f"runs?run={run.id}", ""):
            page.goto(f"{fresh.url}/{address}")
            page.get_by_text("example.org/x").first.wait_for()
            assert page.locator("a[href*='example.org']").count() == 0, address
    assert wanted == []
