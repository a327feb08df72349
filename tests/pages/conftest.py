from functools import cache

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from distmat import prediction_tasks
from distmat.errors import SequenceError
from distmat.protein.distance_map import DistanceMap, separation
from distmat.protein.examples import examples
from distmat.scoring.baseline import SeparationBaseline
from distmat.ui import run_store, showcase, workers
from distmat.ui.predict import view

LONGEST = 300
"""Residues that the stand-in's memory holds."""


class StandIn:
    """Answers at once, and knows the examples' structures within some noise."""

    calibration = None

    def __init__(self, noise=2.0):
        self.noise = noise
        self.card = {"max_length": 150, "train_chains": 1234}
        self.baseline = SeparationBaseline(np.tile(3.8 * np.arange(500) ** 0.6, (30, 1)))
        self.known = known_maps()
        self.asked = []

    takes_templates = False
    training_sequences = None

    def hears_couplings(self, alignment):
        return False

    def describe_use(self, alignment):
        return "" if alignment is None else "The stand-in saw the query alone."

    def predict(self, sequence, progress=None, templates=(), alignment=None, readout="consistent"):
        self.asked.append(sequence)
        if len(sequence) > LONGEST:
            raise SequenceError(f"The sequence has {len(sequence)} residues; *cut* it.")
        n = len(sequence)
        table = self.baseline.predict(n)
        known = self.known.get(sequence, table)
        noise = np.random.default_rng(0).normal(0, self.noise, (n, n))
        distances = np.where(np.isfinite(known), known, table) + np.triu(noise, 1)
        distances = np.triu(np.maximum(distances, 3.3), 1)
        distances += distances.T
        std = np.where(separation(n) > 0, 2.0, 0.0)
        return DistanceMap(sequence, distances, std, np.exp(-distances / 8))


@cache
def known_maps():
    chains = [example.read() for example in examples()]
    return {chain.sequence: chain.distances for chain in chains}


@pytest.fixture(autouse=True, scope="session")
def no_search_for_components():
    """Streamlit searches all installed packages for components each time that a page is opened.

    It takes most of the time of these tests, and the app uses none.
    """
    with pytest.MonkeyPatch.context() as patch:
        scan = "streamlit.components.v2.manifest_scanner.scan_component_manifests"
        patch.setattr(scan, lambda *args, **kwargs: [])
        yield


@pytest.fixture
def predictor(monkeypatch):
    """In place of the network, which takes seconds to load."""
    stand_in = StandIn()
    compute_here(monkeypatch)
    monkeypatch.setattr(prediction_tasks, "_predictor", lambda folder, identity: stand_in)
    learned = lambda folder, identity: stand_in.training_sequences  # noqa: E731
    monkeypatch.setattr(prediction_tasks, "_training_sequences", learned)
    monkeypatch.setattr(prediction_tasks, "_library", lambda path, identity: None)
    return stand_in


@pytest.fixture(autouse=True)
def _here(monkeypatch):
    compute_here(monkeypatch)


def compute_here(monkeypatch):
    """What pages have computed is computed in this process, where the stand-in is."""
    view._views.clear()
    monkeypatch.setattr(workers, "_workers", Here)


class Here:
    def run(self, task, *arguments, progress=None):
        return task(*arguments, progress=progress or (lambda share, text: None))


@pytest.fixture
def app(predictor, tmp_path, monkeypatch):
    """The app as a newcomer finds it, not yet opened."""
    monkeypatch.setenv("DISTMAT_HOME", str(tmp_path))
    run_store._store.clear()
    return AppTest.from_file("../../pages/navigation.py", default_timeout=120)


@pytest.fixture
def page(app, monkeypatch):
    """The page Predict, to which the first click on Home leads."""
    hide_showcase(monkeypatch)
    return app.run().switch_page("predict.py")


def hide_showcase(monkeypatch):
    """For tests of something else: what is shown there is none of their predictions."""
    monkeypatch.setattr(showcase, "shipped_checkpoint", lambda: None)
