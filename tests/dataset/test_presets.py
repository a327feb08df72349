"""Datasets by name, and the benchmark's list."""

import csv
import runpy
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from distmat.dataset.id_list import read_ids
from distmat.dataset.presets import PRESETS, preset
from distmat.dataset.store import DatasetWriter, read_dataset
from distmat.errors import DatasetError
from distmat.protein.entry_id import normal_id
from distmat.protein.examples import examples
from distmat.workspace import dataset_path

REBUILD = Path(__file__).parents[2] / "benchmark" / "rebuild.py"


@pytest.mark.parametrize("name", PRESETS)
def test_every_preset_is_a_list_of_ids_that_ships(name):
    known = preset(name)
    assert known.words and known.entries > 100
    chains = read_ids(Path(*known.inputs))
    assert len(chains) >= known.entries
    assert all(split for _, split in chains)


def test_a_preset_that_there_is_not_is_refused_with_those_that_there_are():
    with pytest.raises(DatasetError, match="'casp'; there is: mini, benchmark, foldbench"):
        preset("casp")


@pytest.fixture
def rebuild(tmp_path, monkeypatch) -> dict:
    monkeypatch.setenv("DISTMAT_HOME", str(tmp_path))
    return runpy.run_path(str(REBUILD))


@pytest.fixture
def listed(rebuild, tmp_path):
    """Two examples in a workspace, and a list of them as the benchmark's."""
    chains = [example.read() for example in examples()[:2]]
    path = tmp_path / "datasets" / "two.parquet"
    path.parent.mkdir()
    with path.open("wb") as file, DatasetWriter(file) as writer:
        for chain in chains:
            writer.add(chain)
    rows = [
        {
            "id": chain.name,
            "split": split,
            "cluster": cluster,
            "rep": 1,
            "observed": int(chain.observed.sum()),
            "sha256": rebuild["digest"](chain),
        }
        for chain, split, cluster in zip(chains, ("val", "test"), (4, 9), strict=True)
    ]
    place = tmp_path / "chains.csv"
    with place.open("w", newline="") as file:
        table = csv.DictWriter(file, rows[0])
        table.writeheader()
        table.writerows(rows)
    return rebuild["read_list"](place), {normal_id(chain.name): chain for chain in chains}


def test_the_benchmark_is_written_with_the_lists_splits_and_clusters(rebuild, listed):
    rows, chains = listed
    assert not list(rebuild["differences"](rows, chains))
    rebuild["write"](rows, chains)
    dataset = read_dataset(dataset_path("benchmark"))
    assert dataset.splits.tolist() == ["val", "test"]
    assert dataset.clusters.tolist() == [4, 9]


def test_a_chain_that_changed_and_one_that_is_gone_are_named(rebuild, listed):
    rows, chains = listed
    first, second = chains
    changed = chains[first].ca.copy()
    changed[5] = np.nan
    faults = dict(rebuild["differences"](rows, {first: replace(chains[first], ca=changed)}))
    assert faults[second] == "not there"
    assert "observed residues, not the" in faults[first]
