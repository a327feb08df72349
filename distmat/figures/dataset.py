"""What a dataset holds, as plotly figures: lengths, distances, sizes, composition, clusters.

Counts come as histograms that were made before, so a figure costs the same for a hundred
chains and for a hundred thousand.
"""

from collections.abc import Mapping, Sequence

import numpy as np
import plotly.graph_objects as go

from distmat.figures.colours import BASELINE_COLOUR, MODEL_COLOUR, TRUTH_COLOUR
from distmat.figures.maps import finish

SPLIT_COLOURS = {"train": TRUTH_COLOUR, "val": "#e6ab02", "test": "#1b9e77"}
"""Blue is what is learned from; orange stays the model's."""
COMPARED_COLOURS = (TRUTH_COLOUR, MODEL_COLOUR)
"""Of the two datasets that are compared."""
_HEIGHT = 300
_MOST_POINTS = 4000
"""Of a scatter plot; more only darken it."""


def length_histogram(counts: Mapping[str, Sequence[int]], bin_width: int) -> go.Figure:
    """How long the chains of each split are, one split upon the other.

    Parameters
    ----------
    counts : mapping of str to sequence of int
        Chains of each split in bins from 0 on.
    bin_width : int
        Residues.
    """
    figure = go.Figure()
    for split, numbers in counts.items():
        if not any(numbers):
            continue
        starts = bin_width * np.arange(len(numbers))
        figure.add_trace(
            go.Bar(
                x=starts + bin_width / 2,
                y=list(numbers),
                width=bin_width,
                name=split,
                marker={"color": SPLIT_COLOURS[split], "line": {"width": 0}},
                customdata=np.stack([starts, starts + bin_width - 1], axis=1),
                hovertemplate="%{customdata[0]} – %{customdata[1]} residues: %{y:,} chains",
            )
        )
    return _bars(figure, "residues", "chains").update_layout(barmode="stack")


def distance_histogram(counts: Sequence[int], bin_width: float) -> go.Figure:
    """How far apart two residues are.

    Parameters
    ----------
    counts : sequence of int
        Pairs in bins from 0 Å on.
    bin_width : float
        Å.
    """
    return _bars(_shares({"": counts}, bin_width, "Å"), "distance (Å)", "share of the pairs")


def gyration_scatter(
    lengths: np.ndarray, gyration: np.ndarray, names: Sequence[str], expected: np.ndarray
) -> go.Figure:
    """The chains' sizes beside that of globular chains of their lengths.

    Parameters
    ----------
    lengths : ndarray, shape=(chains,), dtype=int
        Observed residues.
    gyration : ndarray, shape=(chains,), dtype=float
        Radius of gyration as measured, Å.
    names : sequence of str
    expected : ndarray, shape=(chains,), dtype=float
        Radius of gyration of a globular chain of that length, Å.
    """
    chosen = np.arange(len(lengths))
    if len(chosen) > _MOST_POINTS:
        chosen = np.sort(np.random.default_rng(0).choice(chosen, _MOST_POINTS, replace=False))
    order = np.argsort(lengths)
    figure = go.Figure(
        [
            go.Scattergl(
                x=lengths[chosen],
                y=np.round(gyration[chosen], 1),
                mode="markers",
                marker={"color": TRUTH_COLOUR, "size": 5, "opacity": 0.45},
                text=[names[k] for k in chosen.tolist()],
                name="chains",
                hovertemplate="%{text}: %{x} residues, %{y:.1f} Å<extra></extra>",
            ),
            go.Scatter(
                x=lengths[order],
                y=np.round(expected[order], 2),
                mode="lines",
                line={"color": BASELINE_COLOUR, "dash": "dash", "width": 2},
                name="globular, 2.2·N^0.38",
                hoverinfo="skip",
            ),
        ]
    )
    figure.update_layout(
        xaxis={"title": "observed residues", "showgrid": False},
        yaxis={"title": "radius of gyration (Å)", "rangemode": "tozero"},
        legend=_LEGEND,
    )
    return finish(figure, _HEIGHT)


