"""The explorer's view as a short text for an address, and back again."""

import json
import math
from collections.abc import Mapping
from typing import Any

MOST_LETTERS = 1500
"""Of such a text; twenty marked pairs take 400."""
_MOST_PINS = 20
_FARTHEST = 1e4
"""Å that a scene may be shifted."""
_WORDS = ("above", "below", "truth", "colour")


def read_view(text: str, residues: int) -> dict[str, Any] | None:
    """The view that an address names; None where it names none, or one that there can't be.

    Parameters
    ----------
    text : str
        As `write_view` makes it; may hold anything.
    residues : int
        Of the chain.

    Returns
    -------
    dict or None
        Layers of the triangles, marked pairs, box, stage, how the traces are drawn, the part of the
        map that is shown (``zoom``, in cells), and the ``camera``: shift in Å, how near, and the
        turn as a quaternion.
    """
    if not text or len(text) > MOST_LETTERS:
        return None
    try:
        given = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return check_view(given, residues) if isinstance(given, Mapping) else None


def write_view(view: Mapping[str, Any]) -> str:
    """A view as text; empty for the one that opens by itself."""
    return json.dumps(view, separators=(",", ":"), ensure_ascii=True) if view else ""


def check_view(given: Mapping[str, Any], residues: int) -> dict[str, Any] | None:
    """What of a view can be; None if a part of it can't.

    Parameters
    ----------
    given : mapping
    residues : int
    """

    def inside(part: Any, *names: str) -> bool:
        return (
            isinstance(part, Mapping)
            and set(part) == set(names)
            and all(type(part[n]) is int and 0 <= part[n] < residues for n in names)
        )

    view: dict[str, Any] = {}
    for name, value in given.items():
        fine = (
            (name in _WORDS and isinstance(value, str) and value.isidentifier())
            or (name == "stage" and type(value) is int and 0 <= value < 10)
            or (name == "mirror" and isinstance(value, bool))
            or (name == "box" and (value is None or inside(value, "i0", "i1", "j0", "j1")))
            or (name == "zoom" and (value is None or _is_zoom(value, residues)))
            or (name == "camera" and (value is None or _is_camera(value)))
            or (
                name == "pins"
                and isinstance(value, list)
                and len(value) <= _MOST_PINS
                and all(inside(pin, "i", "j") for pin in value)
            )
        )
        if not fine:
            return None
        view[name] = value
    return view


def _is_zoom(part: Any, residues: int) -> bool:
    """Whether it is a square of cells inside the map."""
    if not isinstance(part, Mapping) or set(part) != {"x", "y", "size"}:
        return False
    x, y, size = part["x"], part["y"], part["size"]
    if not all(_is_number(value) for value in (x, y, size)):
        return False
    # As it is told with one digit, it may seem to reach over the edge by less than a cell.
    return bool(0 < size <= residues and min(x, y) >= 0 and max(x, y) + size < residues + 1)


def _is_camera(part: Any) -> bool:
    """Whether a camera can stand there: near enough, and turned by a quaternion of length 1."""
    if not isinstance(part, list) or len(part) != 8 or not all(map(_is_number, part)):
        return False
    shift, zoom, turn = part[:3], part[3], part[4:]
    length = math.hypot(*turn)
    return bool(max(map(abs, shift)) < _FARTHEST and 0.01 <= zoom <= 100 and 0.99 < length < 1.01)


def _is_number(value: Any) -> bool:
    return type(value) in (int, float) and math.isfinite(value)
