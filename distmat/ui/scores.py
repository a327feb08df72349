"""How good the prediction is, always beside what knowing only the separation would give."""

import math
from typing import TYPE_CHECKING

import numpy as np
import streamlit as st

from distmat.figures.maps import error_by_separation
from distmat.protein.distance_map import BANDS, CONTACT_CUTOFF, in_band
from distmat.ui.answer import Answer
from distmat.ui.maps import show_figure

if TYPE_CHECKING:
    from distmat.geometry.scores import MapScores
    from distmat.prediction import Comparison

BASELINE = "knowing only the separation"

_CLEARLY, _HARDLY = 0.10, 0.02
"""Shares of the baseline's error: from the first on the gain is clear, below the second none."""


def show_verdict(answer: Answer) -> None:
    """One sentence that says what the prediction is worth, and the headline numbers."""
    if answer.prediction.comparison is None:
        st.info(_unverified(answer), icon=":material/help:")
    else:
        _show_judgement(answer.prediction.comparison)
    with st.container(horizontal=True, horizontal_alignment="distribute"):
        for label, value, delta, hint in _headlines(answer):
            st.metric(
                label,
                value,
                delta,
                delta_color="inverse" if "Å" in value else "normal",
                help=hint,
                width=165,
            )


def show_scores(answer: Answer) -> None:
    """Tables over all pairs and by band, and the error by separation."""
    comparison = answer.prediction.comparison
    if comparison is None:
        return
    st.subheader("Scores of the map", anchor="scores")
    left, right = st.columns([5, 6], gap="large")
    with left:
        st.table(
            _overall(comparison.model, comparison.baseline), hide_index=True, border="horizontal"
        )
        st.table(
            _by_band(comparison.model, comparison.baseline), hide_index=True, border="horizontal"
        )
        st.caption(
            f"Over all {comparison.model.pairs:,} observed pairs, or those of a band of "
            f"separations |i − j|. Contacts are Cα atoms closer than {CONTACT_CUTOFF:g} Å, "
            "where CASP counts Cβ. P@L: of the L likeliest long-range contacts of a chain of L "
            "residues, the share that are contacts."
        )
    with right:
        figure = error_by_separation(
            answer.prediction.map.distances, answer.baseline, comparison.truth.distances
        )
        show_figure(
            figure,
            answer,
            "error-by-separation",
            "Mean absolute error by separation, of the model and of the baseline",
        )


def _show_judgement(comparison: "Comparison") -> None:
    model, baseline = comparison.model.mae, comparison.baseline.mae
    gain = 1.0 - model / baseline if baseline else math.nan
    figures = f"it is off by **{model:.2f} Å** on average, {BASELINE} by **{baseline:.2f} Å**"
    if math.isnan(gain):
        st.info("Too little of the structure was observed to judge the prediction.")
    elif gain >= _CLEARLY:
        st.success(
            f"**Better than {BASELINE}**, by {gain:.0%}: {figures}.", icon=":material/check_circle:"
        )
    elif gain >= _HARDLY:
        st.info(
            f"**A little better than {BASELINE}**, by {gain:.0%}: {figures}. Rely on its "
            "outlines, not on single pairs.",
            icon=":material/info:",
        )
    elif gain > -_HARDLY:
        st.warning(
            f"**No better than {BASELINE}** on this chain: {figures}. Don't read a fold into "
            "this map.",
            icon=":material/warning:",
        )
    else:
        st.warning(
            f"**Worse than {BASELINE}** on this chain, by {-gain:.0%}: {figures}. Don't read a "
            "fold into this map.",
            icon=":material/warning:",
        )


def _unverified(answer: Answer) -> str:
    deviation = _mean_deviation(answer)
    off = f"about **{deviation:.1f} Å**"
    said = {
        "distogram": f"The model itself expects to be off by {off} on average.",
        "validation": f"On validation chains this model was off by {off} at these separations.",
        "known chains": "This model says nothing of its own error; known chains differ by "
        f"{off} at these separations.",
    }
    return (
        "No structure is known for this sequence, so nothing here says how right the prediction "
        f"is. {said[answer.card.get('std_from', 'distogram')]}"
    )


