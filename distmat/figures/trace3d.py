"""A trace in 3D, laid on the true one: a page of its own for an inline frame.

The page draws with py3Dmol's viewer where the browser has WebGL and the script is to be had,
and on a plain canvas otherwise, so that it is never blank. What goes into it are our own words
and numbers alone: structures are written anew from parsed coordinates.
"""

import inspect
import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path

import numpy as np

from distmat.figures.maps import MODEL_COLOUR, TRUTH_COLOUR
from distmat.geometry.chain_geometry import bonds_right, clashes
from distmat.geometry.handedness import mirror
from distmat.geometry.superposition import superpose
from distmat.protein.structure.write import write_pdb
from distmat.scoring.trace_scores import per_residue_error

STAGE_WORDS = {
    "mds": ("MDS", "Classical scaling: the fold, as far as the map agrees with itself."),
    "refined": ("refined", "Refined: distances closer to the map, surer pairs counting more."),
    "chain": ("chain", "Joined: bonds of 3.8 Å, and no two residues in one place."),
    "hand": ("hand", "The likelier of the two mirror images."),
}
"""For each stage of a reconstruction a short name and what it did."""

SCRIPT_NAME = "3Dmol-min.js"
_PACKAGE = Path(__file__).parents[1]
SCRIPT_FOLDERS = (_PACKAGE.parent / "static", _PACKAGE / "_static")
"""Where an install may have put 3Dmol.js: in a checkout, and in an installed wheel."""

PATIENCE_MS = 4000
"""After so long without the viewer, the page says that this is the plain drawing."""

_ERROR_COLOURS = ((33, 102, 172), (146, 197, 222), (253, 219, 199), (214, 96, 77), (128, 0, 38))
"""From right (blue) to far off (dark red)."""
_UNKNOWN_COLOUR = "#9a9a9a"
_LARGEST_ERROR = 10
"""Å from which an error has the last colour."""
_LONGEST_DRAWN_BOND = 4.0
"""Å; 3Dmol.js leaves a hole in a tube between Cα atoms further apart."""


def trace_page(
    sequence: str,
    stages: Mapping[str, np.ndarray],
    truth: np.ndarray | None = None,
    dark: bool = False,
    script: str | None = None,
) -> str:
    """The page: stages to step through, the mirror image, and colour by error.

    Parameters
    ----------
    sequence : str
        One letter per residue; length N.
    stages : mapping of str to ndarray, shape=(N, 3), dtype=float
        The trace after each stage, Å, by the names in `STAGE_WORDS`; the last is shown first.
    truth : ndarray, shape=(N, 3), dtype=float, optional
        Å; NaN where not observed.
    dark : bool
        Bright letters for a dark page.
    script : str, optional
        3Dmol.js; the installed one, else the one on its CDN, if not given.
    """
    scene = {
        "stages": [_stage(name, sequence, coords, truth) for name, coords in stages.items()],
        "truth": None if truth is None else write_pdb(sequence, truth),
        "colours": {
            "predicted": MODEL_COLOUR,
            "truth": TRUTH_COLOUR,
            "unknown": _UNKNOWN_COLOUR,
            "error": _ERROR_COLOURS,
        },
        "largestError": _LARGEST_ERROR,
        "patience": PATIENCE_MS,
    }
    return _page(scene, dark, script)


def structure_page(
    sequence: str, ca: np.ndarray, dark: bool = False, script: str | None = None
) -> str:
    """The page for a structure as it was observed, with nothing to compare it with.

    Parameters
    ----------
    sequence : str
        One letter per residue; length N.
    ca : ndarray, shape=(N, 3), dtype=float
        Å; NaN where not observed.
    dark, script
        As in `trace_page`.
    """
    drawn = _drawn(sequence, ca, None, "As it was observed.")
    scene = {
        "stages": [{"label": "structure", "own": drawn, "mirror": drawn}],
        "truth": None,
        "observed": True,
        "colours": {
            "predicted": TRUTH_COLOUR,
            "truth": TRUTH_COLOUR,
            "unknown": _UNKNOWN_COLOUR,
            "error": _ERROR_COLOURS,
        },
        "largestError": _LARGEST_ERROR,
        "patience": PATIENCE_MS,
    }
    return _page(scene, dark, script)


def _page(scene: dict, dark: bool, script: str | None) -> str:
    parts = {
        "theme": "dark" if dark else "light",
        "scene": script_json(scene),
        "drawing": _text("trace3d.js"),
        "viewer": _viewer(installed_script() if script is None else script),
    }
    page = _text("trace3d.html")
    for name, part in parts.items():
        page = page.replace("{{" + name + "}}", part)
    return page


def script_json(content: object) -> str:
    """JSON that is safe inside a script element, which ends at ``</script>`` wherever that is."""
    return json.dumps(content, allow_nan=False).replace("<", "\\u003c")


def installed_script() -> str | None:
    """3Dmol.js as the install brought it; None if it brought none."""
    for folder in SCRIPT_FOLDERS:
        if (folder / SCRIPT_NAME).is_file():
            return _script(folder / SCRIPT_NAME)
    return None


@cache
def _script(path: Path) -> str:
    return path.read_text(encoding="utf-8")


@cache
def _text(name: str) -> str:
    return (Path(__file__).parent / name).read_text(encoding="utf-8")


def _viewer(script: str | None) -> str:
    """py3Dmol's viewer in the place that the page has for it, fed with this script or the CDN's."""
    import py3Dmol

    view = py3Dmol.view(width="100%", height="100%")
    view.setBackgroundColor("white", 0)
    # A fixed name instead of py3Dmol's clock: the same trace gives the same page.
    box, _, code = (view.startjs + view.endjs).replace("UNIQUEID", "trace").partition("<script>")
    if script is None:
        address = inspect.signature(py3Dmol.view).parameters["js"].default
        source, start = "", f"fetchViewer({script_json(address)})"
    else:
        # Kept as text until the plain drawing is on the screen: it takes a while to run.
        text = script.replace("</script", "<\\/script")
        source, start = f'<script type="text/plain" id="viewer-code">{text}</script>', "runViewer()"
    return (
        f"{box}{source}<script>placeViewer(document.getElementById('3dmolviewer_trace'));"
        f"var $3Dmolpromise = {start};</script><script>{code}"
    )


def _stage(name: str, sequence: str, coords: np.ndarray, truth: np.ndarray | None) -> dict:
    label, words = STAGE_WORDS[name]
    image = mirror(coords)
    return {
        "label": label,
        "own": _drawn(sequence, coords, truth, words),
        "mirror": _drawn(sequence, image, truth, f"Mirror image of: {words[0].lower()}{words[1:]}"),
    }


def _drawn(sequence: str, coords: np.ndarray, truth: np.ndarray | None, words: str) -> dict:
    facts = [
        f"{bonds_right(coords):.0%} of the bonds right",
        f"{clashes(coords):.1f} clashes per 100 residues",
    ]
    error = np.full(len(sequence), -1.0)
    if truth is not None:
        laid = superpose(coords, truth)
        coords, error = laid.coords, np.nan_to_num(per_residue_error(laid.coords, truth), nan=-1.0)
        facts.insert(0, f"RMSD {laid.rmsd:.1f} Å")
    bonds = np.linalg.norm(np.diff(coords, axis=0), axis=1)
    return {
        "pdb": write_pdb(sequence, coords, bfactors=error),
        "caption": f"{words} {' · '.join(facts)}.",
        "whole": bool(np.nanmax(bonds, initial=0.0) < _LONGEST_DRAWN_BOND),
    }
