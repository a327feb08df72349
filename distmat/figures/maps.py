"""Distance maps as plotly figures, and how far a prediction is off by separation.

Backgrounds are transparent, so that a figure fits a dark page as well as a light one; pairs
that were not observed show the grey behind the map.
"""

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go

from distmat.protein.distance_map import BANDS, separation

DISTANCE_COLOURS = "Viridis"
"""Near is dark, far is bright: contacts stand out as dark lines."""

ERROR_COLOURS = "RdBu_r"
"""Blue is predicted too near, red too far, white right."""

DEVIATION_COLOURS = "Plasma_r"
"""Bright is sure, dark unsure. (Streamlit takes some of Magma's colours for its placeholders.)"""

MODEL_COLOUR, BASELINE_COLOUR, TRUTH_COLOUR = "#d95f02", "#7f7f7f", "#1b78b4"
"""Orange for what the model says, grey for the baseline, blue for the truth; everywhere."""

NOT_OBSERVED = "rgba(140, 140, 140, 0.35)"
"""Shows through where a map has no value."""

_SEPARATION_TICKS = (1, 3, 6, 12, 24, 50, 100, 200, 400, 800, 1600)

_ERROR_QUANTILE = 0.995
"""The error's colours end here, so that one wild pair doesn't bleach all others."""


def side_by_side(
    sequence: str, predicted: np.ndarray, std: np.ndarray, true: np.ndarray
) -> go.Figure:
    """Predicted map, true map and signed error, which zoom and pan as one.

    Parameters
    ----------
    sequence : str
        One letter per residue; length N.
    predicted, std : ndarray, shape=(N, N), dtype=float
        Å.
    true : ndarray, shape=(N, N), dtype=float
        Å; NaN where not observed.
    """
    from plotly.subplots import make_subplots

    figure = make_subplots(
        rows=1,
        cols=3,
        horizontal_spacing=0.035,
        subplot_titles=("Predicted", "True", "Predicted − true"),
    )
    residues = residue_labels(sequence)
    error = predicted - true
    panels = (
        _heatmap(residues, predicted, "coloraxis", _PREDICTED_HOVER, std),
        _heatmap(residues, true, "coloraxis", _DISTANCE_HOVER),
        _heatmap(residues, error, "coloraxis2", _ERROR_HOVER),
    )
    for column, panel in enumerate(panels, start=1):
        figure.add_trace(panel, row=1, col=column)
        last = "" if column == 1 else str(column)
        # A map is matched to the first one and not anchored itself: plotly allows only one of both.
        same = {} if column == 1 else {"matches": "x"}
        figure.update_layout(
            {
                f"xaxis{last}": _axis(sequence) | same,
                f"yaxis{last}": _axis(sequence, down=True)
                | ({"scaleanchor": "x"} if column == 1 else {"matches": "y"}),
            }
        )
    figure.update_yaxes(title=None, showticklabels=False, col=2)
    figure.update_yaxes(title=None, showticklabels=False, col=3)
    first, last = figure.layout.xaxis.domain, figure.layout.xaxis2.domain
    alone = figure.layout.xaxis3.domain
    figure.update_layout(
        coloraxis=_distance_scale(predicted, true)
        | {"colorbar": _colour_bar("distance (Å)", first[0], last[1])},
        coloraxis2=_error_scale(error) | {"colorbar": _colour_bar("error (Å)", *alone)},
    )
    return _grey_behind(finished(figure, 540))


def above_and_below(sequence: str, predicted: np.ndarray, true: np.ndarray) -> go.Figure:
    """One map: predicted distances above the diagonal, true ones below; parameters as before."""
    n = len(sequence)
    above = np.triu(np.ones((n, n), dtype=bool))
    both = np.where(above, predicted, true)
    figure = go.Figure(_heatmap(residue_labels(sequence), both, "coloraxis", _DISTANCE_HOVER))
    figure.update_layout(
        xaxis=_axis(sequence),
        yaxis=_axis(sequence, down=True) | {"scaleanchor": "x"},
        coloraxis=_distance_scale(predicted, true)
        | {"colorbar": _colour_bar("distance (Å)", 0.2, 0.8)},
    )
    for text, x, y, anchor in (("predicted", 0.98, 0.98, "right"), ("true", 0.02, 0.02, "left")):
        figure.add_annotation(
            text=text,
            xref="x domain",
            yref="y domain",
            x=x,
            y=y,
            xanchor=anchor,
            showarrow=False,
            font={"color": "#1a1a1a", "size": 13},
            bgcolor="rgba(255, 255, 255, 0.75)",
        )
    return _grey_behind(finished(figure, 620))


def predicted_map(sequence: str, predicted: np.ndarray, std: np.ndarray) -> go.Figure:
    """The predicted map alone; parameters as in `side_by_side`."""
    return _single(
        sequence,
        _heatmap(residue_labels(sequence), predicted, "coloraxis", _PREDICTED_HOVER, std),
        _distance_scale(predicted),
    )


