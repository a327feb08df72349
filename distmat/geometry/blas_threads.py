"""Linear algebra on one thread.

For matrices of a protein's size more threads are slower, and they round differently.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

from threadpoolctl import ThreadpoolController

_lock = threading.Lock()
_users: list[Any] = []
"""The one limiter in force, once for each block of code that asked for it."""


@cache
def _controller() -> ThreadpoolController:
    # Looking for the libraries takes milliseconds, so it is done once.
    return ThreadpoolController()


@contextmanager
def one_blas_thread() -> Iterator[None]:
    """Hold BLAS at one thread, until the last of all overlapping users has left.

    The limit is the process's, not the calling thread's: if each user restored what it found,
    two at the same time would leave the wrong number behind.
    """
    with _lock:
        limiter = _users[0] if _users else _controller().limit(limits=1, user_api="blas")
        _users.append(limiter)
    try:
        yield
    finally:
        with _lock:
            _users.pop()
            if not _users:
                limiter.restore_original_limits()
