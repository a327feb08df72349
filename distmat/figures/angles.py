"""How a trace turns from residue to residue, against known chains: a Ramachandran plot for Cα."""

import numpy as np
import plotly.graph_objects as go

from distmat.figures.colours import MODEL_COLOUR, TRUTH_COLOUR
from distmat.figures.maps import finish, residue_labels
from distmat.geometry.handedness import ReferenceAngles, reference_angles

KNOWN_COLOURS = [[0.0, "rgba(120, 120, 120, 0)"], [1.0, "rgba(120, 120, 120, 0.9)"]]
"""Grey, the darker the more known chains turn like this."""

_DARKEST = 0.99
"""Quantile of the known turns' density from which grey is at its darkest."""

_ARROW_COLOUR = "#808080"
"""Seen on a bright page and on a dark one."""

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
    figure = go.Figure(_known(reference_angles()))
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
                marker={
                    "color": colour,
                    "size": 6,
                    "symbol": symbol,
                    "opacity": 0.85,
                    # Of an open circle the rim alone is seen.
                    "line": {"color": colour, "width": 1.5 if symbol.endswith("open") else 0},
                },
                hovertemplate="%{text}: τ %{x:.0f}°, θ %{y:.0f}°",
            )
        )
    for name, (tau_ideal, theta_ideal) in _PLACES.items():
        figure.add_annotation(
            x=tau_ideal,
            y=theta_ideal,
            ax=tau_ideal + 12,
            ay=168,
            axref="x",
            ayref="y",
            text=name,
            arrowcolor=_ARROW_COLOUR,
            arrowwidth=1.5,
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
    return finish(figure, 360)


def _known(known: ReferenceAngles) -> go.Heatmap:
    theta, tau = known.theta_edges, known.tau_edges
    # Helices are so frequent that on an even scale little else would be seen.
    return go.Heatmap(
        x=(tau[1:] + tau[:-1]) / 2,
        y=(theta[1:] + theta[:-1]) / 2,
        z=np.minimum(np.sqrt(known.density / np.quantile(known.density, _DARKEST)), 1.0).round(3),
        colorscale=KNOWN_COLOURS,
        zsmooth="best",
        showscale=False,
        hoverinfo="skip",
        name="known chains",
    )
