"""Training for real, with a tiny network on chains made on the spot."""

import dataclasses
import json
import os
import signal

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from safetensors.numpy import load_file

import distmat
from distmat.errors import DatasetError, RunError
from distmat.training.callbacks import StopOnSignal
from distmat.training.config import TrainingConfig
from distmat.training.trainer import train


def helix(residues: int) -> np.ndarray:
    """Cα atoms of an ideal α-helix: 100° and 1.5 Å a residue on a radius of 2.3 Å."""
    turn = np.radians(100) * np.arange(residues)
    return np.stack([2.3 * np.cos(turn), 2.3 * np.sin(turn), 1.5 * np.arange(residues)], axis=1)


def strand(residues: int) -> np.ndarray:
    """Cα atoms of an extended strand: 3.3 Å a residue, zigzag."""
    index = np.arange(residues)
    return np.stack([0.9 * (index % 2), np.zeros(residues), 3.3 * index], axis=1)


@pytest.fixture(scope="module")
def dataset(tmp_path_factory):
    """Helices of alanine and leucine, strands of valine and threonine: the sequence tells."""
    rng = np.random.default_rng(0)
    rows = []
    for index in range(24):
        n = int(rng.integers(20, 27))
        letters, shape = (("AL", helix), ("VT", strand))[index % 2]
        rows.append((f"c{index}", "".join(rng.choice(list(letters), n)), shape(n).ravel()))
    columns = dict(zip(("id", "sequence", "ca"), map(list, zip(*rows, strict=True)), strict=True))
    path = tmp_path_factory.mktemp("data") / "shapes.parquet"
    pq.write_table(pa.table(columns), path)
    return path


def config(dataset, output, **changes) -> TrainingConfig:
    return TrainingConfig(
        **{
            "train": str(dataset),
            "val": str(dataset),
            "output": str(output),
            "hidden_size": 16,
            "layers": 1,
            "attention_heads": 2,
            "pair_width": 8,
            "triangle_rank": 4,
            "dilations": (1,),
            "bins": 48,
            "crops": (32,),
            "pairs_per_batch": 4 * 32**2,
            "max_steps": 12,
            "warmup_steps": 2,
            "learning_rate": 1e-2,
            "log_every": 1,
            "evaluate_every": 6,
            "evaluation_chains": 4,
            "evaluation_max_length": 64,
            **changes,
        }
    )


def test_a_model_learns_what_the_separation_alone_does_not_tell(dataset, tmp_path):
    changes = {"dropout": 0.0, "masked_residues": 0.0, "log_every": 50}
    changes |= {"max_steps": 150, "evaluate_every": 75}
    result = train(config(dataset, tmp_path / "run", **changes))
    scores = result.as_dict()
    assert scores["model"]["mae"] < 0.7 * scores["baseline"]["mae"]
    predictor = distmat.load(tmp_path / "run")
    assert predictor.calibration is not None
    assert predictor.card["max_length"] == 32 and predictor.card["train_chains"] == 24
    as_helix = predictor.predict("AL" * 12).distances[2, 22]
    as_strand = predictor.predict("VT" * 12).distances[2, 22]
    assert as_strand > as_helix + 10
    written = json.loads((tmp_path / "run" / "training_config.json").read_text())
    assert TrainingConfig().with_settings(written).max_steps == 150


def test_a_stopped_run_resumes_to_the_same_weights_to_the_bit(dataset, tmp_path, monkeypatch):
    train(config(dataset, tmp_path / "whole"))

    def stop_at_step_five(self, args, state, control, **kwargs):
        if state.global_step == 5:
            os.kill(os.getpid(), signal.SIGTERM)

    with monkeypatch.context() as patch:
        patch.setattr(StopOnSignal, "on_step_begin", stop_at_step_five)
        assert train(config(dataset, tmp_path / "parts")) is None
    assert not (tmp_path / "parts" / "model.safetensors").exists()
    assert train(config(dataset, tmp_path / "parts"), resume=True) is not None
    whole, parts = (
        load_file(tmp_path / run / "checkpoint-12" / "model.safetensors")
        for run in ("whole", "parts")
    )
    for name in whole:
        np.testing.assert_array_equal(parts[name], whole[name])


def test_a_checkpoint_cut_short_is_not_resumed_from(dataset, tmp_path):
    train(config(dataset, tmp_path / "run"))
    (tmp_path / "run" / "checkpoint-12" / "trainer_state.json").unlink()
    again = train(config(dataset, tmp_path / "run"), resume=True)
    assert again is not None


def test_every_checkpoint_of_a_run_opens_for_prediction(dataset, tmp_path):
    train(config(dataset, tmp_path / "run"))
    predicted = distmat.load(tmp_path / "run" / "checkpoint-6").predict("ALALALAL")
    assert predicted.distances.shape == (8, 8)


def test_only_listed_chains_are_used(dataset, tmp_path):
    listed = tmp_path / "chains.csv"
    listed.write_text("id,split\n" + "".join(f"c{i},train\n" for i in range(6)) + "c7,val\n")
    train(config(dataset, tmp_path / "run", chains=str(listed), max_steps=6))
    assert distmat.load(tmp_path / "run").card["train_chains"] == 6


@pytest.mark.parametrize(
    ("changes", "error", "words"),
    [
        ({"train": "nowhere"}, DatasetError, "There is no dataset 'nowhere'"),
        ({"chains": "nowhere.csv"}, DatasetError, "There is no list of chains at nowhere.csv"),
        ({"evaluation_max_length": 18}, DatasetError, "raise evaluation_max_length"),
    ],
)
def test_a_run_that_cannot_start_says_why(dataset, tmp_path, changes, error, words):
    with pytest.raises(error, match=words):
        train(dataclasses.replace(config(dataset, tmp_path / "run"), **changes))


def test_a_run_is_never_overwritten_nor_resumed_out_of_nothing(dataset, tmp_path):
    with pytest.raises(RunError, match="no checkpoint"):
        train(config(dataset, tmp_path / "none"), resume=True)
    train(config(dataset, tmp_path / "run", max_steps=6))
    with pytest.raises(RunError, match="already holds a run"):
        train(config(dataset, tmp_path / "run", max_steps=6))
