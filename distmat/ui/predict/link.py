"""The address of what the page shows: whoever opens it sees the same.

An example by its key, a sequence of up to 400 residues by its letters, anything else by its id in
the history; and which checkpoint and whether known structures are used. The explorer says its view
itself.
"""

from collections.abc import Mapping

import streamlit as st

from distmat.ui.address import name_in_address

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
        name_in_address(part, parts.get(part, ""))
