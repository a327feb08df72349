"""Figures for print: SVG, and a map also as PDF and PNG."""

import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

INK, SOFT, LINE, DASHED = "#1d2430", "#5b6675", "#2b6cb0", "#c27c0e"


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
        style = {"color": DASHED, "linestyle": "--"} if curve.dashed else {"color": LINE}
        style["marker"] = "o" if len(curve.x) < 3 else ""
        y = np.where(curve.y > 0, curve.y, np.nan) if logarithmic else curve.y
        axes.plot(curve.x, y, linewidth=1.4, markersize=3, label=curve.label, **style)
    if logarithmic:
        axes.set_yscale("log")
    axes.set_xlabel(x_title)
    axes.set_ylabel(y_title)
    axes.grid(alpha=0.25, linewidth=0.6)
    axes.spines[["top", "right"]].set_visible(False)
    if any(curve.label for curve in curves):
        axes.legend(frameon=False, fontsize=8)
    return _svg(figure)


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
    lower = np.tri(len(true), k=-1, dtype=bool)
    image = axes.imshow(
        np.where(lower, true, predicted),
        cmap="viridis",
        vmin=0,
        vmax=max(20.0, float(np.nanpercentile(true, 98))),
        interpolation="nearest",
    )
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
    axes.tick_params(colors=SOFT, labelsize=8)
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
