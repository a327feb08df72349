"""What goes on while the server lives, whether anybody looks or not."""

import os
import signal
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from types import FrameType

from starlette.types import ASGIApp, Receive, Scope, Send

from distmat.ui.memory import return_large_blocks
from distmat.ui.refresh import skip_late_refreshes
from distmat.ui.workers import end_workers, warm_up

PAGES_WITH_PREDICTIONS = ("", "predict")
"""Ends of the addresses of Home and Predict."""

_GRACE = 3.0
"""Seconds that open connections have after the server was told to end."""


@asynccontextmanager
async def lifespan(app: object) -> AsyncIterator[None]:
    """The server ends when it is told to, and its workers with it."""
    if threading.current_thread() is threading.main_thread():
        for number in (signal.SIGINT, signal.SIGTERM):
            _end_in_time(number)
    return_large_blocks()
    skip_late_refreshes()
    yield
    end_workers()


class WarmUp:
    """Lets a worker get ready as soon as a browser asks for a page that shows predictions.

    Its script, and the page's, take a second to arrive and to be run: in that time the network is
    loaded. A server whose visitors look at runs alone never needs one.

    Parameters
    ----------
    app : ASGIApp
        What answers.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request as an ASGI app does."""
        if scope["type"] == "http" and scope["path"].rpartition("/")[2] in PAGES_WITH_PREDICTIONS:
            warm_up()
        await self.app(scope, receive, send)


def _end_in_time(number: int) -> None:
    """End a moment after this signal, though a browser keeps a connection open.

    The server that Streamlit starts waits for all of them, without a limit.
    """
    handle = signal.getsignal(number)

    def end(signal_number: int, frame: FrameType | None) -> None:
        last = threading.Timer(_GRACE, os._exit, (128 + signal_number,))
        last.daemon = True
        last.start()
        if callable(handle):
            handle(signal_number, frame)

    signal.signal(number, end)