def _mean_deviation(answer: Answer) -> float:
    """The model's own standard deviation over all pairs, Å."""
    std = answer.prediction.map.std
    return float(std[np.triu_indices(len(std), 1)].mean())


def _headlines(answer: Answer) -> list[tuple[str, str, str | None, str]]:
    """Label, value, difference to the baseline and explanation of each headline number."""
    comparison = answer.prediction.comparison
    if comparison is None:
        return _headlines_without_truth(answer)
    model, baseline, trace = comparison.model, comparison.baseline, comparison.trace
    beside = f"The difference is to {BASELINE}."
    return [
        (
            "Mean error",
            f"{model.mae:.2f} Å",
            f"{model.mae - baseline.mae:+.2f} Å",
            f"Mean absolute error over all observed pairs. {beside}",
        ),
        (
            "Correlation r",
            _number(model.pearson),
            _difference(model.pearson, baseline.pearson),
            f"Pearson correlation of predicted with true distances. {beside}",
        ),
        (
            "Distance lDDT",
            _number(model.lddt),
            _difference(model.lddt, baseline.lddt),
            "Share of distances below 15 Å that are kept within 0.5, 1, 2 and 4 Å, averaged. "
            + beside,
        ),
        (
            "TM-score",
            _number(trace.tm, 2),
            None,
            "Of the backbone against the structure: 1 is the same, above 0.5 the same fold, "
            "0.17 chance.",
        ),
        (
            "RMSD",
            f"{trace.rmsd:.1f} Å",
            None,
            "Of the backbone laid on the structure; a mirror image counts as wrong.",
        ),
    ]


def _headlines_without_truth(answer: Answer) -> list[tuple[str, str, str | None, str]]:
    predicted, backbone = answer.prediction.map, answer.prediction.backbone
    n = len(predicted)
    contacts = float(predicted.contacts[in_band(n, "long")].sum())
    spread = np.square(backbone.coords - backbone.coords.mean(axis=0)).sum(axis=1)
    radius = float(np.sqrt(spread.mean()))
    return [
        ("Residues", f"{n:,}", None, "Length of the chain."),
        (
            "Expected error",
            f"± {_mean_deviation(answer):.1f} Å",
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


def _overall(model: "MapScores", baseline: "MapScores") -> list[dict[str, str]]:
    rows = [
        ("MAE (Å)", model.mae, baseline.mae, 2, True),
        ("RMSE (Å)", model.rmse, baseline.rmse, 2, True),
        ("correlation r", model.pearson, baseline.pearson, 3, False),
        ("distance lDDT", model.lddt, baseline.lddt, 3, False),
        (
            f"long P@L (at best {_number(model.long_precision_ceiling, 2)})",
            model.long_precision,
            baseline.long_precision,
            3,
            False,
        ),
    ]
    return [
        {
            "score": name,
            "model": f"**{_number(ours, digits)}**",
            BASELINE: _number(theirs, digits),
            "better by": _better(ours, theirs, digits, lower),
        }
        for name, ours, theirs, digits, lower in rows
    ]


def _by_band(model: "MapScores", baseline: "MapScores") -> list[dict[str, str]]:
    rows = []
    for name, (first, last) in BANDS.items():
        ours, theirs = model.bands[name], baseline.bands[name]
        if not ours.pairs:
            continue
        rows.append(
            {
                "band": f"{name} ({first}–{last})" if last else f"{name} (≥ {first})",
                "pairs": f"{ours.pairs:,}",
                "MAE (Å)": f"**{_number(ours.mae, 2)}**",
                "separation only": _number(theirs.mae, 2),
                "better by": _better(ours.mae, theirs.mae, 2, True),
                "r": _number(ours.pearson, 2),
            }
        )
    return rows


def _number(value: float, digits: int = 3) -> str:
    return "–" if not math.isfinite(value) else f"{value:.{digits}f}"


def _difference(ours: float, theirs: float) -> str | None:
    return f"{ours - theirs:+.3f}" if math.isfinite(ours - theirs) else None


def _better(ours: float, theirs: float, digits: int, lower: bool) -> str:
    gain = theirs - ours if lower else ours - theirs
    if not math.isfinite(gain):
        return "–"
    text = f"{gain:+.{digits}f}".replace("-", "−")
    return f":{'green' if gain > 0 else 'red'}[{text}]"