def composition_bars(composition: Mapping[str, Mapping[str, float]]) -> go.Figure:
    """How often each amino acid occurs, in one dataset or in several beside each other.

    Parameters
    ----------
    composition : mapping of str to mapping of str to float
        Shares by letter, for each dataset by its name.
    """
    figure = go.Figure()
    for (name, shares), colour in zip(composition.items(), COMPARED_COLOURS, strict=False):
        figure.add_trace(
            go.Bar(
                x=list(shares),
                y=[100 * share for share in shares.values()],
                name=name,
                marker={"color": colour},
                hovertemplate="%{x}: %{y:.1f} %",
            )
        )
    return _bars(figure, "amino acid", "% of the residues", len(composition) > 1)


def structure_bars(content: Mapping[str, float]) -> go.Figure:
    """How much of the residues is helix, strand and neither.

    Parameters
    ----------
    content : mapping of str to float
        Shares by name.
    """
    figure = go.Figure(
        go.Bar(
            x=list(content),
            y=[100 * share for share in content.values()],
            marker={"color": TRUTH_COLOUR},
            hovertemplate="%{x}: %{y:.0f} %<extra></extra>",
        )
    )
    return _bars(figure, "secondary structure, by P-SEA", "% of the residues", legend=False)


def cluster_sizes(sizes: np.ndarray) -> go.Figure:
    """How many clusters have one chain, two, four and so on.

    Parameters
    ----------
    sizes : ndarray, shape=(clusters,), dtype=int
        Chains of each cluster.
    """
    octave = np.floor(np.log2(np.maximum(sizes, 1))).astype(int)
    counts = np.bincount(octave)
    names = ["1", *(f"{2**k} – {2 ** (k + 1) - 1}" for k in range(1, len(counts)))]
    figure = go.Figure(
        go.Bar(
            x=names,
            y=counts,
            marker={"color": TRUTH_COLOUR},
            hovertemplate="%{y:,} clusters of %{x} chains<extra></extra>",
        )
    )
    figure.update_xaxes(type="category")
    return _bars(figure, "chains in a cluster", "clusters", legend=False)


def compare_histograms(
    counts: Mapping[str, Sequence[float]], bin_width: float, what: str, unit: str
) -> go.Figure:
    """Two distributions over each other, each as shares of its own.

    Parameters
    ----------
    counts : mapping of str to sequence of int
        Numbers in bins from 0 on, for each dataset by its name.
    bin_width : float
        In `unit`.
    what : str
        Title of the axis.
    unit : str
    """
    figure = _shares(counts, bin_width, unit)
    return _bars(figure, what, "share").update_layout(barmode="overlay")


_LEGEND = {"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0}


def _shares(counts: Mapping[str, Sequence[float]], bin_width: float, unit: str) -> go.Figure:
    figure = go.Figure()
    for (name, numbers), colour in zip(counts.items(), COMPARED_COLOURS, strict=False):
        values = np.asarray(numbers, dtype=float)
        middle = bin_width * (np.arange(len(values)) + 0.5)
        figure.add_trace(
            go.Bar(
                x=middle,
                y=100 * values / max(values.sum(), 1),
                width=bin_width,
                name=name,
                opacity=0.6 if len(counts) > 1 else 1.0,
                marker={"color": colour, "line": {"width": 0}},
                hovertemplate=f"%{{x:.3g}} {unit}: %{{y:.1f}} %",
                showlegend=bool(name),
            )
        )
    return figure


def _bars(figure: go.Figure, x: str, y: str, legend: bool = True) -> go.Figure:
    figure.update_layout(
        xaxis={"title": x, "showgrid": False},
        yaxis={"title": f"{y} (%)" if y.startswith("share") else y, "rangemode": "tozero"},
        legend=_LEGEND,
        showlegend=legend and len(figure.data) > 0 and any(trace.name for trace in figure.data),
        bargap=0.05,
    )
    return finish(figure, _HEIGHT)
