"""Whether the model has seen this protein or a relative of it before."""

import streamlit as st

from distmat.library.training_sequences import describe_overlap
from distmat.ui.markdown import escape
from distmat.ui.predict.checkpoint import named_checkpoint
from distmat.ui.predict.view import PredictionView


def show_training_overlap(view: PredictionView) -> None:
    """One line, before any score: a relative in the training, none, or nobody knows."""
    overlap = view.prediction.training_overlap
    sentence = escape(describe_overlap(overlap, named_checkpoint(view.checkpoint)))
    if overlap is None:
        st.info(sentence, icon=":material/help:")
    elif overlap.relatives:
        st.warning(f"**{sentence}**", icon=":material/school:")
    else:
        st.caption(f":material/verified: {sentence}")
