"""The chains of an evaluation: a table, the best, the median and the worst, and one in full."""

from typing import Any

import pandas as pd
import streamlit as st

from distmat.dataset.store import read_dataset
from distmat.errors import DatasetError, DistmatError
from distmat.prediction import Prediction
from distmat.prediction_tasks import predict
from distmat.protein.chain import Chain
from distmat.scoring.map_scores import MAP_SCORES
from distmat.ui.address import follow_address, name_followed
from distmat.ui.evaluate.results import BASELINES, chain_table
from distmat.ui.explorer import prediction_scene, show_explorer
from distmat.ui.file_name import file_stem
from distmat.ui.markdown import escape, show_error
from distmat.ui.workers import compute
from distmat.workspace import checkpoint_path, dataset_path, library_path

_RANKS = ("Best", "Median", "Worst")


def show_chains(content: dict[str, Any], settings: dict[str, Any], key: str) -> None:
    """Cards, a table to sort, filter and search, and the chosen chain in the explorer."""
    st.subheader("Chains", anchor="chains")
    table = chain_table(content)
    table = table[table["mae"].notna()]
    if table.empty:
        return
    opened = f"evaluate-chain-{key}"
    ranked = table.sort_values("skill", ascending=False, na_position="last").reset_index(drop=True)
    places = dict.fromkeys((0, (len(ranked) - 1) // 2, len(ranked) - 1))
    # Of one or two chains there are fewer cards.
    for column, rank, place in zip(st.columns(3), _RANKS, places, strict=False):
        with column, st.container(border=True):
            _show_card(rank, ranked.iloc[place], opened)
    _show_table(table, opened, key)
    best = str(ranked.iloc[0]["id"])
    follow_address("chain", opened, list(table["id"]), best)
    name = st.session_state[opened]
    name_followed("chain", opened, name, best)
    _show_chain(name, settings, key)


def _show_card(rank: str, row: pd.Series, opened: str) -> None:
    mae = MAP_SCORES["mae"]
    st.markdown(f"**{rank}** — {escape(str(row['id']))}")
    st.markdown(
        f"MAE **{mae.text(row['mae'])}**, {BASELINES['baseline']} {mae.text(row['baseline_mae'])}; "
        f"skill {row['skill']:+.2f}".replace("-", "−")
    )
    st.caption(" · ".join(_words(row)))
    st.button(
        "Open",
        key=f"{opened}-{rank}",
        icon=":material/open_in_full:",
        on_click=lambda: st.session_state.update({opened: str(row["id"])}),
    )


def _words(row: pd.Series) -> list[str]:
    words = []
    if "length" in row and pd.notna(row["length"]):
        words.append(f"{int(row['length']):,} residues")
        words.append(str(row["class"]))
    if "template" in row and isinstance(row["template"], str):
        words.append(f"template {escape(row['template'])} ({row['template_identity']:.0%})")
    return words


def _show_table(table: pd.DataFrame, opened: str, key: str) -> None:
    with st.container(horizontal=True, vertical_alignment="bottom"):
        text = st.text_input(
            "Search", key="search", bind="query-params", icon=":material/search:", width=240
        )
        found = table
        if text.strip():
            found = found[found["id"].str.contains(text.strip(), case=False, regex=False)]
        if "class" in table:
            classes = sorted(table["class"].dropna().unique())
            kinds = st.pills(
                "Class", classes, selection_mode="multi", key="class", bind="query-params"
            )
            if kinds:
                found = found[found["class"].isin(kinds)]
        if st.toggle("Only those that the baseline beats", key="lost", bind="query-params"):
            found = found[found["skill"] < 0]
    st.caption(f"{len(found):,} of {len(table):,} chains; one at the left of a row opens it.")
    event = st.dataframe(
        found,
        hide_index=True,
        width="stretch",
        height=300,
        on_select="rerun",
        selection_mode="single-row",
        key=f"evaluate-table-{key}",
        column_config=_columns(),
        placeholder="–",
    )
    rows = [row for row in event["selection"]["rows"] if row < len(found)]
    seen = f"{opened}-row"
    # A card that was clicked afterwards isn't overruled by a row that is still selected.
    if rows != st.session_state.get(seen):
        st.session_state[seen] = rows
        if rows:
            st.session_state[opened] = str(found.iloc[rows[0]]["id"])


def _columns() -> dict[str, Any]:
    columns: dict[str, Any] = {
        "id": st.column_config.TextColumn("Chain", pinned=True),
        "skill": st.column_config.NumberColumn("Skill", format="%.2f"),
        "length": "Residues",
        "observed": "Observed",
        "class": "Class",
        "template": "Template",
        "template_identity": st.column_config.NumberColumn("Identity", format="percent"),
        "template_coverage": st.column_config.NumberColumn("Coverage", format="percent"),
    }
    for name in ("model", *BASELINES):
        prefix, said = ("", "") if name == "model" else (f"{name}_", f", {BASELINES[name]}")
        for score in MAP_SCORES:
            columns[f"{prefix}{score.key}"] = st.column_config.NumberColumn(
                f"{score.column}{said}", format=f"%.{score.digits}f"
            )
    return columns


def _show_chain(name: str, settings: dict[str, Any], key: str) -> None:
    st.markdown(f"**{escape(name)}**")
    try:
        with st.spinner("Predicting the chain again"):
            prediction = _prediction(name, tuple(sorted(settings.items())), key)
    except DistmatError as error:
        show_error(error)
        return
    scene = prediction_scene(prediction, f"{key}-{name}", file_stem(name))
    show_explorer(scene, "evaluate-explorer")


@st.cache_resource(max_entries=8, show_spinner=False)
def _prediction(name: str, settings: tuple[tuple[str, Any], ...], key: str) -> Prediction:
    """The chain as the evaluation saw it; `key` is the evaluation's."""
    given = dict(settings)
    wanted = given.get("library") or "none"
    library = "" if wanted == "none" else str(library_path(wanted))
    chain = _chain(given["dataset"], name)
    folder = str(checkpoint_path(given["checkpoint"]))
    return compute(predict, folder, chain.sequence, name, chain, library).prediction


def _chain(dataset: str, name: str) -> Chain:
    chains = read_dataset(dataset_path(dataset)).chains
    found = next((chain for chain in chains if chain.name == name), None)
    if found is None:
        raise DatasetError(f"{dataset} has no chain '{name}' any more.")
    return found
