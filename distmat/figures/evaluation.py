"""What an evaluation found over all pairs of all chains, as plotly figures."""

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go

from distmat.figures.colours import BASELINE_COLOUR, MODEL_COLOUR, TRUTH_COLOUR
from distmat.figures.maps import finish
from distmat.protein.distance_map import BANDS
from distmat.scoring.pooled import (
    RATIO_STEP,
    STD_STEP,
    STRUCTURES,
    PooledPairs,
    precision_recall,
)

_HEIGHT = 330
_FEWEST = 30
"""Pairs that make a mean."""
_LEGEND = {"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0}
_BAND_COLOURS = ("#0072b2", "#009e73", "#e69f00", "#cc79a7")


def density_figure(pooled: PooledPairs) -> go.Figure:
    """Predicted against true distance: how many pairs lie where, on a logarithmic scale."""
    counts = pooled.density.T
    edges = np.arange(len(counts)) + 0.5
    with np.errstate(divide="ignore"):
        shade = np.where(counts > 0, np.log10(counts), np.nan)
    figure = go.Figure(
        go.Heatmap(
            x=edges,
            y=edges,
            z=np.round(shade, 2),
            customdata=counts,
            colorscale="Cividis",
            colorbar={"title": "pairs", "tickvals": list(range(9)), "ticktext": _powers(9)},
            hovertemplate="true %{x:.1f}, predicted %{y:.1f} Å: %{customdata:,} pairs"
            "<extra></extra>",
            hoverongaps=False,
        )
    )
    figure.add_shape(
        type="line", x0=0, y0=0, x1=60, y1=60, line={"color": MODEL_COLOUR, "dash": "dot"}
    )
    figure.update_layout(
        xaxis={"title": "true distance (Å)", "range": [0, 60], "showgrid": False},
        yaxis={"title": "predicted (Å)", "range": [0, 60], "scaleanchor": "x", "showgrid": False},
    )
    return finish(figure, _HEIGHT)


def separation_figure(pooled: PooledPairs) -> go.Figure:
    """Mean absolute error by separation, of the model and of the baseline."""
    figure = _errors(np.arange(pooled.separation.shape[1]), pooled.separation)
    for first, _ in BANDS.values():
        figure.add_vline(x=first, line={"width": 1, "dash": "dot", "color": BASELINE_COLOUR})
    ticks = [1, 3, 6, 12, 24, 50, 100, 200, 400, 800]
    figure.update_xaxes(title="separation |i − j|", type="log", tickvals=ticks)
    return figure


def distance_figure(pooled: PooledPairs) -> go.Figure:
    """Mean absolute error by true distance, of the model and of the baseline."""
    figure = _errors(np.arange(pooled.distance.shape[1]) + 0.5, pooled.distance)
    figure.update_xaxes(title="true distance (Å)")
    return figure


def structure_figure(pooled: PooledPairs) -> go.Figure:
    """Mean absolute error by what the two residues are part of."""
    count, ours, theirs = pooled.structure
    figure = go.Figure()
    for name, total, colour in (
        ("knowing only the separation", theirs, BASELINE_COLOUR),
        ("model", ours, MODEL_COLOUR),
    ):
        mean = total / np.maximum(count, 1)
        figure.add_trace(
            go.Bar(
                x=list(STRUCTURES),
                y=np.where(count >= _FEWEST, mean, np.nan).round(2),
                name=name,
                marker={"color": colour},
                hovertemplate="%{x}: %{y:.2f} Å",
            )
        )
    figure.update_layout(yaxis={"title": "mean absolute error (Å)"}, legend=_LEGEND)
    return finish(figure, _HEIGHT)


def precision_recall_figure(pooled: PooledPairs) -> go.Figure:
    """Precision of predicted contacts against how many of the true ones are among them."""
    figure = go.Figure()
    names = ("|i − j| ≥ 6", "|i − j| ≥ 24")
    for name, counts, colour in zip(
        names, pooled.contacts, (TRUTH_COLOUR, MODEL_COLOUR), strict=True
    ):
        if not counts[1].sum():
            continue
        precision, recall = precision_recall(counts)
        threshold = 1 - (np.arange(len(precision)) + 1) / len(precision)
        figure.add_trace(
            go.Scatter(
                x=recall.round(4),
                y=precision.round(4),
                customdata=threshold,
                name=name,
                mode="lines",
                line={"color": colour, "width": 2},
                hovertemplate="p ≥ %{customdata:.2f}: precision %{y:.2f}, recall %{x:.2f}",
            )
        )
        chance = counts[1].sum() / counts.sum()
        figure.add_hline(y=chance, line={"color": colour, "dash": "dot", "width": 1})
    figure.update_layout(
        xaxis={"title": "recall", "range": [0, 1], "showgrid": False},
        yaxis={"title": "precision", "range": [0, 1]},
        legend=_LEGEND,
    )
    return finish(figure, _HEIGHT)


def reliability_figure(pooled: PooledPairs) -> go.Figure:
    """Errors that were made against deviations that were predicted; the diagonal is honest."""
    count, squared, predicted = pooled.deviation
    enough = count >= _FEWEST
    said = np.sqrt(predicted[enough] / count[enough])
    made = np.sqrt(squared[enough] / count[enough])
    most = float(max([1.0, *said, *made]))
    figure = go.Figure(
        [
            go.Scatter(
                x=[0, most],
                y=[0, most],
                mode="lines",
                name="honest",
                line={"color": BASELINE_COLOUR, "dash": "dash"},
                hoverinfo="skip",
            ),
            go.Scatter(
                x=said.round(2),
                y=made.round(2),
                customdata=count[enough],
                mode="lines+markers",
                name="model",
                line={"color": MODEL_COLOUR, "width": 2},
                hovertemplate=f"σ %{{x:.1f}} Å: error %{{y:.1f}} Å, %{{customdata:,}} pairs in "
                f"{STD_STEP:g} Å",
            ),
        ]
    )
    figure.update_layout(
        xaxis={"title": "predicted σ (Å)", "showgrid": False},
        yaxis={"title": "root-mean-square error (Å)"},
        legend=_LEGEND,
    )
    return finish(figure, _HEIGHT)


def coverage_figure(pooled: PooledPairs) -> go.Figure:
    """The share of the errors within so many deviations, by band; dashed what is honest."""
    from scipy.special import ndtr

    width = RATIO_STEP * (np.arange(pooled.ratio.shape[1]) + 1)
    shown = width <= 3
    figure = go.Figure(
        go.Scatter(
            x=width[shown].round(2),
            y=(2 * ndtr(width[shown]) - 1).round(4),
            mode="lines",
            name="honest",
            line={"color": BASELINE_COLOUR, "dash": "dash"},
        )
    )
    for (name, _), counts, colour in zip(BANDS.items(), pooled.ratio, _BAND_COLOURS, strict=True):
        if counts.sum() >= _FEWEST:
            share = np.cumsum(counts) / counts.sum()
            figure.add_trace(
                go.Scatter(
                    x=width[shown].round(2),
                    y=share[shown].round(4),
                    mode="lines",
                    name=name,
                    line={"color": colour, "width": 2},
                )
            )
    figure.update_layout(
        xaxis={"title": "error in predicted deviations", "showgrid": False},
        yaxis={"title": "share of the pairs", "range": [0, 1]},
        hovermode="x unified",
        legend=_LEGEND,
    )
    return finish(figure, _HEIGHT)


def length_figure(
    lengths: Sequence[int], model: Sequence[float], baseline: Sequence[float], names: Sequence[str]
) -> go.Figure:
    """Each chain's error by its length, of the model and of the baseline.

    Parameters
    ----------
    lengths : sequence of int
    model, baseline : sequence of float
        Mean absolute errors, Å.
    names : sequence of str
    """
    figure = go.Figure()
    for name, values, colour in (
        ("knowing only the separation", baseline, BASELINE_COLOUR),
        ("model", model, MODEL_COLOUR),
    ):
        figure.add_trace(
            go.Scattergl(
                x=list(lengths),
                y=np.round(np.array(values, dtype=float), 2),
                text=list(names),
                mode="markers",
                name=name,
                marker={"color": colour, "size": 5, "opacity": 0.6},
                hovertemplate="%{text}: %{x} residues, %{y:.2f} Å",
            )
        )
    figure.update_layout(
        xaxis={"title": "residues", "showgrid": False},
        yaxis={"title": "mean absolute error (Å)", "rangemode": "tozero"},
        legend=_LEGEND,
    )
    return finish(figure, _HEIGHT)


def _errors(x: np.ndarray, sums: np.ndarray) -> go.Figure:
    count, ours, theirs = sums
    enough = count >= _FEWEST
    figure = go.Figure()
    for name, total, colour, dash in (
        ("knowing only the separation", theirs, BASELINE_COLOUR, "dot"),
        ("model", ours, MODEL_COLOUR, "solid"),
    ):
        figure.add_trace(
            go.Scatter(
                x=x[enough],
                y=(total[enough] / count[enough]).round(2),
                name=name,
                mode="lines",
                line={"color": colour, "dash": dash, "width": 2},
                hovertemplate="%{y:.2f} Å",
            )
        )
    figure.update_layout(
        xaxis={"showgrid": False},
        yaxis={"title": "mean absolute error (Å)", "rangemode": "tozero"},
        hovermode="x unified",
        legend=_LEGEND,
    )
    return finish(figure, _HEIGHT)


def _powers(most: int) -> list[str]:
    return [f"{10**power:,}" for power in range(most)]
