"""Heads: what turns residue states into distances. Each kind owns all facts about itself.

A built-in head is a module here and a line in `HEADS`; one of another package is an entry
point of the group ``distmat.heads``. Nothing here needs PyTorch until a head is built.
"""

from distmat.model.heads.kind import HeadKind, HeadMemory
from distmat.model.heads.pair import PairKind
from distmat.model.heads.placeholder import CoordinatesKind, PlaceholderKind
from distmat.model.registry import Registry

HEADS: Registry[HeadKind] = Registry(
    "head",
    "distmat.heads",
    {"pair": PairKind, "placeholder": PlaceholderKind, "coordinates": CoordinatesKind},
)
"""Every kind of head by its name."""

__all__ = ["HEADS", "HeadKind", "HeadMemory"]
