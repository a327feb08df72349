"""What goes on while the server lives, whether anybody looks or not."""

import os
import signal
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from types import FrameType

from distmat.ui.workers import end_workers, warm_up

_GRACE = 3.0
"""Seconds that open connections have after the server was told to end."""


@asynccontextmanager
async def lifespan(app: object) -> AsyncIterator[None]:
    """A worker gets ready at the start, and the server ends when it is told to."""
    threading.Thread(target=warm_up, name="warm-up", daemon=True).start()
    if threading.current_thread() is threading.main_thread():
        for number in (signal.SIGINT, signal.SIGTERM):
            _end_in_time(number)
    yield
    end_workers()


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
