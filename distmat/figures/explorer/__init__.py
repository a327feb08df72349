"""The linked explorer: a map and its structure in one, as bytes for the page's own script.

What the script gets are numbers, letters of the sequence and words of ours; it writes all text as
text. Maps go as their upper triangles in 16-bit words, 0.01 Å each unless a map is too large for
that; traces as 32-bit floats.
"""

import base64
import html
import inspect
import json
import re
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from distmat.figures.colours import MODEL_COLOUR, TRUTH_COLOUR
from distmat.geometry.chain_geometry import bonds_right, clashes
from distmat.geometry.handedness import mirror
from distmat.geometry.secondary_structure import secondary_structure
from distmat.geometry.superposition import superpose
from distmat.protein.distance_map import CONTACT_CUTOFF, pairwise_distances

STAGE_WORDS = {
    "mds": ("MDS", "Classical scaling: the fold, as far as the map agrees with itself."),
    "refined": ("refined", "Refined: distances closer to the map, surer pairs counting more."),
    "chain": ("chain", "Joined: bonds of 3.8 Å, and no two residues in one place."),
    "hand": ("hand", "The likelier of the two mirror images."),
}
"""For each stage of a reconstruction a short name and what it did."""

SCRIPT_NAME = "3Dmol-min.js"
_PACKAGE = Path(__file__).parents[2]
SCRIPT_FOLDERS = (_PACKAGE.parent / "static", _PACKAGE / "_static")
"""Where an install may have put 3Dmol.js: in a checkout, and in an installed wheel."""

SCRIPTS = ("colours.js", "content.js", "map.js", "space.js", "explorer.js")
"""Of the explorer itself, in the order in which they need each other."""

_MISSING = 65535
_UNIT = 0.01


@dataclass(frozen=True)
class Scene:
    """What the explorer shows of one chain; every map but the sequence may be missing.

    Parameters
    ----------
    key : str
        Differs between any two scenes; marks and camera are kept by it.
    sequence : str
        One letter per residue; length N.
    predicted, std : ndarray, shape=(N, N), dtype=float, optional
        Å; NaN where there is no value.
    true : ndarray, shape=(N, N), dtype=float, optional
        Å; that of `truth` where not given.
    truth : ndarray, shape=(N, 3), dtype=float, optional
        True trace, Å; NaN where not observed.
    stages : mapping of str to ndarray, shape=(N, 3), dtype=float
        The predicted trace after each stage, Å, by the names in `STAGE_WORDS`.
    template : ndarray, shape=(N, N), dtype=float, optional
        Å; of the surest template that covers a pair, NaN where none does.
    probability : ndarray, shape=(N, N), dtype=float, optional
        Of contact.
    rank : ndarray, shape=(N, N), dtype=float, optional
        Place of a pair among those that may be contacts, 1 the best; the first N count as contacts.
    numbers : sequence of str
        The author's residue numbers, where there are any.
    plddt : ndarray, shape=(N,), dtype=float, optional
        Of the true trace, where that is AlphaFold's model: 0 to 100, NaN where not told.
    file : str
        Stem of the names of pictures.
    words : mapping of str to str
        What ``"predicted"`` and ``"true"`` are called, where they are something else, and
        ``"observed"``, the true trace, where that isn't what the true map is of; ``"error"``, their
        difference; and ``"significance"``, a layer of the difference in deviations, shown if named.
    cutoff : float
        Å below which two residues are in contact.
    state : mapping, optional
        Layers, marks and what else the page's address says of the view; see
        `distmat.figures.explorer.link`.
    turn : int
        Counts how often the address has changed by itself, as by the browser's Back.
    """

    key: str
    sequence: str
    predicted: np.ndarray | None = None
    std: np.ndarray | None = None
    true: np.ndarray | None = None
    truth: np.ndarray | None = None
    stages: Mapping[str, np.ndarray] = field(default_factory=dict)
    template: np.ndarray | None = None
    probability: np.ndarray | None = None
    rank: np.ndarray | None = None
    numbers: Sequence[str] = ()
    plddt: np.ndarray | None = None
    file: str = "map"
    words: Mapping[str, str] = field(default_factory=dict)
    cutoff: float = CONTACT_CUTOFF
    state: Mapping[str, Any] | None = None
    turn: int = 0


