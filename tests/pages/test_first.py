"""A page that is addressed first opens as well as one that others were opened before."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

OPEN = """
import os, sys
import biotite.structure.io, pandas, plotly.express, pyarrow.parquet, scipy.optimize, scipy.stats
from streamlit.components.v2 import manifest_scanner
from streamlit.testing.v1 import AppTest

# As in the other tests of pages: it takes longest and finds nothing.
manifest_scanner.scan_component_manifests = lambda *args, **kwargs: []
for page in sys.argv[1:]:
    # Each in a process that has imported libraries and nothing of ours.
    if not (child := os.fork()):
        app = AppTest.from_file("pages/navigation.py", default_timeout=120)
        app.switch_page(f"{page}.py").run()
        print(page, [fault.message for fault in app.exception], app.title[0].value, flush=True)
        os._exit(0)
    os.waitpid(child, 0)
"""

TITLES = {
    "predict": "Distance map and backbone from a sequence",
    "maps": "Anyone's map",
    "evaluate": "Evaluate",
    "train": "Train a model",
    "runs": "Runs",
    "data": "Datasets",
}


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork")
def test_each_page_opens_first(tmp_path):
    environment = {**os.environ, "DISTMAT_HOME": str(tmp_path)}
    command = [sys.executable, "-c", OPEN, *TITLES]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
    assert done.stdout.splitlines() == [f"{page} [] {title}" for page, title in TITLES.items()], (
        done.stderr
    )
