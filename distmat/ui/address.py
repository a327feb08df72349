"""What the page's address names, so that a reload or a link meets it again."""

from collections.abc import Sequence

import streamlit as st


def read_address(name: str, known: Sequence[str], usual: str) -> str:
    """What the address says, if it is one of those known; else the usual one.

    Parameters
    ----------
    name : str
        Of the query's part, ``part`` in ``data?part=Chains``.
    known : sequence of str
    usual : str
    """
    said = st.query_params.get(name)
    return said if said is not None and said in known else usual


def name_in_address(name: str, value: str, usual: str = "") -> None:
    """Let the address say this; nothing where it is as usual.

    What it says already isn't said again: Streamlit would send the browser the whole address that
    this run of the page began with, and undo what the browser has changed since.
    """
    if value == usual:
        st.query_params.pop(name, None)
    elif st.query_params.get(name) != value:
        st.query_params[name] = value


def follow_address(name: str, key: str, known: Sequence[str], usual: str) -> bool:
    """Whether the address now names another one by itself, as by a link or the browser's Back.

    Then the session's key holds that one; else it stays as it is, and is the usual one at first.
    `name_followed` tells the address in turn.

    Parameters
    ----------
    name : str
        Of the query's part.
    key : str
        Of the session.
    known : sequence of str
    usual : str
    """
    said = read_address(name, known, usual)
    moved = said != st.session_state.get(f"{key}-addressed", usual)
    if moved or st.session_state.get(key) not in known:
        st.session_state[key] = said
    return moved


def name_followed(name: str, key: str, value: str, usual: str) -> None:
    """Let the address say what is shown now; parameters as of `follow_address`."""
    st.session_state[key] = st.session_state[f"{key}-addressed"] = value
    name_in_address(name, value, usual)
