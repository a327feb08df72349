"""Distance maps as plotly figures, and how far a prediction is off by separation.

Backgrounds are transparent, so that a figure fits a dark page as well as a light one; pairs
that were not observed show the grey behind the map.
"""

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go

from distmat.figures.colours import BASELINE_COLOUR, MODEL_COLOUR, TRUTH_COLOUR
from distmat.figures.residue_axis import residue_ticks
from distmat.protein.distance_map import BANDS, separation

DISTANCE_COLOURS = "Viridis"
"""Near is dark, far is bright: contacts stand out as dark lines."""

NOT_OBSERVED = "rgba(140, 140, 140, 0.35)"
"""Shows through where a map has no value."""
_BOTH_COLOUR = "#009e73"

SINGLE_HEIGHT = 430
"""Pixels of a map alone, with the bar of its colours."""

_BAR_BELOW = {
    "orientation": "h",
    "thickness": 10,
    "outlinewidth": 0,
    "len": 0.8,
    "yanchor": "top",
    "y": -0.14,
    "ticksuffix": " Å",
    "showticksuffix": "last",
}

_SEPARATION_TICKS = (1, 3, 6, 12, 24, 50, 100, 200, 400, 800, 1600)


def single_map(sequence: str, distances: np.ndarray, farthest: float | None = None) -> go.Figure:
    """One map alone.

    Parameters
    ----------
    sequence : str
        One letter per residue; length N.
    distances : ndarray, shape=(N, N), dtype=float
        Å; NaN where not observed.
    farthest : float, optional
        End of the colours, Å, so that maps beside each other share them; by default this map's.
    """
    residues = residue_labels(sequence)
    # Residues are categories: their labels then show in the hover without N×N strings.
    panel = go.Heatmap(
        x=residues,
        y=residues,
        z=np.round(distances, 1).astype(np.float32),
        coloraxis="coloraxis",
        hovertemplate="%{y} – %{x}<br>%{z:.1f} Å<extra></extra>",
        hoverongaps=False,
    )
    if farthest is None:
        farthest = float(distances[np.isfinite(distances)].max(initial=1.0))
    figure = go.Figure(panel)
    figure.update_layout(
        xaxis=_axis(sequence),
        yaxis=_axis(sequence, down=True) | {"scaleanchor": "x"},
        coloraxis={
            "colorscale": DISTANCE_COLOURS,
            "cmin": 0.0,
            "cmax": float(np.ceil(farthest)),
            "colorbar": _BAR_BELOW,
        },
    )
    # The bar is below: beside it, a narrow window would leave the map half of its width.
    return finish(figure, SINGLE_HEIGHT).update_layout(plot_bgcolor=NOT_OBSERVED, margin_t=10)


