"""The curves of runs: loss, gradient, learning rate, and errors in Å beside the baseline."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import streamlit as st

from distmat.figures.curves import Line, metric_figure
from distmat.jobs.store.curve import Curve
from distmat.runs.run import Run
from distmat.runs.store import RunStore
from distmat.scoring.map_scores import MAP_SCORES
from distmat.ui.live_plot import show_live_plot

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

POINTS = 1000
"""Of a curve on the page; wide screens have little more pixels for one."""

AXES = ("step", "epoch", "hours")

_OF_TRAINING: tuple[tuple[str, str, bool], ...] = (
    ("loss", "loss", True),
    ("grad_norm", "gradient norm", True),
    ("learning_rate", "learning rate", False),
    ("eval_loss", "validation loss", True),
    ("residues_per_second", "residues per second", False),
)


def charts() -> list[tuple[str, str, bool]]:
    """Metric, title of its axis, and whether a logarithmic one suits it."""
    first, *more = [
        (f"eval_{score.key}", score.column, False) for score in MAP_SCORES.list_shown("metric")
    ]
    loss, *others = _OF_TRAINING
    return [loss, first, *others, *more]


_SHORT = 4
"""Charts above the fold."""


@dataclass(frozen=True)
class CurveView:
    """How a person wants to see the curves."""

    axis: str
    smoothing: float
    logarithmic: bool


def ask_view(key: str) -> CurveView:
    """Controls over the curves."""
    with st.container(horizontal=True, vertical_alignment="center"):
        axis = st.segmented_control(
            "Along", AXES, default=AXES[0], required=True, key=f"{key}-axis"
        )
        smoothing = st.slider(
            "Smoothing", 0.0, 0.99, 0.0, key=f"{key}-smoothing", width=220, format="%.2f"
        )
        logarithmic = st.toggle("Logarithmic losses", value=True, key=f"{key}-log")
    return CurveView(axis or AXES[0], smoothing, logarithmic)


def show_curves(store: RunStore, runs: Sequence[Run], view: CurveView, key: str) -> None:
    """All charts that have something to show, two beside each other."""
    curves = {run.id: store.curves(run.id, points=POINTS) for run in runs}
    drawn = [chart for chart in charts() if any(chart[0] in curves[run.id] for run in runs)]
    if not drawn:
        st.info("Nothing has been logged yet.", icon=":material/hourglass_empty:")
        return
    _show_charts(drawn[:_SHORT], runs, curves, view, key)
    if len(drawn) > _SHORT:
        with st.expander(f"{len(drawn) - _SHORT} more curves"):
            _show_charts(drawn[_SHORT:], runs, curves, view, key)


def _key(key: str, name: str, view: CurveView) -> str:
    """Of one plot; another scale is another plot."""
    return f"{key}-{name}-{view.axis}-{'log' if view.logarithmic else 'linear'}"


def _show_charts(
    drawn: Sequence[tuple[str, str, bool]],
    runs: Sequence[Run],
    curves: Mapping[str, Mapping[str, Curve]],
    view: CurveView,
    key: str,
) -> None:
    columns, live = st.columns(2), any(not run.has_ended for run in runs)
    for number, (name, title, logarithmic) in enumerate(drawn):
        figure = metric_figure(
            lines(name, runs, curves, view.axis),
            view.axis,
            title,
            logarithmic=logarithmic and view.logarithmic,
            smoothing=0.0 if name.startswith("eval_") else view.smoothing,
        )
        own = _key(key, name, view)
        with columns[number % 2]:
            _show_chart(figure, own, f"{title} over {view.axis}", live)


def _show_chart(figure: "Figure", key: str, alt: str, live: bool) -> None:
    if live:
        show_live_plot(figure, key, alt)
    else:
        st.plotly_chart(figure, width="stretch", key=key, alt=alt)


def lines(
    name: str, runs: Sequence[Run], curves: Mapping[str, Mapping[str, Curve]], axis: str
) -> list[Line]:
    """The metric of each run, and of the first the baseline's."""
    found = [
        Line(run.name, along(curves[run.id], name, axis), curves[run.id][name].values, number)
        for number, run in enumerate(runs)
        if name in curves[run.id]
    ]
    baseline_name = name.replace("eval_", "eval_baseline_", 1)
    told: set[float | None] = set()
    for run in runs:
        baseline = curves[run.id].get(baseline_name)
        # Runs on the same chains have the same baseline: one line says it.
        if baseline_name != name and baseline is not None and baseline.last not in told:
            told.add(baseline.last)
            x = along(curves[run.id], baseline_name, axis)
            found.append(Line("separation only", x, baseline.values, baseline=True))
    return found


def along(curves: Mapping[str, Curve], name: str, axis: str) -> np.ndarray:
    """Steps, epochs, or hours since the first point of any of a run's curves."""
    if axis == "epoch":
        return curves[name].epochs
    if axis == "hours":
        began = min(curve.times[0] for curve in curves.values() if len(curve))
        return (curves[name].times - began) / 3600
    return curves[name].steps
