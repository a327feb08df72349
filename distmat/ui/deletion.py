"""The one way to delete: a button, and a dialog that says what will be gone."""

from collections.abc import Callable

import streamlit as st

from distmat.access import may_change
from distmat.errors import DistmatError
from distmat.ui.markdown import show_error


def offer_deletion(
    key: str, what: str, consequence: str, delete: Callable[[], None], label: str = "Delete"
) -> None:
    """A button that deletes once a person has confirmed it; none where nothing may be changed.

    Parameters
    ----------
    key : str
        Of the button; that of the dialog is ``really-`` and the same.
    what : str
        ``"this run"``.
    consequence : str
        Markdown: what will be gone.
    delete : callable
        Does it, and leaves the page where it should be afterwards.
    label : str
    """
    if not may_change():
        return
    if st.button(label, key=key, icon=":material/delete:"):
        st.dialog(f"Delete {what}?")(_confirm)(key, consequence, delete)


def _confirm(key: str, consequence: str, delete: Callable[[], None]) -> None:
    st.markdown(f"{consequence} This can't be undone.")
    with st.container(horizontal=True):
        if st.button("Delete", type="primary", icon=":material/delete:", key=f"really-{key}"):
            try:
                delete()
            except DistmatError as error:
                show_error(error)
                return
            st.rerun()
        if st.button("Keep it", key=f"spare-{key}"):
            st.rerun()
