"""Plots whose data change while they are looked at, see `live_plot.js`."""

from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import streamlit as st
from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import BaseRoute, Route

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

_PLACE = "viewer/plotly.min.js"
_KEPT = {"Cache-Control": "public, max-age=86400"}


def show_live_plot(figure: "Figure", key: str, alt: str) -> None:
    """A figure that keeps a person's zoom while points are added.

    Parameters
    ----------
    figure : plotly Figure
        With a height.
    key : str
        Of the plot; another key is another plot, without the zoom.
    alt : str
        What it shows, for those who can't see it.
    """
    content = {"figure": figure.to_json(), "key": key, "alt": alt, "script": _address()}
    _component()(key=key, data=content, height=int(figure.layout.height or 300))


def plot_routes() -> list[BaseRoute]:
    """What the app serves besides its pages: plotly's script, of the package that draws."""
    return [Route(f"/{_PLACE}", _serve)]


async def _serve(request: Request) -> Response:
    return FileResponse(_script(), media_type="text/javascript", headers=_KEPT)


@cache
def _script() -> Path:
    spec = find_spec("plotly")
    assert spec is not None and spec.origin is not None  # noqa: S101 - the figures need it
    return Path(spec.origin).parent / "package_data" / "plotly.min.js"


def _address() -> str:
    """With the file's age, so that another version isn't taken from the browser's store."""
    return f"{_PLACE}?{_script().stat().st_mtime_ns}"


@cache
def _component() -> Any:
    return st.components.v2.component(
        "distmat_live_plot",
        html='<div class="plot" role="img"></div>',
        js=Path(__file__).with_name("live_plot.js").read_text(encoding="utf-8"),
        # Plotly puts its own rules into the page, where they don't reach a shadow tree.
        isolate_styles=False,
    )
