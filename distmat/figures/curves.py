"""Metrics over a run as plotly figures: one line per run, the baseline dashed beside it."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import plotly.graph_objects as go
from scipy.signal import lfilter

from distmat.figures.colours import BASELINE_COLOUR, MODEL_COLOUR
from distmat.figures.maps import finish

RUN_COLOURS = (
    MODEL_COLOUR,
    "#1b78b4",
    "#1b9e77",
    "#7570b3",
    "#e7298a",
    "#66a61e",
    "#e6ab02",
    "#a6761d",
)
"""Of the runs that are compared, in order; then they repeat."""

_FAINT = 0.3
"""Opacity of the measured line behind a smoothed one."""


@dataclass(frozen=True)
class Line:
    """A metric of one run; `x` and `y` of shape=(points,).

    Parameters
    ----------
    name : str
        Shown in the legend where there are several lines.
    x, y : ndarray
        Steps, epochs or hours; and values.
    number : int
        Of the run among those compared; decides the colour.
    baseline : bool
        Dashed: what knowing only the separation gives on the same chains.
    """

    name: str
    x: np.ndarray
    y: np.ndarray
    number: int = 0
    baseline: bool = False


def smooth(values: np.ndarray, weight: float) -> np.ndarray:
    """An exponential moving average that starts unbiased.

    Parameters
    ----------
    values : ndarray, shape=(points,)
        A value that isn't finite counts as the one before it.
    weight : float
        Of the past, from 0 (none) to below 1.
    """
    finite = np.isfinite(values)
    if not weight or not finite.any():
        return values
    last = np.maximum.accumulate(np.where(finite, np.arange(len(values)), -1))
    filled = np.where(last >= 0, values[last], 0.0)
    known = (last >= 0).astype(float)
    total = lfilter([1 - weight], [1, -weight], filled)
    share = lfilter([1 - weight], [1, -weight], known)
    return np.divide(total, share, out=np.full(len(values), np.nan), where=share > 0)


def metric_figure(
    lines: Sequence[Line],
    x_title: str,
    y_title: str,
    *,
    logarithmic: bool = False,
    smoothing: float = 0.0,
    height: int = 280,
) -> go.Figure:
    """Lines over steps, epochs or time.

    Parameters
    ----------
    lines : sequence of Line
    x_title, y_title : str
    logarithmic : bool
        Of the y axis.
    smoothing : float
        Weight of the past; the measured line then shows faintly behind. Never of a baseline.
    height : int
        Pixels.
    """
    figure = go.Figure()
    several = len({line.name for line in lines}) > 1
    for line in lines:
        if line.baseline:
            colour, dash = BASELINE_COLOUR, "dash"
        else:
            colour, dash = RUN_COLOURS[line.number % len(RUN_COLOURS)], "solid"
        style = {"color": colour, "dash": dash, "width": 2}
        if smoothing and not line.baseline:
            figure.add_trace(_trace(line, line.y, style | {"width": 1}, faint=True))
            figure.add_trace(_trace(line, smooth(line.y, smoothing), style))
        else:
            figure.add_trace(_trace(line, line.y, style))
    figure.update_layout(
        xaxis={"title": x_title, "showgrid": False},
        yaxis={"title": y_title, "type": "log" if logarithmic else "linear"},
        showlegend=several,
        legend={"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0},
        hovermode="x unified" if len(lines) <= 4 else "closest",
    )
    return finish(figure, height)


def _trace(line: Line, y: np.ndarray, style: dict, faint: bool = False) -> go.Scatter:
    return go.Scatter(
        x=line.x,
        y=y,
        name=line.name,
        mode="lines+markers" if len(line.x) < 3 else "lines",
        line=style,
        opacity=_FAINT if faint else 1.0,
        showlegend=not faint,
        hoverinfo="skip" if faint else None,
        hovertemplate=None if faint else "%{y:.4g}",
        connectgaps=False,
    )
