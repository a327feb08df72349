"""Which known structures a prediction rests on."""

import streamlit as st

from distmat.protein.entry_id import normal_id
from distmat.ui.predict.maps import show_figure
from distmat.ui.predict.view import PredictionView


def show_templates(view: PredictionView) -> None:
    """The templates that were used, and what copying the surest one would have scored."""
    _show_alignment(view)
    templates = view.prediction.templates
    if not templates:
        if view.library:
            st.caption("No relative of this sequence is in the library: predicted from it alone.")
        return
    first, *others = templates
    others_too = f" and {len(others)} more" if others else ""
    st.info(
        f"This prediction uses known structures: {first.name} "
        f"({first.identity:.0%} identical over {first.coverage:.0%} of the chain){others_too}.",
        icon=":material/account_tree:",
    )
    with st.expander("Templates"):
        st.table([_row(view, template) for template in templates], hide_index=True)
        st.caption(_nearest(view))


def _show_alignment(view: PredictionView) -> None:
    """What the alignment holds that came with the sequence, and what was done with it."""
    alignment = view.prediction.alignment
    if alignment is None or len(alignment) < 2:
        return
    said = [alignment.sentence(), view.prediction.alignment_use]
    if view.library:
        said.append("Its profile searched the library.")
    st.info(" ".join(said), icon=":material/stacks:")
    with st.expander("Alignment"):
        from distmat.figures.maps import residue_curve

        what = "share of the sequences with a residue"
        figure = residue_curve(view.request.sequence, alignment.coverage, what, unit="")
        show_figure(
            lambda: figure, view, "alignment-coverage", "Coverage of each residue by the alignment"
        )


def _row(view: PredictionView, template) -> dict[str, str]:
    start, end = template.span
    return {
        "Chain": template.name,
        "Identity": f"{template.identity:.0%}",
        "Coverage": f"{template.coverage:.0%}",
        "Residues": f"{start + 1}–{end + 1}",
        "Aligned right": f"{template.mean_confidence:.0%}",
        "E-value": f"{template.e_value:.1g}",
        "Learned from": _learned(view, template.name),
    }


def _learned(view: PredictionView, name: str) -> str:
    if view.learned is None:
        return "not told"
    return "yes" if normal_id(name) in view.learned else "no"


def _nearest(view: PredictionView) -> str:
    words = (
        "Aligned right: how likely an aligned residue has its true counterpart. E-value: "
        "alignments as good that chance alone would find in the library. Learned from: whether the "
        "checkpoint was trained on this chain, too."
    )
    comparison = view.prediction.comparison
    if comparison is None or comparison.nearest is None:
        return words
    return (
        f"Copying the first template, and the separation where it says nothing, would be off by "
        f"{comparison.nearest.mae:.2f} Å on average; this prediction is by "
        f"{comparison.model.mae:.2f} Å. {words}"
    )
