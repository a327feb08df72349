"""The explorer's view as a short text for an address, and back again."""

import json
from collections.abc import Mapping
from typing import Any

MOST_LETTERS = 1500
"""Of such a text; twenty marked pairs take 400."""
_MOST_PINS = 20
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
        Layers of the triangles, marked pairs, box, stage, and how the traces are drawn.
    """
    if not text or len(text) > MOST_LETTERS:
        return None
    try:
        given = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return checked_view(given, residues) if isinstance(given, Mapping) else None


def write_view(view: Mapping[str, Any]) -> str:
    """A view as text; empty for the one that opens by itself."""
    return json.dumps(view, separators=(",", ":"), ensure_ascii=True) if view else ""


def checked_view(given: Mapping[str, Any], residues: int) -> dict[str, Any] | None:
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