def pack_scene(scene: Scene, viewer: Sequence[str] = ()) -> bytes:
    """A scene as the explorer's script reads it.

    Parameters
    ----------
    scene : Scene
    viewer : sequence of str
        Addresses at which 3Dmol.js may be had; the first that has it serves.
    """
    true = _true_map(scene)
    maps = {
        "predicted": scene.predicted,
        "true": true,
        "std": scene.std,
        "template": scene.template,
        "probability": scene.probability,
        "rank": None if scene.rank is None else np.where(scene.rank < _MISSING, scene.rank, np.nan),
    }
    arrays = _Arrays()
    header = {
        "key": scene.key,
        "sequence": scene.sequence,
        "maps": {
            name: arrays.add_map(table, _finest(name))
            for name, table in maps.items()
            if table is not None
        },
        "stages": [_stage(arrays, name, scene) for name in scene.stages],
        "traces": arrays.traces,
        "numbers": list(scene.numbers),
        "plddt": _numbers(scene.plddt),
        "file": scene.file,
        "state": None if scene.state is None else dict(scene.state),
        "turn": scene.turn,
        "cutoff": scene.cutoff,
        "words": {
            "predicted": "predicted",
            "true": "true",
            "error": "error",
            "significance": "",
            "structure": "As it was observed." if scene.truth is not None else "",
            "observed": scene.words.get("true", "true"),
            **scene.words,
        },
        "colours": {"predicted": MODEL_COLOUR, "truth": TRUTH_COLOUR},
        "gaps": any(table is not None and np.isnan(table).any() for table in maps.values()),
        "viewer": list(viewer),
        **_rulers(scene),
    }
    if scene.truth is not None:
        arrays.add_trace("truth", scene.truth)
    return arrays.behind(header)


def page_part(name: str) -> str:
    """Text of one of the explorer's own files."""
    return _text(name)


def explorer_script() -> str:
    """The explorer's scripts as one, which ends in a function ``show(root, bytes)``."""
    return "\n".join(_text(name) for name in SCRIPTS)


def standalone_page(scene: Scene, viewer: str | None = None) -> str:
    """The explorer as one HTML file that needs no server and no network.

    Parameters
    ----------
    scene : Scene
    viewer : str, optional
        Text of 3Dmol.js; by default what is installed, and without that its distant address.
    """
    path = installed_script()
    addresses = [distant_script()] if viewer is None and path is None else []
    if viewer is None:
        viewer = "" if path is None else path.read_text(encoding="utf-8")
    parts = {
        "title": html.escape(scene.file),
        "style": page_part("explorer.css"),
        "explorer": page_part("explorer.html"),
        "content": base64.b64encode(pack_scene(scene, addresses)).decode(),
        # A script element ends at the first </script, wherever that is.
        "viewer": viewer.replace("</script", "<\\/script"),
        "script": explorer_script(),
    }
    pieces = re.split(r"\{\{(\w+)\}\}", page_part("page.html"))
    return "".join(parts[piece] if place % 2 else piece for place, piece in enumerate(pieces))


def installed_script() -> Path | None:
    """3Dmol.js as the install brought it; None if it brought none."""
    return next((f / SCRIPT_NAME for f in SCRIPT_FOLDERS if (f / SCRIPT_NAME).is_file()), None)


def distant_script() -> str:
    """Where py3Dmol would fetch 3Dmol.js from."""
    import py3Dmol

    return str(inspect.signature(py3Dmol.view).parameters["js"].default)


@cache
def _text(name: str) -> str:
    return (Path(__file__).parent / name).read_text(encoding="utf-8")


