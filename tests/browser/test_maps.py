"""Somebody's map, from the upload to a link and a file to take home."""

import gzip
import re

import numpy as np
import pytest

from distmat.protein.examples import examples
from distmat.protein.structure.write import write_pdb
from tests.browser.picture import BLUE, ORANGE, share_like
from tests.browser.test_explorer import FIND, Map, read, state
from tests.browser.test_predict import solid_explorer
from tests.browser.waiting import assert_becomes
from tests.runs.conftest import wait_until

pytestmark = pytest.mark.xdist_group("browser")


def show_file(page, place, path):
    page.locator("input[type=file]").nth(place).set_input_files(path)


def shown(page, layer):
    """The explorer, once it has this layer."""
    explorer = solid_explorer(page)
    explorer.locator(f"[data-layer='{layer}']").wait_for()
    page.evaluate(f"() => {{ {FIND} }}")
    return explorer


def test_a_map_is_held_against_structure_and_map_linked_to_and_taken_home(
    webgl_context, webgl_offline, address, tmp_path
):
    page, wanted = webgl_offline
    chain = examples()[7].read()
    noise = np.random.default_rng(0)
    for name, size in (("map", 1.0), ("other", 3.0)):
        moved = chain.ca + noise.normal(0, size, chain.ca.shape)
        np.save(tmp_path / f"{name}.npy", np.linalg.norm(moved[:, None] - moved, axis=-1))
    structure = tmp_path / "true.pdb.gz"
    structure.write_bytes(gzip.compress(write_pdb(chain.sequence, chain.ca).encode()))

    page.goto(f"{address}/maps")
    page.get_by_role("heading", name="Anyone's map").wait_for()
    show_file(page, 0, tmp_path / "map.npy")
    page.get_by_role("heading", name="map.npy").wait_for()
    page.get_by_role("button", name="Explorer, HTML").wait_for()
    show_file(page, 1, structure)
    page.get_by_text("Better than knowing nothing").wait_for()
    explorer = shown(page, "true")
    view = explorer.locator(".scene")
    wait_until(lambda: min(share_like(view.screenshot(), c) for c in (ORANGE, BLUE)) > 0.002)
    cells = Map(page)
    cells.point(9, 40)
    assert_becomes(lambda: read(page).get("structure"), f"{chain.distances[9, 40]:.1f} Å")
    cells.click(9, 40)
    page.wait_for_url(re.compile("pins"))

    # A second window has map, structure and mark; the other map comes in by itself there.
    second = webgl_context.new_page()
    second.goto(page.url)
    shown(second, "true")
    assert_becomes(lambda: state(second, "pins"), [{"i": 9, "j": 40}])
    with second.expect_download() as download:
        second.get_by_role("button", name="Pairs, CSV").click()
    header = download.value.path().read_text(encoding="utf-8").splitlines()[0]
    assert header.split(",")[:2] == ["i", "j"] and "structure" in header
    show_file(second, 2, tmp_path / "other.npy")
    second.get_by_role("heading", name="Against the other map").wait_for()
    second.close()
    assert wanted == []
