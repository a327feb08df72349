"""From one page to the next, with what is looked at in hand."""

from collections.abc import Sequence

import streamlit as st

from distmat.access import may_change
from distmat.protein.chain import Chain
from distmat.runs.run import Run
from distmat.ui.predict.request import PredictionRequest, open_request
from distmat.workspace import list_datasets

TRAIN_ON, EVALUATED = "train-on", "evaluate-asked"
"""In the session: the dataset that the form of Train begins with, and whether that of Evaluate is
open because somebody was sent there."""


def offer_to_train(dataset: str) -> None:
    """A button that opens Train with this dataset; none where nobody may train."""
    if may_change() and st.button(
        "Train on it", key=f"train-on-{dataset}", icon=":material/model_training:"
    ):
        st.session_state[TRAIN_ON] = dataset
        st.switch_page("train.py")


def validation_dataset(run: Run) -> str:
    """Name of the dataset that a run was validated on, where it is still there; else empty."""
    dataset = str(run.settings.get("val") or "")
    return dataset if dataset in list_datasets() else ""


def offer_to_evaluate(
    key: str,
    checkpoints: Sequence[str] = (),
    dataset: str = "",
    label: str = "Evaluate on it",
    hint: str | None = None,
) -> None:
    """A button that opens Evaluate with these chosen; none where nobody may start jobs.

    Parameters
    ----------
    key : str
        Of the button.
    checkpoints : sequence of str
        Those to begin with; by default what the form has.
    dataset : str
        The same of the dataset.
    label : str
    hint : str, optional
    """
    if may_change() and st.button(
        label, key=f"evaluate-{key}", icon=":material/straighten:", help=hint
    ):
        if checkpoints:
            st.session_state["evaluate-checkpoints"] = list(checkpoints)
        if dataset:
            st.session_state["evaluate-dataset"] = dataset
        st.session_state[EVALUATED] = True
        st.switch_page("evaluate.py")


def offer_to_predict(chain: Chain, key: str) -> None:
    """A button that predicts this chain, and compares with its structure."""
    if st.button("Predict it", key=f"predict-{key}", icon=":material/genetics:"):
        open_request(PredictionRequest(chain.name, chain.sequence, chain))
        st.switch_page("predict.py")
