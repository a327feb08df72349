"""Whether the model has seen this protein or a relative of it before."""

import streamlit as st

from distmat.library.training_sequences import describe_overlap
from distmat.ui.markdown import escaped
from distmat.ui.predict.answer import Answer
from distmat.ui.predict.question import named_checkpoint


def show_training_overlap(answer: Answer) -> None:
    """One line, before any score: a relative in the training, none, or nobody knows."""
    overlap = answer.prediction.training_overlap
    sentence = escaped(describe_overlap(overlap, named_checkpoint(answer.checkpoint)))
    if overlap is None:
        st.info(sentence, icon=":material/help:")
    elif overlap.relatives:
        st.warning(f"**{sentence}**", icon=":material/school:")
    else:
        st.caption(f":material/verified: {sentence}")
