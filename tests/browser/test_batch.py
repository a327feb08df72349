"""Many chains from one file to one archive."""

import csv
import io
import zipfile

import numpy as np
import pytest

from distmat.protein.examples import examples
from tests.browser.test_addresses import assert_opened
from tests.browser.test_predict import open_page

pytestmark = pytest.mark.xdist_group("browser")


def test_many_sequences_become_a_table_and_an_archive(context, address):
    letters = examples()[7].read().sequence
    chains = {f"chain-{k}": letters[: 30 + k] for k in range(10)}
    fasta = "".join(f">{name}\n{sequence}\n" for name, sequence in chains.items())
    page = context.new_page()
    try:
        open_page(page, address)
        assert_opened(page, "Distance map and backbone", "Predict · distmat")
        page.get_by_text("Many sequences", exact=True).click()
        form = page.get_by_test_id("stForm").filter(has_text="To take home of each chain")
        form.locator("input[type=file]").set_input_files(
            {"name": "many.fasta", "mimeType": "text/plain", "buffer": fasta.encode()}
        )
        form.get_by_text("many.fasta").wait_for()
        form.get_by_role("button", name="Predict all").click()
        page.get_by_text("many.fasta: 10 chains").first.wait_for()
        archive = page.get_by_role("button", name="Download all, ZIP")
        archive.wait_for()
        page.locator("[data-testid=stApp][data-test-script-state=notRunning]").wait_for()
        with page.expect_download() as download:
            archive.click()
        with zipfile.ZipFile(download.value.path()) as files:
            names = files.namelist()
            table = next(name for name in names if name.endswith(".csv"))
            rows = list(csv.DictReader(io.TextIOWrapper(files.open(table), encoding="utf-8")))
            one = next(name for name in names if name.endswith("chain-3.npy"))
            assert np.load(io.BytesIO(files.read(one))).shape == (33, 33)
        assert [row["name"] for row in rows] == list(chains)
    finally:
        page.close()
