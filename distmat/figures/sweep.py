"""Settings of several runs against a score, as plotly figures."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go

from distmat.figures.maps import BASELINE_COLOUR, MODEL_COLOUR, finish

_WIDE = 50.0
"""Ratio of the largest to the smallest value from which an axis is logarithmic."""


def sweep_scatter(
    setting: str,
    values: Sequence[Any],
    score: str,
    scores: Sequence[float | None],
    baselines: Sequence[float | None],
    runs: Sequence[str],
) -> go.Figure:
    """A score of each run against one of its settings, the baseline's beside it.

    Parameters
    ----------
    setting : str
        Its name.
    values : sequence
        Of each run; numbers, or anything else as categories.
    score : str
        Its name and unit.
    scores, baselines : sequence of float or None
        Of each run.
    runs : sequence of str
        Their names.
    """
    numeric = _is_numeric(values)
    x = list(values) if numeric else [_word(value) for value in values]
    figure = go.Figure()
    for name, heights, colour, symbol in (
        ("knowing only the separation", baselines, BASELINE_COLOUR, "line-ew-open"),
        ("run", scores, MODEL_COLOUR, "circle"),
    ):
        figure.add_trace(
            go.Scatter(
                x=x,
                y=[value if value is not None else math.nan for value in heights],
                name=name,
                mode="markers",
                marker={"color": colour, "symbol": symbol, "size": 11, "line": {"width": 2}},
                text=list(runs),
                hovertemplate="%{text}<br>%{x}: %{y:.3f}<extra>" + name + "</extra>",
            )
        )
    kind = ("log" if _spans(values) else "linear") if numeric else "category"
    figure.update_layout(
        xaxis={"title": setting, "type": kind, "exponentformat": "e"},
        yaxis={"title": score},
        legend={"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0},
    )
    return finish(figure, 360)


def parallel_coordinates(
    settings: Mapping[str, Sequence[Any]], score: str, scores: Sequence[float | None]
) -> go.Figure:
    """Every run as a line through its settings to its score; drag along an axis to choose.

    Parameters
    ----------
    settings : mapping of str to sequence
        The settings in which the runs differ, with each run's value.
    score : str
        Its name and unit.
    scores : sequence of float or None
        Of each run; runs without it are left out.
    """
    kept = [k for k, value in enumerate(scores) if value is not None]
    heights = np.array([scores[k] for k in kept], dtype=float)
    dimensions = [_dimension(name, [values[k] for k in kept]) for name, values in settings.items()]
    figure = go.Figure(
        go.Parcoords(
            dimensions=[*dimensions, {"label": score, "values": np.round(heights, 3)}],
            line={"color": heights, "colorscale": "Viridis", "showscale": False},
            labelangle=-12,
        )
    )
    return finish(figure, 380).update_layout(margin={"l": 60, "r": 60, "t": 90, "b": 30})


def _dimension(name: str, values: Sequence[Any]) -> dict[str, Any]:
    if not _is_numeric(values):
        words = [_word(value) for value in values]
        known = list(dict.fromkeys(words))
        places = [known.index(word) for word in words]
        return {
            "label": name,
            "values": places,
            "tickvals": list(range(len(known))),
            "ticktext": known,
        }
    if not _spans(values):
        return {"label": name, "values": list(values)}
    logs = np.log10(np.array(values, dtype=float))
    ticks = sorted({float(value) for value in values})
    return {
        "label": f"{name} (log)",
        "values": logs,
        "tickvals": np.log10(ticks),
        "ticktext": [f"{tick:g}" for tick in ticks],
    }


def _is_numeric(values: Sequence[Any]) -> bool:
    return all(isinstance(v, int | float) and not isinstance(v, bool) for v in values)


def _spans(values: Sequence[Any]) -> bool:
    """Whether numbers are all positive and far apart."""
    return min(values) > 0 and max(values) / min(values) >= _WIDE


def _word(value: Any) -> str:
    return "–" if value is None else str(value)
