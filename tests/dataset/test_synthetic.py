"""The synthetic set: what it promises, measured with what knows nothing of how it is made."""

import numpy as np
import pytest

from distmat.dataset.store import fingerprint, read_dataset
from distmat.dataset.synthetic import LENGTHS, ensure_synthetic, synthetic_dataset
from distmat.geometry.chain_geometry import bonds_right, clashes
from distmat.geometry.handedness import choose_hand, trace_angles


@pytest.fixture(scope="module")
def dataset():
    return synthetic_dataset(60)


def test_the_same_seed_gives_the_same_set_and_another_one_another(dataset):
    assert fingerprint(synthetic_dataset(60)) == fingerprint(dataset)
    assert fingerprint(synthetic_dataset(60, seed=1)) != fingerprint(dataset)
    few = synthetic_dataset(5)
    assert [c.sequence for c in few.chains] == [c.sequence for c in dataset.chains[:5]]


def test_chains_have_bonds_of_proteins_and_never_run_into_themselves(dataset):
    for chain in dataset.chains:
        assert LENGTHS[0] <= len(chain) <= LENGTHS[1] and chain.observed.all()
        assert bonds_right(chain.ca) == 1.0 and clashes(chain.ca) == 0.0
        distances = np.triu(chain.distances, 3)
        assert distances[distances > 0].min() > 3.99


def test_chains_have_the_hand_of_proteins(dataset):
    hands = [choose_hand(chain.ca.astype(float)) for chain in dataset.chains]
    assert not any(hand.mirrored for hand in hands)
    assert sum(hand.verdict == "chosen" for hand in hands) > 50


def test_chains_stay_together_about_as_proteins_do(dataset):
    ratio = []
    for chain in dataset.chains:
        gyration = np.sqrt(((chain.ca - chain.ca.mean(axis=0)) ** 2).sum(axis=1).mean())
        ratio.append(gyration / (2.2 * len(chain) ** 0.38))
    assert 0.9 < np.mean(ratio) < 1.3 and max(ratio) < 2


def test_the_sequence_tells_where_helices_and_strands_are(dataset):
    turns = {"helix": "", "strand": ""}
    for chain in dataset.chains:
        _, tau = trace_angles(chain.ca)
        for letter, dihedral in zip(chain.sequence, tau, strict=True):
            if 40 < dihedral < 60:
                turns["helix"] += letter
            elif dihedral > 150 or dihedral < -150:
                turns["strand"] += letter
    share = {
        name: {letter: letters.count(letter) / len(letters) for letter in "EAVI"}
        for name, letters in turns.items()
    }
    assert share["helix"]["E"] > 3 * share["strand"]["E"]
    assert share["strand"]["V"] > 1.5 * share["helix"]["V"]


def test_it_is_split_and_named_for_what_it_is(tmp_path, monkeypatch):
    monkeypatch.setenv("DISTMAT_HOME", str(tmp_path))
    monkeypatch.setattr("distmat.dataset.synthetic.CHAINS", 30)
    path = ensure_synthetic()
    dataset = read_dataset(path)
    assert dataset.name == "synthetic"
    assert all(chain.name.startswith("synthetic_") for chain in dataset.chains)
    parts = {split: len(dataset.of_split(split)) for split in ("train", "val", "test")}
    assert parts["train"] == 0.8 * len(dataset) and parts["val"] == parts["test"]
    written = path.stat().st_mtime_ns
    assert ensure_synthetic() == path and path.stat().st_mtime_ns == written