def agreement_map(sequence: str, first: np.ndarray, second: np.ndarray) -> go.Figure:
    """Contacts that two maps both name, and that one names alone.

    Parameters
    ----------
    sequence : str
        Length N.
    first, second : ndarray, shape=(N, N), dtype=bool
        Of pairs i < j.
    """
    figure = go.Figure()
    for name, named, colour, place in (
        ("in both", first & second, _BOTH_COLOUR, None),
        ("in the first alone", first & ~second, MODEL_COLOUR, "above"),
        ("in the other alone", second & ~first, TRUTH_COLOUR, "below"),
    ):
        i, j = np.nonzero(named)
        # What both name is drawn on both sides of the diagonal, the rest on its own.
        rows, columns = {
            None: (np.concatenate([i, j]), np.concatenate([j, i])),
            "above": (i, j),
            "below": (j, i),
        }[place]
        labels = residue_labels(sequence)
        figure.add_trace(
            go.Scatter(
                x=columns + 1,
                y=rows + 1,
                name=f"{name} ({len(i):,})",
                mode="markers",
                marker={"color": colour, "size": 5, "symbol": "square"},
                text=[f"{labels[a]} – {labels[b]}" for a, b in zip(rows, columns, strict=True)],
                hovertemplate="%{text}<extra></extra>",
            )
        )
    n = len(sequence)
    axis = {"range": [0.5, n + 0.5], "title": "residue", "constrain": "domain"}
    figure.update_layout(
        xaxis=axis,
        yaxis=axis | {"range": [n + 0.5, 0.5], "scaleanchor": "x"},
        legend={"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0},
        width=520,
    )
    return finish(figure, 520)


def error_by_separation(predicted: np.ndarray, baseline: np.ndarray, true: np.ndarray) -> go.Figure:
    """Mean absolute error at each separation, of the model and of the baseline.

    Parameters
    ----------
    predicted, baseline, true : ndarray, shape=(N, N), dtype=float
        Å; pairs with NaN don't count.
    """
    figure = go.Figure()
    for name, distances, colour, dash in (
        ("knowing only the separation", baseline, BASELINE_COLOUR, "dot"),
        ("model", predicted, MODEL_COLOUR, "solid"),
    ):
        apart, mean = mean_error_by_separation(distances, true)
        figure.add_trace(
            go.Scatter(
                x=apart,
                y=np.round(mean, 2),
                name=name,
                mode="lines",
                line={"color": colour, "dash": dash, "width": 2},
                hovertemplate="%{y:.1f} Å",
            )
        )
    for place, (name, (first, _)) in enumerate(BANDS.items()):
        if first < len(true):
            figure.add_vline(x=first, line={"width": 1, "dash": "dot", "color": NOT_OBSERVED})
            # Shapes take values on a logarithmic axis, annotations their logarithms.
            figure.add_annotation(
                x=float(np.log10(first)),
                # Every other name is lower: on a telephone they would touch.
                y=1 - 0.07 * (place % 2),
                yref="paper",
                text=name,
                showarrow=False,
                xanchor="left",
                yanchor="top",
            )
    ticks = [tick for tick in _SEPARATION_TICKS if tick < len(true)]
    figure.update_layout(
        # Each band is about as wide as the next on a logarithmic axis.
        xaxis={"title": "separation |i − j|", "type": "log", "tickvals": ticks, "showgrid": False},
        yaxis={"title": "mean absolute error (Å)", "rangemode": "tozero"},
        hovermode="x unified",
        legend={"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0},
    )
    return finish(figure, 360)


def mean_error_by_separation(
    distances: np.ndarray, true: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Separations that were observed, shape=(S,), and the mean absolute error at each in Å."""
    n = len(true)
    error = np.abs(distances - true)
    seen = np.isfinite(error) & (separation(n) > 0)
    apart = separation(n)[seen]
    count = np.bincount(apart, minlength=n)
    total = np.bincount(apart, error[seen], minlength=n)
    observed = np.flatnonzero(count)
    return observed, total[observed] / count[observed]


def residue_curve(sequence: str, values: np.ndarray, what: str, unit: str = "Å") -> go.Figure:
    """A value for each residue, such as how far it is from where it should be.

    Parameters
    ----------
    sequence : str
    values : ndarray, shape=(N,), dtype=float
        NaN where not observed, which leaves a gap.
    what : str
        Title of the axis.
    unit : str
        Of the values; empty where they have none.
    """
    figure = go.Figure(
        go.Scatter(
            x=np.arange(1, len(sequence) + 1),
            y=np.round(values, 2),
            mode="lines",
            line={"color": MODEL_COLOUR, "width": 2},
            fill="tozeroy",
            fillcolor="rgba(217, 95, 2, 0.15)",
            text=residue_labels(sequence),
            hovertemplate=f"%{{text}}: %{{y:.{1 if unit else 2}f}} {unit}<extra></extra>",
        )
    )
    figure.update_layout(
        xaxis={"title": "residue", "showgrid": False},
        yaxis={"title": f"{what} ({unit})" if unit else what, "rangemode": "tozero"},
        showlegend=False,
    )
    return finish(figure, 360)


def scan_heatmap(residues: Sequence[str], letters: Sequence[str], change: np.ndarray) -> go.Figure:
    """How far each exchange of a residue moves the predicted distances.

    Parameters
    ----------
    residues : sequence of str
        Letter and place of each position; length N.
    letters : sequence of str
        What each is exchanged for; length M.
    change : ndarray, shape=(N, M), dtype=float
        Mean absolute change over all pairs, Å; NaN where nothing was predicted.
    """
    figure = go.Figure(
        go.Heatmap(
            x=list(residues),
            y=list(letters),
            z=np.round(change.T, 3),
            colorscale="Cividis",
            colorbar={"title": "Å"},
            hovertemplate="%{x} → %{y}: %{z:.2f} Å<extra></extra>",
            hoverongaps=False,
        )
    )
    figure.update_layout(xaxis={"title": "residue", "type": "category", "nticks": 20})
    return finish(figure, 60 + max(120, 18 * len(letters)))


def residue_labels(sequence: str) -> list[str]:
    """Letter and place, counted from 1, of each residue: ``["M1", "K2", …]``."""
    return [f"{letter}{place}" for place, letter in enumerate(sequence, start=1)]


def finish(figure: go.Figure, height: int) -> go.Figure:
    """The look that all figures share; `height` in pixels."""
    clear = "rgba(0, 0, 0, 0)"
    return figure.update_layout(
        height=height,
        margin={"l": 10, "r": 10, "t": 30, "b": 10, "pad": 0},
        paper_bgcolor=clear,
        plot_bgcolor=clear,
    )


def image_options(name: str, kind: str) -> dict:
    """Plotly's `config`, with a button that saves the figure.

    Parameters
    ----------
    name : str
        File name without its ending.
    kind : str
        ``"png"`` or ``"svg"``.
    """
    return {
        "displaylogo": False,
        "toImageButtonOptions": {
            "format": kind,
            "filename": name,
            "scale": 2 if kind == "png" else 1,
        },
        "modeBarButtonsToRemove": ["lasso2d", "select2d", "autoScale2d"],
    }


def _axis(sequence: str, down: bool = False) -> dict:
    """A residue axis with a few round numbers; `down` starts it at the top."""
    n = len(sequence)
    places = residue_ticks(n)
    return {
        "title": {"text": "residue", "standoff": 4},
        "type": "category",
        "tickmode": "array",
        "tickvals": [place - 1 for place in places],
        "ticktext": [str(place) for place in places],
        "tickangle": 0,
        "range": [n - 0.5, -0.5] if down else [-0.5, n - 0.5],
        "constrain": "domain",
        "constraintoward": "top" if down else "center",
        "showgrid": False,
        "zeroline": False,
        "ticks": "outside",
        "ticklen": 4,
    }
