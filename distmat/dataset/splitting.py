"""Train, val and test: groups of relatives stay whole, so that no test chain has one in train."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from distmat.dataset.clustering import LINK_COVERAGE, Hits, relatives
from distmat.dataset.store import SPLITS
from distmat.errors import ConfigError

MARGIN = 0.9
"""Chains are kept apart from this part of the identity and coverage of relatives on: where an
alignment ends, and so both shares, differs a little from search to search."""


@dataclass(frozen=True)
class Shares:
    """How the chains are shared out; in any unit, for they are divided by their sum."""

    train: float = 0.8
    """To learn from."""

    val: float = 0.1
    """To choose checkpoints by."""

    test: float = 0.1
    """To report on, once."""

    def __post_init__(self) -> None:
        for name in SPLITS:
            share = getattr(self, name)
            if not 0 <= share < float("inf"):
                raise ConfigError(f"{name} is {share}; a share is 0 or more.")
        if not self.train + self.val + self.test > 0:
            raise ConfigError("All shares are 0; give at least one of train, val and test.")

    def of(self, split: str) -> float:
        """A split's part of the whole, 0 to 1."""
        return getattr(self, split) / (self.train + self.val + self.test)


def split_groups(group: np.ndarray, shares: Shares, seed: int) -> np.ndarray:
    """Share out whole groups in random order.

    A group that is large for val or test goes to train: one family makes no test.

    Parameters
    ----------
    group : ndarray, shape=(chains,), dtype=int
    shares : Shares
        Of the chains.
    seed : int

    Returns
    -------
    ndarray, shape=(chains,), dtype=str
        ``"train"``, ``"val"`` or ``"test"``.
    """
    sizes = np.bincount(group)
    n = len(group)
    chosen = np.full(len(sizes), "train" if shares.train else "val" if shares.val else "test")
    order = np.random.default_rng(seed).permutation(len(sizes))
    taken = np.zeros(len(sizes), dtype=bool)
    for split in ("test", "val"):
        room = round(shares.of(split) * n)
        if not shares.train and split == "val" and shares.val:
            continue
        largest = max(1, room // 5)
        for number in order:
            if not taken[number] and sizes[number] <= min(room, largest):
                chosen[number], taken[number] = split, True
                room -= int(sizes[number])
    return chosen[group]


def without_leaks(
    splits: np.ndarray, group: np.ndarray, hits: Hits, identity: float
) -> tuple[np.ndarray, int]:
    """Move groups until no two relatives lie in different splits.

    Parameters
    ----------
    splits : ndarray, shape=(chains,), dtype=str
    group : ndarray, shape=(chains,), dtype=int
    hits : Hits
        Of all held-out chains (queries) in all chains (targets), both by their places.
    identity : float
        Share that makes relatives.

    Returns
    -------
    splits : ndarray, shape=(chains,), dtype=str
    moved : int
        Chains that changed their split: to train, or from val to test.
    """
    rank = np.array([SPLITS.index(name) for name in splits])
    before = rank.copy()
    related = relatives(hits, MARGIN * identity, MARGIN * LINK_COVERAGE)
    while True:
        # Train draws everything; between the other two val does.
        lower = np.minimum(rank[related.query], rank[related.target])
        lowest = np.full(int(group.max(initial=-1)) + 1, len(SPLITS))
        np.minimum.at(lowest, group, rank)
        np.minimum.at(lowest, group[related.query], lower)
        np.minimum.at(lowest, group[related.target], lower)
        if (lowest[group] == rank).all():
            return np.array(SPLITS)[rank], int((rank != before).sum())
        rank = lowest[group]


def leak_report(
    names: Sequence[str], splits: np.ndarray, hits: Hits, identity: float
) -> dict[str, object]:
    """How near any held-out chain comes to train.

    Parameters
    ----------
    names : sequence of str
        Of the chains.
    splits : ndarray, shape=(chains,), dtype=str
    hits : Hits
        As in `without_leaks`.
    identity : float
        Share that makes relatives.

    Returns
    -------
    dict
        ``relatives``: pairs of a held-out and a training chain that are; ``highest_identity``
        over at least half of the shorter chain, and the ``pair`` that has it; None without one.
    """
    across = hits.where((splits[hits.query] != "train") & (splits[hits.target] == "train"))
    covering = relatives(across, 0.0)
    best = int(covering.identity.argmax()) if len(covering) else None
    return {
        "held_out_chains": int((splits != "train").sum()),
        "relatives": len(relatives(across, identity)),
        "highest_identity": None if best is None else round(float(covering.identity[best]), 3),
        "pair": None
        if best is None
        else [names[covering.query[best]], names[covering.target[best]]],
    }
