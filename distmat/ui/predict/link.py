"""The address of what the page shows: whoever opens it sees the same.

An example by its key, a sequence of up to 400 residues by its letters, anything else by its id in
the history; and which checkpoint, whether known structures are used, and the explorer's view.
"""

import json
from collections.abc import Mapping
from typing import Any

import streamlit as st

from distmat.figures.explorer.link import read_view, write_view
from distmat.ui.explorer import told_view

LONGEST_IN_ADDRESS = 400
"""Residues of a sequence that stands in the address itself."""

REQUEST = ("example", "seq", "name", "history")
"""Parts of the address that say what is predicted."""


def address() -> dict[str, str]:
    """What the address says is to be predicted."""
    return {part: st.query_params[part] for part in REQUEST if st.query_params.get(part)}


def is_new_address() -> bool:
    """Whether the address names something else than what it was set to: a link, or Back."""
    named = address()
    return bool(named) and named != st.session_state.get("address")


def set_address(parts: Mapping[str, str]) -> None:
    """Say in the address what is predicted; another chain opens with a view of its own."""
    if st.session_state.get("address") not in (None, dict(parts)):
        st.query_params.pop("view", None)
    st.session_state["address"] = dict(parts)
    for part in REQUEST:
        if part in parts:
            st.query_params[part] = parts[part]
        else:
            st.query_params.pop(part, None)


def follow_view(place: str, scene: str, residues: int) -> tuple[dict[str, Any] | None, int]:
    """The view that the explorer is to open with, and how often it was told to; for a `Scene`.

    What a person does in the explorer goes into the address. An address that changed by itself, as
    by a link or the browser's Back, goes to the explorer.

    Parameters
    ----------
    place : str
        Key of the explorer's place on the page.
    scene : str
        The scene's key.
    residues : int
    """
    state = st.session_state.setdefault("followed-view", {"scene": "", "turn": 0})
    if state["scene"] != scene:
        new = {"scene": scene, "turn": state["turn"] + 1, "text": None, "told": None, "view": None}
        st.session_state["followed-view"] = state = new
    told = told_view(place, scene)
    text = st.query_params.get("view", "")
    if told is not None and json.dumps(told) != state["told"]:
        state["told"] = json.dumps(told)
        text = write_view(told)
        if text:
            st.query_params["view"] = text
        else:
            st.query_params.pop("view", None)
    elif text != (state["text"] or ""):
        state["view"] = read_view(text, residues) or {}
        state["turn"] += 1
    state["text"] = text
    return state["view"], state["turn"]
