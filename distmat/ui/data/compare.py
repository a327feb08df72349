"""Two datasets beside each other."""

from typing import Any

import numpy as np
import streamlit as st

from distmat.dataset.card.words import facts_in_words
from distmat.dataset.catalogue import Summary, list_datasets
from distmat.errors import DistmatError
from distmat.figures import dataset as figures
from distmat.ui.data.card import facts_of, show_figure
from distmat.ui.markdown import escape, show_error


def show_comparison(dataset: Summary) -> None:
    """The dataset and another one: figures, distributions, and the chains that both have."""
    others = {one.name: one for one in list_datasets() if one.card and one.name != dataset.name}
    if not dataset.card or not others:
        st.info(
            "To compare, there must be two datasets with a card.", icon=":material/compare_arrows:"
        )
        return
    name = st.selectbox("With", list(others), key=f"with-{dataset.name}", width=520)
    other = others[name]
    try:
        _show_common(dataset, other)
    except DistmatError as error:
        show_error(error)
        return
    _show_table(dataset, other)
    _show_figures(dataset, other)


def _show_common(one: Summary, two: Summary) -> None:
    first, second = facts_of(one), facts_of(two)
    ids = len(set(first["id"]) & set(second["id"]))
    sequences = len(set(first["sequence"]) & set(second["sequence"]))
    words = f"{ids:,} ids and {sequences:,} sequences are in both"
    if "split" in first and "split" in second:
        crossing = sum(
            len(
                set(a.loc[a["split"] == "train", "sequence"])
                & set(b.loc[b["split"].isin(["val", "test"]), "sequence"])
            )
            for a, b in ((first, second), (second, first))
        )
        if crossing:
            st.warning(
                f"{words}; {crossing:,} in train of the one and in val or test of the other: don't "
                "train on the one and report on the other.",
                icon=":material/warning:",
            )
            return
    st.caption(f"{words}.")


def _show_table(one: Summary, two: Summary) -> None:
    rows = [_figures(one), _figures(two)]
    st.table(
        [
            {"": name, one.name: escape(rows[0][name]), two.name: escape(rows[1].get(name, "–"))}
            for name in rows[0]
        ],
        hide_index=True,
        border="horizontal",
    )


def _figures(dataset: Summary) -> dict[str, str]:
    card = dataset.card
    splits = {
        f"chains in {name}": f"{part['chains']:,} in {part['clusters']:,} clusters"
        for name, part in card["splits"].items()
    }
    scores = card["baselines"].get("scores", {}).get("separation and length", {})
    return {
        "chains": f"{card['chains']:,}",
        **splits,
        "left out": f"{card['rejects']['chains']:,}",
        **facts_in_words(card),
        "MAE of the separation baseline": _digits(scores.get("mae")),
    }


def _digits(value: float | None) -> str:
    return "–" if value is None else f"{value:.2f} Å"


def _show_figures(one: Summary, two: Summary) -> None:
    cards = {one.name: one.card, two.name: two.card}
    lengths = {name: _all_lengths(card) for name, card in cards.items()}
    distances = {name: card["distances"].get("counts", []) for name, card in cards.items()}
    sizes = {name: card["gyration"]["counts"] for name, card in cards.items()}
    drawn = [
        (
            "Lengths",
            figures.compare_histograms(
                lengths, one.card["lengths"]["bin_width"], "residues", "residues"
            ),
        ),
        (
            "Distances",
            figures.compare_histograms(
                distances, one.card["distances"].get("bin_width", 2.0), "distance (Å)", "Å"
            ),
        ),
        (
            "Radius of gyration",
            figures.compare_histograms(
                sizes,
                one.card["gyration"]["bin_width"],
                "times that of a globular chain",
                "times",
            ),
        ),
        (
            "Amino acids",
            figures.composition_bars({name: card["composition"] for name, card in cards.items()}),
        ),
    ]
    for start in (0, 2):
        for column, (title, figure) in zip(
            st.columns(2, gap="medium"), drawn[start : start + 2], strict=True
        ):
            with column:
                st.markdown(f"**{title}**")
                show_figure(
                    figure, f"compare-{title.lower().replace(' ', '-')}", f"{title} of both"
                )


def _all_lengths(card: dict[str, Any]) -> list[int]:
    return np.array(list(card["lengths"]["counts"].values())).sum(axis=0).tolist()
