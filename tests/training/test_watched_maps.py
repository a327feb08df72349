import numpy as np
import pytest

from distmat.errors import RunError
from distmat.protein.chain import Chain
from distmat.training import watched_maps
from distmat.training.watched_maps import (
    WatchedMap,
    choose_watched,
    list_watched_steps,
    read_step,
    read_truth,
    write_step,
    write_truth,
)


def chain(name, residues):
    ca = np.cumsum(np.random.default_rng(residues).normal(0, 2.2, (residues, 3)), axis=0)
    ca[1] = np.nan
    return Chain(name, ("ACDEFGHIKL" * residues)[:residues], ca)


def written(folder, step, residues=30):
    rng = np.random.default_rng(step)
    distances = np.triu(rng.uniform(3, 60, (residues, residues)), 1)
    one = WatchedMap(distances + distances.T, 4.5, 5.5)
    write_step(folder, step, {"a": one})
    return one


def test_chains_and_maps_come_back_as_they_were_written(tmp_path):
    chains = [chain("a", 30), chain("b/../c", 12)]
    write_truth(tmp_path, chains)
    for one, read in zip(chains, read_truth(tmp_path), strict=True):
        assert (read.name, read.sequence) == (one.name, one.sequence)
        np.testing.assert_allclose(read.true, one.distances, atol=1e-4)
    before = written(tmp_path, 500)
    after = read_step(tmp_path, 500)["a"]
    np.testing.assert_allclose(after.distances, before.distances, atol=0.03)
    np.testing.assert_array_equal(after.distances, after.distances.T)
    assert (after.mae, after.baseline_mae) == (4.5, 5.5)


@pytest.mark.parametrize("residues", [2, 3, 4, 5, 99, 100, 101, 200])
def test_a_map_of_any_length_is_as_large_again(tmp_path, residues):
    written(tmp_path, 1, residues)
    assert read_step(tmp_path, 1)["a"].distances.shape == (residues, residues)


def test_a_run_that_goes_on_from_an_earlier_step_leaves_later_maps_behind(tmp_path):
    for step in (10, 20, 30):
        written(tmp_path, step)
    written(tmp_path, 20)
    assert list_watched_steps(tmp_path) == [10, 20]


def test_of_many_evaluations_some_are_kept_as_evenly_as_can_be(tmp_path, monkeypatch):
    monkeypatch.setattr(watched_maps, "MOST_STEPS", 6)
    for step in range(1, 25):
        written(tmp_path, step, 4)
        there = list_watched_steps(tmp_path)
        assert there[0] == 1 and there[-1] == step and len(there) == min(step, 6)
    assert np.diff(there).max() <= 8


def test_a_short_a_middling_and_a_long_chain_are_watched_whatever_their_order():
    chains = [chain(f"c{n}", n) for n in (50, 10, 190, 300, 20, 90)]
    assert [len(one) for one in choose_watched(chains)] == [10, 50, 190]
    assert choose_watched(chains[::-1]) == choose_watched(chains)
    assert choose_watched(chains[:1]) == tuple(chains[:1]) and choose_watched([]) == ()
    assert [len(one) for one in choose_watched(chains[:1])] == [50]
    # Where all are long the shortest ones are.
    long = [chain(f"c{n}", n) for n in (900, 400, 300, 500)]
    assert [len(one) for one in choose_watched(long)] == [300, 400, 500]


def test_a_damaged_file_is_said_with_its_place(tmp_path):
    assert read_truth(tmp_path) == () and list_watched_steps(tmp_path) == []
    written(tmp_path, 10)
    path = watched_maps._path(tmp_path, 10)
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(RunError, match=r"step-00000010\.npz can't be read"):
        read_step(tmp_path, 10)
    with pytest.raises(RunError, match="can't be read"):
        read_step(tmp_path, 20)


def test_three_chains_take_little_room(tmp_path):
    rng = np.random.default_rng(0)
    maps = {}
    for name in "abc":
        distances = np.triu(rng.uniform(3, 40, (128, 128)), 1)
        maps[name] = WatchedMap(distances + distances.T, 4.5, 5.5)
    write_step(tmp_path, 1, maps)
    assert watched_maps._path(tmp_path, 1).stat().st_size < 60_000
