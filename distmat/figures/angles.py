"""How a trace turns from residue to residue, against known chains: a Ramachandran plot for Cα."""

from functools import cache
from pathlib import Path

import numpy as np
import plotly.graph_objects as go

from distmat.figures.maps import MODEL_COLOUR, TRUTH_COLOUR, finished, residue_labels

KNOWN_COLOURS = [[0.0, "rgba(120, 120, 120, 0)"], [1.0, "rgba(120, 120, 120, 0.9)"]]
"""Grey, the darker the more known chains turn like this."""

BIN = 5.0
"""Degrees."""
_THETA_EDGES = np.arange(60.0, 180.0 + BIN, BIN)
_TAU_EDGES = np.arange(-180.0, 180.0 + BIN, BIN)

_PLACES = {"α helix": (50.0, 91.0), "β strand": (-170.0, 120.0)}
"""τ and θ at which ideal elements lie, in degrees."""


def angle_plot(
    sequence: str,
    trace: tuple[np.ndarray, np.ndarray],
    truth: tuple[np.ndarray, np.ndarray] | None = None,
) -> go.Figure:
    """The angles θ and dihedrals τ of a trace on those of known chains.

    Parameters
    ----------
    sequence : str
        One letter per residue; length N.
    trace, truth : tuple of ndarray, shape=(N,), dtype=float
        θ and τ in degrees, as `distmat.geometry.handedness.trace_angles` gives them; NaN
        where there is none.
    """
    figure = go.Figure(_density(known_turns()))
    layers = [("this trace", trace, MODEL_COLOUR, "circle")]
    if truth is not None:
        layers.insert(0, ("its true structure", truth, TRUTH_COLOUR, "circle-open"))
    labels = np.array(residue_labels(sequence))
    for name, (theta, tau), colour, symbol in layers:
        there = np.isfinite(theta) & np.isfinite(tau)
        figure.add_trace(
            go.Scatter(
                x=np.round(tau[there], 1),
                y=np.round(theta[there], 1),
                text=labels[there],
                name=name,
                mode="markers",
                marker={"color": colour, "size": 6, "symbol": symbol, "opacity": 0.8},
                hovertemplate="%{text}: τ %{x:.0f}°, θ %{y:.0f}°",
            )
        )
    for name, (tau_ideal, theta_ideal) in _PLACES.items():
        figure.add_annotation(
            x=tau_ideal, y=theta_ideal, ax=tau_ideal + 12, ay=168, axref="x", ayref="y", text=name
        )
    figure.update_layout(
        xaxis={
            "title": "dihedral τ (°)",
            "range": [-180, 180],
            "tickvals": list(range(-180, 181, 60)),
            "zeroline": True,
            "showgrid": False,
        },
        yaxis={"title": "angle θ (°)", "range": [60, 180], "dtick": 30, "showgrid": False},
        legend={"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0},
    )
    return finished(figure, 360)


def known_turns() -> np.ndarray:
    """How often known chains turn so; shape and bins as in `turn_counts`.

    Counted over one chain of each cluster of the shipped checkpoint's training set, windows with
    a bond that isn't 3.8 ± 0.2 Å left out.
    """
    return _table(Path(__file__).with_name("known_turns.csv"))


def turn_counts(theta: np.ndarray, tau: np.ndarray) -> np.ndarray:
    """Count turns in bins of `BIN` degrees, θ from 60 to 180 by τ from −180 to 180.

    Parameters
    ----------
    theta, tau : ndarray, shape=(N,), dtype=float
        Degrees; NaN doesn't count.

    Returns
    -------
    ndarray, shape=(24, 72), dtype=int
    """
    there = np.isfinite(theta) & np.isfinite(tau)
    count, _, _ = np.histogram2d(theta[there], tau[there], bins=(_THETA_EDGES, _TAU_EDGES))
    return count.astype(int)


@cache
def _table(path: Path) -> np.ndarray:
    return np.loadtxt(path, delimiter=",", dtype=int)


def _density(count: np.ndarray) -> go.Heatmap:
    return go.Heatmap(
        x=(_TAU_EDGES[1:] + _TAU_EDGES[:-1]) / 2,
        y=(_THETA_EDGES[1:] + _THETA_EDGES[:-1]) / 2,
        # Helices are so frequent that on an even scale nothing else would be seen.
        z=(np.log1p(count) / np.log1p(count.max())).astype(np.float32),
        colorscale=KNOWN_COLOURS,
        zsmooth="best",
        showscale=False,
        hoverinfo="skip",
        name="known chains",
    )
