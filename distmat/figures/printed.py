"""Figures for print: SVG, and a map also as PDF and PNG."""

import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from distmat.figures.colours import BASELINE_COLOUR, MODEL_COLOUR
from distmat.figures.residue_axis import residue_ticks

_SOFT = "#5b6675"
"""Of numbers at an axis."""

_DECADE = 10.0
"""Highest over lowest value above which an axis has ticks of powers, and their 2 and 5."""


@dataclass(frozen=True)
class PrintedLine:
    """One line; `x` and `y` of shape=(points,)."""

    x: np.ndarray
    y: np.ndarray
    label: str = ""
    dashed: bool = False


def curves_svg(
    curves: Sequence[PrintedLine], x_title: str, y_title: str, logarithmic: bool = False
) -> str:
    """Lines over steps.

    Parameters
    ----------
    curves : sequence of PrintedLine
    x_title, y_title : str
    logarithmic : bool
        Of the y axis; points that aren't positive are left out then.

    Returns
    -------
    str
        An ``<svg>`` element whose text stays text.
    """
    figure, axes = _axes(7.2, 2.7)
    for curve in curves:
        colour, dash = (BASELINE_COLOUR, "--") if curve.dashed else (MODEL_COLOUR, "-")
        style = {"color": colour, "linestyle": dash}
        style["marker"] = "o" if len(curve.x) < 3 else ""
        y = np.where(curve.y > 0, curve.y, np.nan) if logarithmic else curve.y
        axes.plot(curve.x, y, linewidth=1.4, markersize=3, label=curve.label, **style)
    if logarithmic:
        _make_logarithmic(axes)
    axes.set_xlabel(x_title)
    axes.set_ylabel(y_title)
    axes.grid(alpha=0.25, linewidth=0.6)
    axes.spines[["top", "right"]].set_visible(False)
    if any(curve.label for curve in curves):
        axes.legend(frameon=False, fontsize=8)
    return _svg(figure)


def _make_logarithmic(axes) -> None:
    """With plain numbers at the ticks, also where all values lie close together."""
    from matplotlib.ticker import LogLocator, MaxNLocator, NullLocator, StrMethodFormatter

    axes.set_yscale("log")
    lowest, highest = axes.get_ylim()
    wide = highest > _DECADE * lowest
    axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)) if wide else MaxNLocator(5))
    axes.yaxis.set_minor_locator(NullLocator())
    axes.yaxis.set_major_formatter(StrMethodFormatter("{x:g}"))


def halves_picture(predicted: np.ndarray, true: np.ndarray, x_title: str, kind: str) -> bytes:
    """A predicted map above the diagonal and the true one below, 86 mm wide: one column of print.

    Parameters
    ----------
    predicted, true : ndarray, shape=(N, N)
        Å; NaN where not observed.
    x_title : str
        Of both axes.
    kind : str
        ``"svg"``, ``"pdf"``, or ``"png"`` of 600 dots per inch.
    """
    figure, axes = _axes(3.4, 2.9)
    n = len(true)
    lower = np.tri(n, k=-1, dtype=bool)
    image = axes.imshow(
        np.where(lower, true, predicted),
        cmap="viridis",
        vmin=0,
        vmax=max(20.0, float(np.nanpercentile(true, 98))),
        interpolation="nearest",
        # Residues are counted from 1.
        extent=(0.5, n + 0.5, n + 0.5, 0.5),
    )
    ticks = residue_ticks(n)
    axes.set_xticks(ticks)
    axes.set_yticks(ticks)
    axes.set_xlabel(x_title)
    axes.set_ylabel(x_title)
    figure.colorbar(image, ax=axes, label="Å", shrink=0.9)
    if kind == "svg":
        return _svg(figure).encode()
    buffer = io.BytesIO()
    # Without a date equal maps make equal files.
    dated = {"CreationDate": None} if kind == "pdf" else {}
    figure.savefig(buffer, format=kind, dpi=600, metadata=dated)
    return buffer.getvalue()


def halves_svg(predicted: np.ndarray, true: np.ndarray, x_title: str) -> str:
    """`halves_picture` as an ``<svg>`` element."""
    return halves_picture(predicted, true, x_title, "svg").decode()


def _axes(width: float, height: float):
    from matplotlib.backends.backend_svg import FigureCanvasSVG
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), layout="constrained")
    FigureCanvasSVG(figure)
    axes = figure.add_subplot()
    axes.tick_params(colors=_SOFT, labelsize=8)
    return figure, axes


def _svg(figure) -> str:
    import warnings

    import matplotlib as mpl

    # Text as text: the reader's own fonts draw it, Chinese too, though the font that places are
    # measured with lacks it. A fixed salt gives equal files.
    settings: Any = {
        "svg.fonttype": "none",
        "svg.hashsalt": "distmat",
        "font.family": ["sans-serif"],
        "axes.labelsize": 9,
    }
    with mpl.rc_context(settings), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")
        file = io.StringIO()
        figure.savefig(file, format="svg", metadata={"Date": None, "Creator": None})
    text = file.getvalue()
    return text[text.index("<svg") :]
