"""Train, val and test: groups of relatives stay whole, so that no test chain has one in train."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from distmat.dataset.clustering import LINK_COVERAGE, Hits, components, relatives
from distmat.dataset.schema import SPLITS
from distmat.errors import ConfigError

MARGIN = 0.9
"""Chains are kept apart from this part of the identity and coverage of relatives on: where an
alignment ends, and so both shares, differs a little from search to search."""

_SPARE = 1.5
"""Times the chains that are wanted in val and test are searched for relatives."""


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


def select_holdout(group: np.ndarray, shares: Shares, seed: int) -> np.ndarray:
    """Chains that could be held out: more than are wanted, for some will have relatives in train.

    A group that is large for val or test isn't among them: one family makes no test.

    Parameters
    ----------
    group : ndarray, shape=(chains,), dtype=int
    shares : Shares
        Of the chains.
    seed : int

    Returns
    -------
    ndarray, shape=(chains,), dtype=bool
        Whole groups.
    """
    if not shares.train:
        return np.ones(len(group), dtype=bool)
    rooms = _rooms(len(group), shares)
    room = round(_SPARE * sum(rooms.values()))
    sizes = np.bincount(group)
    largest = max((_largest_group(room) for room in rooms.values()), default=0)
    chosen = np.zeros(len(sizes), dtype=bool)
    for number in np.random.default_rng(seed).permutation(len(sizes)):
        if sizes[number] <= min(room, largest):
            chosen[number] = True
            room -= int(sizes[number])
    return chosen[group]


def assign_splits(
    group: np.ndarray,
    proposed: np.ndarray,
    hits: Hits,
    identity: float,
    shares: Shares,
    seed: int,
) -> np.ndarray:
    """Share the chains out so that no two relatives lie in different splits.

    Parameters
    ----------
    group : ndarray, shape=(chains,), dtype=int
    proposed : ndarray, shape=(chains,), dtype=bool
        See `select_holdout`.
    hits : Hits
        Of all proposed chains (queries) in all chains (targets), both by their places. So
        whatever becomes of a proposed chain, its relatives are known.
    identity : float
        Share that makes relatives.
    shares : Shares
    seed : int
        As in `select_holdout`.

    Returns
    -------
    ndarray, shape=(chains,), dtype=str
        ``"train"``, ``"val"`` or ``"test"``.
    """
    related = relatives(hits, MARGIN * identity, MARGIN * LINK_COVERAGE)
    places = np.arange(len(group))
    # Every chain is tied to the first of its group, and so to the whole group.
    _, first = np.unique(group, return_index=True)
    pairs = np.concatenate(
        [
            np.stack([places, first[group]], axis=1),
            np.stack([related.query, related.target], axis=1),
        ]
    )
    family = components(len(group), pairs)
    sizes = np.bincount(family)
    free = np.ones(len(sizes), dtype=bool)
    free[family[~proposed]] = False
    chosen = np.full(len(sizes), _rest(shares), dtype="<U5")
    order = np.random.default_rng(seed).permutation(len(sizes))
    for split, room in _rooms(len(group), shares).items():
        largest = _largest_group(room)
        for number in order:
            if free[number] and sizes[number] <= min(room, largest):
                chosen[number], free[number] = split, False
                room -= int(sizes[number])
    return chosen[family]


def _rooms(n: int, shares: Shares) -> dict[str, int]:
    """Chains that are wanted in the splits that are filled; the rest goes to `_rest`."""
    return {
        split: round(shares.of(split) * n)
        for split in ("test", "val")
        if getattr(shares, split) and split != _rest(shares)
    }


def _rest(shares: Shares) -> str:
    return "train" if shares.train else "val" if shares.val else "test"


def _largest_group(room: int) -> int:
    return max(1, room // 5)


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
        As in `assign_splits`.
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
