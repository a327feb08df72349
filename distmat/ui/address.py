"""What the page's address names, so that a reload or a link meets it again."""

from collections.abc import Sequence

import streamlit as st


def named_in_address(name: str, known: Sequence[str], usual: str) -> str:
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


def name_in_address(name: str, value: str, usual: str) -> None:
    """Let the address say this; nothing where it is as usual."""
    if value == usual:
        st.query_params.pop(name, None)
    else:
        st.query_params[name] = value
