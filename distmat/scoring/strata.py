"""Groups of chains that a predictor may be better or worse at."""

import math
from collections.abc import Mapping
from typing import Any

LENGTHS = ((0, 100), (100, 150), (150, 200), (200, 256), (256, 400), (400, 10**9))
"""Residues: from, and below."""
IDENTITIES = ((0.0, 0.3), (0.3, 0.5), (0.5, 0.9), (0.9, 1.01))
"""Of the surest template: from, and below."""

_MUCH, _LITTLE = 0.30, 0.10


def structure_class(helix: float, strand: float) -> str:
    """Mainly α, mainly β, both or little of either, by the shares of the residues.

    After CATH's classes; the limits, 30 % and 10 %, are our own.
    """
    if not math.isfinite(helix + strand):
        return "unknown"
    if helix >= _MUCH and strand < _LITTLE:
        return "mainly α"
    if strand >= _MUCH * 2 / 3 and helix < _LITTLE:
        return "mainly β"
    if helix >= _LITTLE and strand >= _LITTLE:
        return "α and β"
    return "mixed or little"


def stratum(row: Mapping[str, Any], by: str) -> str:
    """The group of a chain.

    Parameters
    ----------
    row : mapping
        With ``length``, ``class`` and ``template_identity``.
    by : str
        ``"length"``, ``"class"`` or ``"template"``.
    """
    if by == "length":
        low, high = next((a, b) for a, b in LENGTHS if row["length"] < b)
        return f"≥ {low}" if high == LENGTHS[-1][1] else f"{max(low, 1)}–{high - 1}"
    if by == "template":
        identity = row.get("template_identity")
        if identity is None:
            return "none"
        least, most = next((a, b) for a, b in IDENTITIES if identity < b)
        return f"{least:.0%}–{min(most, 1.0):.0%} identical"
    return str(row[by])


STRATA = {"length": "Residues", "class": "Class, by P-SEA", "template": "Surest template"}
"""Ways to group chains, and what each is called."""
