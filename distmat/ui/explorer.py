"""The linked explorer on a page, and where the app serves the 3D viewer that it draws with."""

import hashlib
import json
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import streamlit as st
from starlette.requests import Request
from starlette.responses import FileResponse, PlainTextResponse, Response
from starlette.routing import BaseRoute, Route

from distmat.figures.explorer import (
    SCRIPT_NAME,
    Scene,
    distant_script,
    explorer_script,
    installed_script,
    pack_scene,
    page_part,
)
from distmat.figures.explorer.link import read_view, write_view
from distmat.protein.chain import Chain
from distmat.ui.address import name_in_address
from distmat.ui.file_name import file_stem

if TYPE_CHECKING:
    from distmat.library.templates import Template
    from distmat.prediction import Prediction

LONGEST_MAP = 3000
"""Residues of the longest chain that is drawn: 9 million cells, 36 MB of a browser's memory."""

_PLACE = f"viewer/{SCRIPT_NAME}"


def show_explorer(scene: Scene, key: str = "explorer", in_address: bool = True) -> None:
    """Map and structure of a chain, each of which shows what is pointed at in the other.

    What a person marks and chooses in it is known afterwards: see `read_told_view`.

    Parameters
    ----------
    scene : Scene
    key : str
        Of the place on the page, which keeps its view as long as the scene is the same.
    in_address : bool
        Whether the page's address tells the view, so that a link opens with it.
    """
    place = _followed(key)
    # What else is on the page has just been drawn with these.
    place["pairs"] = read_marked_pairs(key, scene.key)
    _show(scene, key, in_address)


@st.fragment
def _show(scene: Scene, key: str, in_address: bool) -> None:
    """Runs by itself when the view changes: the rest of the page asks for marked pairs alone."""
    if in_address:
        state, turn = _follow_view(key, scene.key, len(scene.sequence))
        scene = replace(scene, state=state, turn=turn)
    mark = f"{scene.key}-{scene.turn}-{json.dumps(dict(scene.state or {}))}"
    _component()(key=key, data=_pack(scene, mark), on_view_change=_nothing)
    place, pairs = _followed(key), read_marked_pairs(key, scene.key)
    if place["pairs"] != pairs:
        place["pairs"] = pairs
        st.rerun()


def _followed(key: str) -> dict[str, Any]:
    """What is known of the view at this place."""
    start = {"scene": "", "turn": 0, "pairs": ()}
    followed: dict[str, Any] = st.session_state.setdefault(f"followed-{key}", start)
    return followed


def _nothing() -> None:
    """The explorer's place runs again because the view has changed, and needs nothing else."""


def read_told_view(key: str, scene: str) -> dict[str, Any] | None:
    """What the explorer at this place shows of a scene; None if it hasn't said yet.

    Parameters
    ----------
    key : str
        Of the place.
    scene : str
        The scene's key.
    """
    told = st.session_state.get(key)
    try:
        content = json.loads(told["view"]) if told else {}
    except (KeyError, TypeError, ValueError):
        return None
    return content["state"] if content.get("key") == scene else None


def _follow_view(place: str, scene: str, residues: int) -> tuple[dict[str, Any] | None, int]:
    """The view that the explorer is to open with, and how often it was told to; for a `Scene`.

    What a person does in the explorer goes into the address. An address that changed by itself, as
    by a link or the browser's Back, goes to the explorer.
    """
    state = _followed(place)
    if state["scene"] != scene:
        state |= {"scene": scene, "turn": state["turn"] + 1}
        state |= {"text": None, "told": None, "view": None}
    told = read_told_view(place, scene)
    text = st.query_params.get("view", "")
    if told is not None and json.dumps(told) != state["told"]:
        state["told"] = json.dumps(told)
        text = write_view(told)
        name_in_address("view", text)
    elif text != (state["text"] or ""):
        state["view"] = read_view(text, residues) or {}
        state["turn"] += 1
    state["text"] = text
    return state["view"], state["turn"]


def read_marked_pairs(key: str, scene: str) -> tuple[tuple[int, int], ...]:
    """The pairs that are marked in the explorer at this place, from 0."""
    view = read_told_view(key, scene) or {}
    return tuple((int(pin["i"]), int(pin["j"])) for pin in view.get("pins", ()))


def chain_scene(chain: Chain) -> Scene:
    """A known structure with nothing to compare it with."""
    ca = np.ascontiguousarray(chain.ca, dtype=np.float64)
    mark = hashlib.sha256(chain.sequence.encode() + ca.tobytes()).hexdigest()[:16]
    return Scene(
        key=f"chain-{mark}",
        sequence=chain.sequence,
        truth=ca,
        numbers=chain.residue_numbers,
        plddt=chain.plddt,
        file=file_stem(chain.name),
    )


def prediction_scene(prediction: "Prediction", key: str, file: str) -> Scene:
    """A prediction, with its truth where that is known.

    Parameters
    ----------
    prediction : Prediction
    key : str
        Differs between any two predictions.
    file : str
        Stem of the names of pictures.
    """
    truth = None if prediction.comparison is None else prediction.comparison.truth
    return Scene(
        key=key,
        sequence=prediction.map.sequence,
        predicted=prediction.map.distances,
        std=prediction.map.std,
        truth=None if truth is None else truth.ca,
        stages=prediction.backbone.stages,
        template=_template_map(prediction.templates),
        numbers=() if truth is None else truth.residue_numbers,
        plddt=None if truth is None else truth.plddt,
        file=file,
    )


def _template_map(templates: "tuple[Template, ...]") -> np.ndarray | None:
    """Å; of each pair in the surest template that covers it, NaN where none does."""
    if not templates:
        return None
    table = templates[0].distances.astype(float)
    for template in templates[1:]:
        table = np.where(np.isnan(table), template.distances, table)
    return table


def viewer_routes() -> list[BaseRoute]:
    """What the app serves besides its pages: the script of the 3D viewer, if it is installed."""
    return [Route(f"/{_PLACE}", _serve_viewer)]


async def _serve_viewer(request: Request) -> Response:
    script = installed_script()
    if script is None:
        return PlainTextResponse("", 404)
    return FileResponse(script, media_type="text/javascript", headers=_KEPT)


_KEPT = {"Cache-Control": "public, max-age=86400"}


@cache
def _component():
    return st.components.v2.component(
        "distmat_explorer",
        html=page_part("explorer.html"),
        css=page_part("explorer.css"),
        js=f"{explorer_script()}\n{page_part('component.js')}",
    )


@st.cache_data(max_entries=12, max_size="16mb", show_spinner=False)
def _pack(_scene: Scene, key: str) -> bytes:
    """The scene's bytes; `key` tells scenes apart."""
    return pack_scene(_scene, (_address(installed_script()), distant_script()))


def _address(script: Path | None) -> str:
    """With the file's age, so that another version isn't taken from the browser's store."""
    return _PLACE if script is None else f"{_PLACE}?{script.stat().st_mtime_ns}"
