"""The backbone that the map implies: in words, and by its angles."""

from typing import TYPE_CHECKING

import streamlit as st

from distmat.figures.angles import angle_plot
from distmat.figures.maps import residue_curve
from distmat.geometry.handedness import CONFIDENT, trace_angles
from distmat.geometry.superposition import superpose
from distmat.protein.chain import Chain
from distmat.scoring.trace_scores import TRACE_SCORES, TraceScores, per_residue_error
from distmat.ui.predict.maps import show_figure
from distmat.ui.predict.scores import BASELINE
from distmat.ui.predict.view import PredictionView

if TYPE_CHECKING:
    from plotly.graph_objects import Figure


def show_backbone(view: PredictionView) -> None:
    """What is to be known about the trace that the map implies."""
    st.subheader("Backbone", anchor="backbone")
    left, right = st.columns(2, gap="large")
    backbone, comparison = view.prediction.backbone, view.prediction.comparison
    with left:
        if comparison is not None:
            st.table(
                _scores(comparison.trace, comparison.baseline_trace),
                hide_index=True,
                border="horizontal",
            )
        with st.expander("What was done", expanded=comparison is None):
            st.markdown("\n".join(f"{k}. {step}" for k, step in enumerate(backbone.steps, start=1)))
            st.caption(f"In {backbone.seconds:.2f} s.")
    with right:
        st.markdown(f"**Which hand?** {_hand(backbone.hand, backbone.hand_confidence)}")
        st.markdown(f"**How well does it fit the map?** {_stress(backbone.stress)}")
        st.markdown(f"**Is the map one of a body in space?** {_share(backbone.eigenvalue_share)}")
        st.caption("A Cα trace: the full backbone and side chains are out of scope.")


def show_residues(view: PredictionView) -> None:
    """How the chain turns, and where it is off, residue by residue."""
    st.subheader("Residue by residue", anchor="residues")
    predicted, coords = view.prediction.map, view.prediction.backbone.coords
    truth = view.request.truth
    left, right = st.columns(2, gap="large")
    with left:
        st.markdown("**How the chain turns**")
        show_figure(
            lambda: angle_plot(
                predicted.sequence,
                trace_angles(coords),
                None if truth is None else trace_angles(truth.ca),
            ),
            view,
            "angles",
            "Angles and dihedrals of the trace on those of known chains",
        )
        st.caption(
            "Grey: how known chains turn. Points away from it are turns that proteins avoid."
        )
    with right:
        if truth is None:
            _show_deviation(view)
        else:
            _show_error(view, truth)


def _show_error(view: PredictionView, truth: Chain) -> None:
    st.markdown("**Where the trace is off**")

    def draw() -> "Figure":
        laid = superpose(view.prediction.backbone.coords, truth.ca).coords
        error = per_residue_error(laid, truth.ca)
        return residue_curve(truth.sequence, error, "distance from the true place")

    show_figure(draw, view, "error-by-residue", "Error of the trace at each residue")
    st.caption("After laying the whole trace on the structure; gaps were not observed.")
    if truth.plddt is not None:
        st.markdown("**How sure AlphaFold is of its model**")
        plddt = truth.plddt
        show_figure(
            lambda: residue_curve(truth.sequence, plddt, "pLDDT", unit=""),
            view,
            "plddt",
            "pLDDT of the model at each residue",
        )


def _show_deviation(view: PredictionView) -> None:
    st.markdown("**Where the model is unsure**")
    predicted = view.prediction.map
    deviation = predicted.std.sum(axis=1) / (len(predicted) - 1)
    show_figure(
        lambda: residue_curve(predicted.sequence, deviation, "expected error"),
        view,
        "expected-error",
        "Expected error at each residue",
    )
    st.caption("The model's own standard deviation, averaged over all pairs of a residue.")


def _scores(trace: TraceScores, baseline: TraceScores) -> list[dict[str, str]]:
    return [
        {
            "score": score.english,
            "model": f"**{score.text(trace.values[score.key])}**",
            BASELINE: score.text(baseline.values[score.key]),
        }
        for score in TRACE_SCORES
    ]


def _hand(hand: str, confidence: float) -> str:
    sure = f"confidence {confidence:.3f}, where {CONFIDENT:g} is enough"
    if hand == "flat":
        return "The trace is flat or too short, so both mirror images are the same."
    if hand == "chosen":
        return (
            "A map fits a structure and its mirror image alike. The turns of this chain are "
            f"those of real proteins in the hand shown ({sure})."
        )
    return (
        "Undecided: a map fits a structure and its mirror image alike, and the turns of this "
        f"chain hardly favour either ({sure}). The likelier one is shown; look at the other, too."
    )


def _stress(stress: float) -> str:
    if stress < 0.01:
        return "The trace has the map's distances exactly."
    verdict = (
        "closely"
        if stress < 0.1
        else "roughly"
        if stress < 0.25
        else "poorly: no chain has them all"
    )
    return f"The trace's distances are off the map's by {stress:.0%}; it follows it {verdict}."


def _share(share: float) -> str:
    if share > 0.999:
        return "Yes: three dimensions hold all of it."
    if share > 0.8:
        return f"Nearly: three dimensions hold {share:.0%} of it, the rest contradicts itself."
    return (
        f"Not quite: three dimensions hold {share:.0%} of it. The rest are distances that no "
        "body in space can have at once, as where a model is unsure."
    )
