"""How good the model that ships is, as its card says."""

import streamlit as st

from distmat.model.model_card import SCORES, WITH_LIBRARY, read_measured_scores
from distmat.workspace import checkpoint_path, library_of, shipped_checkpoint

_SECOND = ("RMSE Å", "MDS r")
"""Columns of the card that the page has no room for: they say what their neighbours say."""


def show_figures() -> None:
    """The scores of the card, as predictions are made unless told otherwise."""
    checkpoint = shipped_checkpoint()
    if checkpoint is None:
        return
    section = SCORES if library_of(checkpoint) is None else WITH_LIBRARY
    measured = read_measured_scores(checkpoint_path(checkpoint), section)
    if measured is None:
        return
    st.subheader("How good the shipped model is", anchor=False)
    rows = [{k: v for k, v in row.items() if k not in _SECOND} for row in measured.rows]
    st.table(rows, hide_index=True, border="horizontal")
    with st.expander("How this was measured"):
        st.markdown(measured.text)
        st.caption(f"From the model card of {checkpoint}.")
