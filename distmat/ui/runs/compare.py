"""Several runs beside each other: curves, figures, and only the settings that differ."""

from collections.abc import Sequence
from typing import Any

import streamlit as st

from distmat.runs.compare import scores as run_scores
from distmat.runs.run import Run
from distmat.runs.store import RunStore
from distmat.scoring.map_scores import MAP_SCORES
from distmat.ui.run_store import STATE_WORDS, show_setting
from distmat.ui.runs.curves import ask_view, show_curves
from distmat.ui.runs.list import show_way_back
from distmat.ui.runs.sweep import show_sweep

_REFRESH = "2s"


def show_comparison(store: RunStore, run_ids: Sequence[str]) -> None:
    """The page of several runs."""
    runs = [store.get(run_id) for run_id in dict.fromkeys(run_ids)]
    show_way_back()
    st.title(f"{len(runs)} runs compared", anchor=False)
    view = ask_view("compare")
    live = _REFRESH if any(run.active for run in runs) else None
    ids = [run.id for run in runs]
    st.fragment(_show, run_every=live)(store, ids, view)
    show_sweep(store, runs)
    st.subheader("Settings that differ", anchor=False)
    rows = list_differences(runs)
    if rows:
        st.dataframe(rows, hide_index=True, width="stretch")
    else:
        st.caption("None: these runs have the same settings.")


def _show(store: RunStore, ids: Sequence[str], view: Any) -> None:
    runs = [store.get(run_id) for run_id in ids]
    st.dataframe(
        [scores(store, run) for run in runs],
        hide_index=True,
        width="stretch",
        placeholder="–",
        column_config={
            title: st.column_config.NumberColumn(format=f"%.{score.digits}f", help=score.meaning)
            for score in MAP_SCORES.list_shown("metric")
            for title in (f"{score.column}, last", f"{score.column}, best")
        }
        | {
            "Separation only (Å)": st.column_config.NumberColumn(format="%.2f"),
            "Step": st.column_config.NumberColumn(format="localized"),
        },
    )
    show_curves(store, runs, view, "compare")


def scores(store: RunStore, run: Run) -> dict[str, Any]:
    """Last and best value of every score, the baseline's MAE beside the model's."""
    row: dict[str, Any] = {
        "Run": run.name,
        "State": STATE_WORDS[run.state][2],
        "Step": run.step,
    }
    for key, found in run_scores(store, run).items():
        column = MAP_SCORES[key].column
        row[f"{column}, last"] = found.last
        row[f"{column}, best"] = found.best
        if key == "mae":
            row["Separation only (Å)"] = found.baseline
    return row


def list_differences(runs: Sequence[Run]) -> list[dict[str, str]]:
    """One row for each setting in which the runs differ; their folders don't count."""
    names = dict.fromkeys(name for run in runs for name in run.settings if name != "output")
    rows = []
    for name in names:
        values = [show_setting(run.settings.get(name)) for run in runs]
        if len(set(values)) > 1:
            named = {f"{run.name} ({run.id})": v for run, v in zip(runs, values, strict=True)}
            rows.append({"Setting": name, **named})
    return rows
