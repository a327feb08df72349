"""Any setting of the compared runs against any score."""

from collections.abc import Sequence

import streamlit as st

from distmat.figures.maps import image_options
from distmat.figures.sweep import parallel_coordinates, sweep_scatter
from distmat.runs.compare import compare_settings, scores
from distmat.runs.run import Run
from distmat.runs.store import RunStore
from distmat.scoring.map_scores import MAP_SCORES

_FEWEST = 2
"""Runs with a score from which there is anything to see."""


def show_sweep(store: RunStore, runs: Sequence[Run]) -> None:
    """A scatter of a setting against a score, and all settings as parallel coordinates."""
    found = [scores(store, run) for run in runs]
    settings = {
        name: values
        for name, values in compare_settings(runs).items()
        if all(isinstance(value, int | float | str | None) for value in values)
    }
    measured = [
        score
        for score in MAP_SCORES.list_shown("metric")
        if sum(one[score.key].best is not None for one in found) >= _FEWEST
    ]
    if not settings or not measured:
        return
    st.subheader("Settings against scores", anchor="sweep")
    with st.container(horizontal=True):
        score = st.selectbox(
            "Score, best of each run",
            measured,
            format_func=lambda score: score.column,
            key="sweep-score",
            width=260,
        )
        setting = st.selectbox("Setting", list(settings), key="sweep-setting", width=300)
    best = [one[score.key].best for one in found]
    left, right = st.columns(2, gap="large")
    with left:
        figure = sweep_scatter(
            setting,
            settings[setting],
            score.column,
            best,
            [one[score.key].baseline for one in found],
            [run.name for run in runs],
        )
        _show(figure, "scatter", f"{score.column} of each run against {setting}")
    with right:
        figure = parallel_coordinates(settings, score.column, best)
        _show(figure, "parallel", f"Settings of each run and its {score.column}")
        st.caption("Each line is a run. Drag along an axis to see only the runs that pass there.")


def _show(figure, name: str, alt: str) -> None:
    st.plotly_chart(
        figure,
        width="stretch",
        config=image_options(f"sweep-{name}", "svg"),
        key=f"sweep-{name}",
        alt=alt,
    )