class _Arrays:
    """Arrays one behind the other, each beginning at a multiple of four bytes."""

    def __init__(self) -> None:
        self.parts: list[bytes] = []
        self.size = 0
        self.traces: dict[str, dict] = {}

    def _append(self, array: np.ndarray) -> dict[str, int]:
        data = array.tobytes()
        place = {"offset": self.size, "length": array.size}
        self.parts.append(data + b"\0" * (-len(data) % 4))
        self.size += len(self.parts[-1])
        return place

    def add_map(self, table: np.ndarray, unit: float) -> dict[str, float]:
        values = table[np.triu_indices(len(table), 1)]
        largest = float(np.max(values, where=np.isfinite(values), initial=0.0))
        unit = max(unit, largest / (_MISSING - 1))
        words = np.full(values.shape, _MISSING, dtype="<u2")
        there = np.isfinite(values)
        words[there] = np.rint(values[there] / unit)
        return {**self._append(words), "unit": unit}

    def add_trace(self, name: str, coords: np.ndarray) -> str:
        # Residues that lack one coordinate lack all: the script looks at the first.
        whole = np.where(np.isfinite(coords).all(axis=1)[:, None], coords, np.nan)
        self.traces[name] = self._append(whole.astype("<f4"))
        return name

    def behind(self, header: dict) -> bytes:
        """All of it, with the header in front, whose places count from the first byte."""
        length = len(_encode(header)) + 32 * (len(header["maps"]) + len(header["traces"]))
        length += -length % 4
        for place in (*header["maps"].values(), *header["traces"].values()):
            place["offset"] += 4 + length
        text = _encode(header).ljust(length)
        return struct.pack("<I", length) + text + b"".join(self.parts)


def _finest(name: str) -> float:
    """What one step of a map's words stands for, where its values leave the choice."""
    return {"probability": 1e-4, "rank": 1.0}.get(name, _UNIT)


def _encode(header: dict) -> bytes:
    return json.dumps(header, allow_nan=False).encode()


def _true_map(scene: Scene) -> np.ndarray | None:
    if scene.true is not None or scene.truth is None:
        return scene.true
    return pairwise_distances(np.asarray(scene.truth, dtype=float))


def _rulers(scene: Scene) -> dict[str, str]:
    """A letter for each residue, of every ruler that says something."""
    rulers = {}
    trace = (
        scene.truth
        if scene.truth is not None
        else next(reversed(list(scene.stages.values())), None)
    )
    if trace is not None:
        rulers["structure"] = secondary_structure(trace)
    if scene.template is not None:
        rulers["covered"] = _digits(np.isfinite(scene.template).any(axis=1))
    if scene.truth is not None:
        rulers["observed"] = _digits(np.isfinite(scene.truth).all(axis=1))
    return rulers


def _numbers(values: np.ndarray | None) -> list[float | None] | None:
    """With one digit, and None where there is none, as JSON has no NaN."""
    if values is None:
        return None
    return [round(float(value), 1) if np.isfinite(value) else None for value in values]


def _digits(flags: np.ndarray) -> str:
    return "".join("1" if flag else "0" for flag in flags)


def _stage(arrays: _Arrays, name: str, scene: Scene) -> dict:
    label, words = STAGE_WORDS[name]
    coords = scene.stages[name]
    images = {
        "own": (coords, words),
        "mirror": (mirror(coords), f"Mirror image of: {words[0].lower()}{words[1:]}"),
    }
    drawn = {
        side: _laid(arrays, f"{name}-{side}", trace, scene.truth, said)
        for side, (trace, said) in images.items()
    }
    return {"label": label, **drawn}


def _laid(
    arrays: _Arrays, name: str, coords: np.ndarray, truth: np.ndarray | None, words: str
) -> dict[str, str]:
    """A trace, laid on the true one where that is known, and what is to be said of it."""
    facts = [
        f"{bonds_right(coords):.0%} of the bonds right",
        f"{clashes(coords):.1f} clashes per 100 residues",
    ]
    if truth is not None:
        laid = superpose(coords, truth)
        coords = laid.coords
        facts.insert(0, f"RMSD {laid.rmsd:.1f} Å")
    return {
        "trace": arrays.add_trace(name, coords),
        "caption": f"{words} {' · '.join(facts)}.",
    }
