"""How good the prediction is, always beside what knowing only the separation would give."""

import math
from typing import TYPE_CHECKING

import numpy as np
import streamlit as st

from distmat.figures.maps import error_by_separation
from distmat.protein.distance_map import BANDS, CONTACT_CUTOFF, in_band
from distmat.scoring.baseline import reference_baseline
from distmat.scoring.map_scores import MAP_SCORES
from distmat.scoring.trace_scores import TRACE_SCORES
from distmat.ui.markdown import escape
from distmat.ui.predict.maps import show_figure
from distmat.ui.predict.view import PredictionView
from distmat.ui.score_tables import BASELINE, ICONS, SHOWN_AS, band_rows, overall_rows

if TYPE_CHECKING:
    from distmat.prediction import Comparison
    from distmat.scoring.registry import Score

_ADVICE = {
    "little": "Rely on its outlines, not on single pairs.",
    "none": "Don't read a fold into this map.",
    "worse": "Don't read a fold into this map.",
}
"""What a kind of verdict means for a reader of the map."""


def show_verdict(view: PredictionView) -> None:
    """One sentence that says what the prediction is worth, and the headline numbers."""
    if view.prediction.comparison is None:
        st.info(_unverified(view), icon=":material/help:")
    else:
        _show_judgement(view, view.prediction.comparison)
    with st.container(horizontal=True, horizontal_alignment="distribute"):
        for label, value, delta, hint in _headlines(view):
            st.metric(
                label,
                value,
                delta,
                delta_color="inverse" if "Å" in value else "normal",
                help=hint,
                width=165,
            )


def show_scores(view: PredictionView) -> None:
    """Tables over all pairs and by band, and the error by separation."""
    comparison = view.prediction.comparison
    if comparison is None:
        return
    st.subheader("Scores of the map", anchor="scores")
    left, right = st.columns([5, 6], gap="large")
    with left:
        st.table(
            overall_rows(comparison.model, comparison.baseline, comparison.own_baseline),
            hide_index=True,
            border="horizontal",
        )
        st.table(
            band_rows(comparison.model, comparison.baseline), hide_index=True, border="horizontal"
        )
        st.caption(
            f"Over all {comparison.model.pairs:,} observed pairs, or those of a band of "
            f"separations |i − j|. Contacts are Cα atoms closer than {CONTACT_CUTOFF:g} Å, "
            "where CASP counts Cβ. "
            + " ".join(
                f"{s.short}: {s.meaning}" for s in MAP_SCORES.list_shown("table") if not s.costly
            )
        )
    with right:
        show_figure(
            lambda: error_by_separation(
                view.prediction.map.distances,
                reference_baseline().predict(len(view.prediction.map)),
                comparison.truth.distances,
            ),
            view,
            "error-by-separation",
            "Mean absolute error by separation, of the model and of the baseline",
        )


def _show_judgement(view: PredictionView, comparison: "Comparison") -> None:
    verdict, overlap = comparison.verdict, view.prediction.training_overlap
    if verdict.kind == "unknown":
        st.info("Too little of the structure was observed to judge the prediction.")
        return
    words = [f"**{verdict.headline()}** on this chain: {verdict.figures()}."]
    if verdict.kind in _ADVICE:
        words.append(_ADVICE[verdict.kind])
    if comparison.own_baseline is not None:
        words.append(
            f"The table of {escape(view.checkpoint)}'s own training chains gives "
            f"{comparison.own_baseline.mae:.2f} Å."
        )
    # Nobody is praised for what was learned by heart.
    remembered = overlap is not None and overlap.relatives and verdict.severity == "good"
    severity = "note" if remembered else verdict.severity
    getattr(st, SHOWN_AS[severity])(" ".join(words), icon=ICONS[severity])


def _unverified(view: PredictionView) -> str:
    deviation = _mean_deviation(view)
    off = f"about **{deviation:.1f} Å**"
    said = {
        "distogram": f"The model itself expects to be off by {off} on average.",
        "validation": f"On validation chains this model was off by {off} at these separations.",
        "known chains": "This model says nothing of its own error; known chains differ by "
        f"{off} at these separations.",
    }
    return (
        "No structure is known for this sequence, so nothing here says how right the prediction "
        f"is. {said[view.card.get('std_from', 'distogram')]}"
    )


def _mean_deviation(view: PredictionView) -> float:
    """The model's own standard deviation over all pairs, Å."""
    std = view.prediction.map.std
    return float(std[np.triu_indices(len(std), 1)].mean())


def _headlines(view: PredictionView) -> list[tuple[str, str, str | None, str]]:
    """Label, value, difference to the baseline and explanation of each headline number."""
    comparison = view.prediction.comparison
    if comparison is None:
        return _headlines_without_truth(view)
    maps = [
        (
            score.english,
            score.text(ours := comparison.model.values[score.key]),
            _difference(score, ours, comparison.baseline.values[score.key]),
            f"{score.meaning} The difference is to {BASELINE}.",
        )
        for score in MAP_SCORES.list_shown("headline")
    ]
    traces = [
        (
            score.english,
            score.text(ours := comparison.trace.values[score.key]),
            _difference(score, ours, comparison.baseline_trace.values[score.key]),
            f"{score.meaning} The difference is to the trace rebuilt from {BASELINE}.",
        )
        for score in TRACE_SCORES.list_shown("headline")
    ]
    return maps + traces


def _difference(score: "Score", ours: float, theirs: float) -> str | None:
    if not math.isfinite(ours - theirs):
        return None
    return f"{ours - theirs:+.{score.digits}f} {score.unit}".rstrip()


def _headlines_without_truth(view: PredictionView) -> list[tuple[str, str, str | None, str]]:
    predicted, backbone = view.prediction.map, view.prediction.backbone
    n = len(predicted)
    contacts = float(predicted.contacts[in_band(n, "long")].sum())
    spread = np.square(backbone.coords - backbone.coords.mean(axis=0)).sum(axis=1)
    radius = float(np.sqrt(spread.mean()))
    return [
        ("Residues", f"{n:,}", None, "Length of the chain."),
        (
            "Expected error",
            f"± {_mean_deviation(view):.1f} Å",
            None,
            "The model's own deviation, over all pairs.",
        ),
        (
            "Long-range contacts",
            f"{contacts:.0f}",
            None,
            f"How many pairs with |i − j| ≥ {BANDS['long'][0]} the model expects to be closer than "
            f"{CONTACT_CUTOFF:g} Å.",
        ),
        ("Radius of gyration", f"{radius:.1f} Å", None, "Of the predicted backbone."),
        ("Hand", backbone.hand, None, "Which of the two mirror images; see below."),
    ]