def true_map(sequence: str, true: np.ndarray) -> go.Figure:
    """A known map alone; parameters as in `side_by_side`."""
    panel = _heatmap(residue_labels(sequence), true, "coloraxis", _DISTANCE_HOVER)
    return _single(sequence, panel, _distance_scale(true), 420)


def deviation_map(sequence: str, std: np.ndarray) -> go.Figure:
    """How unsure the model is of each pair; parameters as in `side_by_side`."""
    panel = _heatmap(residue_labels(sequence), std, "coloraxis", _DEVIATION_HOVER)
    scale = {"colorscale": DEVIATION_COLOURS, "cmin": 0.0, "cmax": _largest(std)}
    return _single(sequence, panel, scale)


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
    return finished(figure, 360)


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


def residue_curve(sequence: str, values: np.ndarray, what: str) -> go.Figure:
    """A length in Å for each residue, such as how far it is from where it should be.

    Parameters
    ----------
    sequence : str
    values : ndarray, shape=(N,), dtype=float
        Å; NaN where not observed, which leaves a gap.
    what : str
        Title of the axis.
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
            hovertemplate="%{text}: %{y:.1f} Å<extra></extra>",
        )
    )
    figure.update_layout(
        xaxis={"title": "residue", "showgrid": False},
        yaxis={"title": f"{what} (Å)", "rangemode": "tozero"},
        showlegend=False,
    )
    return finished(figure, 360)


def residue_labels(sequence: str) -> list[str]:
    """Letter and place, counted from 1, of each residue: ``["M1", "K2", …]``."""
    return [f"{letter}{place}" for place, letter in enumerate(sequence, start=1)]


def finished(figure: go.Figure, height: int) -> go.Figure:
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


_PREDICTED_HOVER = "%{y} – %{x}<br>%{z:.1f} ± %{text:.1f} Å<extra></extra>"
_DISTANCE_HOVER = "%{y} – %{x}<br>%{z:.1f} Å<extra></extra>"
_ERROR_HOVER = "%{y} – %{x}<br>%{z:+.1f} Å<extra></extra>"
_DEVIATION_HOVER = "%{y} – %{x}<br>± %{z:.1f} Å<extra></extra>"


def _heatmap(
    residues: list[str],
    values: np.ndarray,
    scale: str,
    hover: str,
    text: np.ndarray | None = None,
) -> go.Heatmap:
    # Residues are categories: their labels then show in the hover without N×N strings.
    return go.Heatmap(
        x=residues,
        y=residues,
        z=np.round(values, 1).astype(np.float32),
        # Plotly looks hover text up in nested lists only.
        text=None if text is None else np.round(text, 1).tolist(),
        coloraxis=scale,
        hovertemplate=hover,
        hoverongaps=False,
    )


def _axis(sequence: str, down: bool = False) -> dict:
    """A residue axis with a few round numbers; `down` starts it at the top."""
    n = len(sequence)
    places = _ticks(n)
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


def _ticks(n: int) -> Sequence[int]:
    step = next((step for step in (5, 10, 20, 25, 50, 100, 200, 500) if n / step <= 6), 1000)
    return [1, *range(step, n + 1, step)]


def _distance_scale(*maps: np.ndarray) -> dict:
    return {"colorscale": DISTANCE_COLOURS, "cmin": 0.0, "cmax": _largest(*maps)}


def _error_scale(error: np.ndarray) -> dict:
    size = np.abs(error[np.isfinite(error)])
    limit = max(1.0, float(np.quantile(size, _ERROR_QUANTILE))) if len(size) else 1.0
    return {"colorscale": ERROR_COLOURS, "cmin": -limit, "cmax": limit}


def _largest(*maps: np.ndarray) -> float:
    """The largest finite value of these maps, at least 1."""
    finite = [values[np.isfinite(values)] for values in maps]
    return float(np.ceil(max([1.0, *(values.max() for values in finite if len(values))])))


def _colour_bar(title: str, start: float, end: float) -> dict:
    """Lies below the map from `start` to `end` of the figure's width."""
    return {
        "title": {"text": title, "side": "bottom"},
        "orientation": "h",
        "thickness": 12,
        "outlinewidth": 0,
        "x": (start + end) / 2,
        "len": 0.8 * (end - start),
        # In pixels of the whole figure, so that it is near the map whatever the map's size.
        "yref": "container",
        "y": 0.0,
        "yanchor": "bottom",
    }


def _single(sequence: str, panel: go.Heatmap, scale: dict, height: int = 620) -> go.Figure:
    figure = go.Figure(panel)
    figure.update_layout(
        xaxis=_axis(sequence),
        yaxis=_axis(sequence, down=True) | {"scaleanchor": "x"},
        coloraxis=scale | {"colorbar": _colour_bar("Å", 0.2, 0.8)},
    )
    return _grey_behind(finished(figure, height))


def _grey_behind(figure: go.Figure) -> go.Figure:
    return figure.update_layout(plot_bgcolor=NOT_OBSERVED)
