import re

import pytest
from playwright.sync_api import expect

from distmat.dataset.synthetic import write_synthetic
from tests.browser.conftest import end_runs

pytestmark = pytest.mark.xdist_group("browser")

SMALL = """\
train: {data}
val: {data}
hidden_size: 32
layers: 1
pair_width: 8
triangle_rank: 4
dilations: [1]
crops: [48]
pairs_per_batch: 4608
max_steps: 4000
warmup_steps: 10
log_every: 4
evaluate_every: 1000
evaluation_chains: 6
"""

POINTS = "document.querySelector('.js-plotly-plot')?._fullData?.[0]?.x?.length ?? 0"


def open_tab(page, name):
    page.get_by_test_id("stTopNavLink").filter(has_text=name).click()


def state(page, word):
    badge = page.get_by_test_id("stMarkdown").filter(has_text=re.compile(rf"{word}$")).first
    badge.wait_for()


STEP = """() => {
    const metrics = [...document.querySelectorAll('[data-testid="stMetric"]')];
    const text = metrics.find(metric => metric.innerText.includes("Step"))?.innerText ?? "";
    return Number((text.match(/([\\d,]+) \\//)?.[1] ?? "-1").replaceAll(",", ""));
}"""
"""The number that the page shows as the run's step."""


def wait_for_step(page, wanted):
    """The page shows this step or a later one: which. It may be drawn anew just now."""
    found = f"() => {{ const step = ({STEP})(); return step >= {wanted} && step; }}"
    return page.wait_for_function(found).json_value()


def points(page):
    """How many points the first curve has."""
    return page.evaluate(f"() => {POINTS}")


def test_a_run_is_started_watched_stopped_resumed_duplicated_and_compared(
    offline, server, tmp_path
):
    page, wanted = offline
    data = tmp_path / "made_up.parquet"
    write_synthetic(data, 60)
    page.goto(server.url)
    open_tab(page, "Train")
    text = page.get_by_role("textbox", name="The same as YAML")
    # What is typed before the page has settled is written over by it.
    expect(text).to_have_value(re.compile("max_steps: 600"))
    page.get_by_role("button", name="Start now").wait_for()
    expect(page.get_by_test_id("stStatusWidget")).to_have_count(0)
    text.fill(SMALL.format(data=data))
    text.press("Control+Enter")
    steps = page.get_by_role("textbox", name="Steps", exact=True)
    expect(steps).to_have_value("4000")
    page.get_by_role("button", name="Start now").click()

    page.get_by_role("button", name="Stop").wait_for()
    page.locator(".js-plotly-plot .scatterlayer .trace").first.wait_for()
    wait_for_step(page, 20)
    before = points(page)
    page.wait_for_function(f"() => ({POINTS}) > {before}")
    assert before > 0

    page.get_by_role("button", name="Stop").click()
    page.get_by_role("button", name="Resume").wait_for()
    stopped = wait_for_step(page, 1)
    assert stopped < 4000
    page.get_by_role("button", name="Resume").click()
    wait_for_step(page, stopped + 20)

    page.get_by_role("button", name="Duplicate").click()
    expect(steps).to_have_value("4000")
    rate = page.get_by_role("textbox", name="Learning rate", exact=True)
    rate.fill("3e-3")
    rate.press("Enter")
    expect(text).to_have_value(re.compile("learning_rate: 0.003"))
    page.get_by_role("button", name="Queue", exact=True).click()

    page.get_by_role("button", name="All runs").click()
    table = page.get_by_test_id("stDataFrame").first
    # A canvas that is filled has the same as a table beside it, for those who can't see it.
    table.locator("tbody [role=row]").nth(1).wait_for(state="attached")
    compare = page.get_by_role("button", name="Compare")
    table.click(position={"x": 16, "y": 35 + 18})
    expect(compare).to_be_disabled()
    table.click(position={"x": 16, "y": 35 * 2 + 18})
    expect(compare).to_be_enabled()
    compare.click()
    page.get_by_role("heading", name="2 runs compared").wait_for()
    page.locator(".js-plotly-plot").first.wait_for()
    # They would go on beside the tests that follow.
    end_runs(server.home)

    assert wanted == []
