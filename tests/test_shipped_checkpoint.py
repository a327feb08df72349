"""What ships as `checkpoints/mini` and `mini-long` is what their model cards say."""

import csv
from pathlib import Path

import numpy as np
import pytest

import distmat
from distmat.protein.distance_map import BANDS
from distmat.protein.examples import examples
from distmat.scoring.map_scores import score_map
from distmat.training.config import read_config
from distmat.training.network_arguments import network_config
from distmat.workspace import checkpoint_path

MINI = checkpoint_path("mini")
BENCHMARK = Path(__file__).parents[2] / "shared" / "data" / "test.parquet"


@pytest.fixture(scope="module")
def predictor():
    return distmat.load("mini")


@pytest.fixture(params=["mini", "mini-long"])
def folder(request):
    """Each of those that ship."""
    return checkpoint_path(request.param)


def test_it_is_small_and_holds_no_pickle(folder):
    sizes = {path.name: path.stat().st_size for path in folder.iterdir()}
    assert sizes.pop("library.parquet", 0) < 25 * 2**20
    assert sum(sizes.values()) < 25 * 2**20
    data = {".json", ".safetensors", ".csv", ".md", ".parquet"}
    assert {path.suffix for path in folder.iterdir()} <= data


def test_its_card_names_every_chain_it_was_trained_and_chosen_on(folder):
    predictor = distmat.load(folder)
    with (folder / "chains.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    train = {row["id"] for row in rows if row["split"] == "train"}
    val = {row["id"] for row in rows if row["split"] == "val"}
    assert len(train) == predictor.card["train_chains"]
    assert len(train) + len(val) == len(rows)
    assert not train & val
    assert set(predictor.training_sequences.names) == train


def test_the_settings_of_its_training_are_those_of_its_network(folder):
    predictor = distmat.load(folder)
    configs = [read_config(path) for path in sorted(folder.glob("training_config*.json"))]
    assert len({config.seed for config in configs}) == len(configs)
    for config in configs:
        shape = network_config(config)
        assert shape.head == predictor.network.config.head | {"dropout": config.dropout}
        assert shape.encoder.hidden_size == predictor.network.config.encoder.hidden_size


def test_its_deviations_are_calibrated_and_its_card_shows_how_well(predictor):
    factors = predictor.network.config.std_factors
    assert factors.keys() == BANDS.keys()
    assert all(0.8 < factor < 1.5 for factor in factors.values())
    card = (MINI / "README.md").read_text()
    assert all(f"| {band} |" in card for band in BANDS)
    assert (MINI / "../../docs/mini_maps.png").resolve().is_file()


def test_no_chain_of_the_benchmark_is_among_them(folder):
    if not BENCHMARK.is_file():
        pytest.skip("the benchmark data are not here")
    from distmat.dataset.store import read_dataset

    listed = (folder / "chains.csv").read_text()
    assert not [c.name for c in read_dataset(BENCHMARK).chains if f"{c.name}," in listed]


def test_on_the_built_in_examples_it_beats_knowing_only_the_separation(predictor):
    model, baseline = [], []
    for example in examples():
        chain = example.read()
        predicted = predictor.predict(chain.sequence)
        model.append(score_map(predicted.distances, chain.ca, predicted.contacts))
        baseline.append(score_map(predictor.baseline.predict(len(chain)), chain.ca))
    for name in ("mae", "rmse"):
        ours, theirs = (np.mean([getattr(s, name) for s in side]) for side in (model, baseline))
        assert ours < theirs
    assert np.mean([s.lddt for s in model]) > np.mean([s.lddt for s in baseline])


def test_it_brings_the_calibration_that_the_reconstruction_uses(predictor):
    assert predictor.calibration is not None
    assert ((predictor.calibration.rho >= 0) & (predictor.calibration.rho <= 1)).all()
