"""A dataset's card: tables and figures."""

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import streamlit as st

from distmat.dataset.card.words import (
    facts_in_words,
    leak_sentence,
    scores_of,
    small_split_sentences,
)
from distmat.dataset.catalogue import Summary
from distmat.dataset.filters import expected_gyration
from distmat.dataset.store import read_facts
from distmat.errors import DistmatError
from distmat.figures import dataset as figures
from distmat.figures.maps import image_options
from distmat.ui.markdown import escape, show_error

if TYPE_CHECKING:
    from plotly.graph_objects import Figure


def show_card(dataset: Summary) -> None:
    """All that the card says."""
    card = dataset.card
    if not card:
        st.info(
            f"This file came without a card. `distmat data split {escape(dataset.name)} -o NAME` "
            "makes a copy with one; its chains can be looked at as they are.",
            icon=":material/info:",
        )
        return
    _show_sizes(dataset)
    _show_leaks(card["leaks"])
    _show_small_splits(card)
    _show_figures(dataset)
    left, right = st.columns(2, gap="large")
    with left:
        st.subheader("In figures", anchor=False)
        st.table(
            [{"": name, " ": escape(value)} for name, value in facts_in_words(card).items()],
            hide_index=True,
            hide_header=True,
            border="horizontal",
        )
    with right:
        _show_baselines(card["baselines"])
        with st.expander("How it was built", icon=":material/construction:"):
            st.json({"origin": card["origin"], **card["settings"]}, expanded=2)
            st.caption(f"Fingerprint of ids, sequences and coordinates: {card['fingerprint']}")
    _show_downloads(dataset)


def _show_sizes(dataset: Summary) -> None:
    card = dataset.card
    with st.container(horizontal=True):
        st.metric("Chains", f"{card['chains']:,}", border=True)
        for name, part in card["splits"].items():
            st.metric(
                name,
                f"{part['chains']:,}",
                f"{part['clusters']:,} clusters",
                delta_color="off",
                delta_arrow="off",
                border=True,
            )
        st.metric("Left out", f"{card['rejects']['chains']:,}", border=True)
        st.metric("File", f"{dataset.size / 2**20:.1f} MiB", border=True)


def _show_leaks(leaks: dict[str, Any]) -> None:
    sentence = escape(leak_sentence(leaks))
    if leaks.get("relatives"):
        st.warning(sentence, icon=":material/warning:")
    else:
        st.success(sentence, icon=":material/verified_user:")


def _show_small_splits(card: dict[str, Any]) -> None:
    for sentence in small_split_sentences(card):
        st.warning(escape(sentence), icon=":material/warning:")


def _show_baselines(baselines: dict[str, Any]) -> None:
    st.subheader("What knowing nothing scores", anchor=False)
    if not baselines.get("scores"):
        st.caption("There is no train and val to fit and score a baseline on.")
        return
    st.table(
        [
            {
                "predictor": name,
                **{score.column: score.number(scores[score.key]) for score in scores_of(baselines)},
            }
            for name, scores in baselines["scores"].items()
        ],
        hide_index=True,
        border="horizontal",
    )
    st.caption(
        f"Fitted on {baselines['fitted_on']:,} chains of train, scored on "
        f"{baselines['scored_on']:,} of val, one of each cluster. A model that isn't "
        "clearly better has learned nothing."
    )


def _show_figures(dataset: Summary) -> None:
    card = dataset.card
    try:
        facts = facts_of(dataset)
    except DistmatError as error:
        show_error(error)
        return
    observed = (facts["length"] - facts["missing"]).to_numpy()
    lengths, distances = card["lengths"], card["distances"]
    drawn = [
        (
            "Lengths",
            figures.length_histogram(lengths["counts"], lengths["bin_width"]),
            "Histogram of chain lengths by split",
        ),
        (
            "Distances",
            figures.distance_histogram(
                distances.get("counts", []), distances.get("bin_width", 2.0)
            ),
            "Histogram of distances between residues",
        ),
        (
            "Sizes",
            figures.gyration_scatter(
                observed,
                facts["rg"].to_numpy(dtype=float),
                facts["id"].tolist(),
                np.asarray(expected_gyration(np.maximum(observed, 1))),
            ),
            "Radius of gyration against length, with that of globular chains",
        ),
        (
            "Amino acids",
            figures.composition_bars({dataset.name: card["composition"]}),
            "Share of each amino acid",
        ),
        (
            "Helices and strands",
            figures.structure_bars(card["secondary_structure"]),
            "Share of helix and strand",
        ),
        (
            "Clusters",
            figures.cluster_sizes(facts["cluster"].value_counts().to_numpy()),
            "How many sequence clusters have how many chains",
        ),
    ]
    for start in range(0, len(drawn), 3):
        for column, (title, figure, alt) in zip(
            st.columns(3, gap="medium"), drawn[start : start + 3], strict=False
        ):
            with column:
                st.markdown(f"**{title}**")
                show_figure(figure, f"{dataset.name}-{title.lower().replace(' ', '-')}", alt)


def show_figure(figure: "Figure", name: str, alt: str) -> None:
    """A figure that its camera saves under this name."""
    st.plotly_chart(
        figure, width="stretch", config=image_options(name, "png"), key=f"figure-{name}", alt=alt
    )


def facts_of(dataset: Summary) -> pd.DataFrame:
    """The dataset's table without coordinates, read once for each state of the file."""
    return _facts(str(dataset.path), dataset.path.stat().st_mtime_ns)


@st.cache_data(max_entries=4, show_spinner="Reading the dataset")
def _facts(path: str, changed: int) -> pd.DataFrame:
    from pathlib import Path

    facts = read_facts(Path(path))
    for column, value in (("missing", 0), ("cluster", facts.index), ("rg", np.nan)):
        given = facts[column] if column in facts else pd.Series(np.nan, index=facts.index)
        facts[column] = given.fillna(pd.Series(value, index=facts.index))
    return facts


def _show_downloads(dataset: Summary) -> None:
    with st.container(horizontal=True):
        for label, path, kind in (
            ("Card, Markdown", dataset.path.with_suffix(".md"), "text/markdown"),
            ("Card, JSON", dataset.path.with_suffix(".json"), "application/json"),
        ):
            if path.exists():
                st.download_button(
                    label,
                    path.read_bytes(),
                    path.name,
                    kind,
                    on_click="ignore",
                    icon=":material/download:",
                )
