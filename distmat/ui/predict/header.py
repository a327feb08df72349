"""What the page is for, and which protein it shows."""

import streamlit as st

from distmat.ui.markdown import escape
from distmat.ui.predict.checkpoint import named_checkpoint
from distmat.ui.predict.view import PredictionView
from distmat.ui.style import name_tab
from distmat.workspace import AUTO, checkpoint_for, trained_lengths

_LONGEST_TITLE = 80


def show_title() -> None:
    """The page's title."""
    st.title("Distance map and backbone from a sequence", anchor=False)


def show_welcome() -> None:
    """For a page without a protein yet: what one gets, and how to read it."""
    get, read = st.columns(2, gap="large")
    with get:
        st.subheader("What you get", anchor=False)
        st.markdown(
            "- The **distance map** that the model predicts: how far apart the Cα atoms of every "
            "two residues are, in Å, and how sure it is of each.\n"
            "- Where a structure is known, the **true map**, where the two differ, and whether "
            "the prediction is any better than what the mere separation along the chain tells.\n"
            "- The **backbone** that the map implies, in 3D, and as a file for PyMOL, ChimeraX "
            "or Mol\\*. Side chains are out of scope."
        )
    with read:
        st.subheader("How to read a map", anchor=False)
        st.markdown(
            "Row and column stand for a residue each, and dark means near. The dark diagonal is "
            "the chain itself; helices thicken it. Thin dark lines along or across it are "
            "strands side by side, broad stripes are helices side by side, and dark spots far "
            "from it are residues that only the fold brings together."
        )


def show_header(view: PredictionView) -> None:
    """The protein's name, its size, who predicted it, and whether that is what it was made for."""
    request, card = view.request, view.card
    name_tab(request.title[:_LONGEST_TITLE], "Predict")
    st.header(escape(request.title[:_LONGEST_TITLE]), anchor=False)
    if request.example:
        example = request.example
        st.markdown(f"{example.fold}, {example.note}.")
    st.caption(" · ".join(_facts(view)))
    residues, trained = len(request.sequence), card.get("max_length")
    if trained and residues > trained:
        st.info(
            f"This chain has {residues:,} residues. The checkpoint was trained on stretches of up "
            f"to {trained:,}, so it has never seen pairs as far apart as some here: trust those "
            f"less.{_advice(view, trained)}",
            icon=":material/straighten:",
        )


def _advice(view: PredictionView, trained: int) -> str:
    """To whoever chose it, where one ships that was trained on longer stretches."""
    lengths = trained_lengths()
    if view.automatic or not lengths:
        return ""
    other = checkpoint_for(AUTO, len(view.request.sequence))
    if lengths.get(other, 0) <= trained:
        return ""
    return f" '{other}' was trained on up to {lengths[other]:,}: choose it or Automatic above."


def _facts(view: PredictionView) -> list[str]:
    request, card = view.request, view.card
    facts = [f"{len(request.sequence):,} residues"]
    if request.truth is not None:
        observed = int(request.truth.observed.sum())
        if observed < len(request.sequence):
            facts.append(f"{observed:,} of them observed in the structure")
    chosen = ", chosen by the chain's length" if view.automatic else ""
    facts.append(f"checkpoint {escape(named_checkpoint(view.checkpoint))}{chosen}")
    if "train_chains" in card:
        facts.append(f"trained on {card['train_chains']:,} chains")
    if card.get("max_length"):
        facts.append(f"made for up to {card['max_length']:,} residues")
    facts.append(f"predicted in {view.seconds:.1f} s")
    return facts
