"""Linear algebra on one thread.

For matrices of a protein's size more threads are slower, and they round differently.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

from threadpoolctl import ThreadpoolController

_turn = threading.RLock()


@cache
def _controller() -> ThreadpoolController:
    # Looking for the libraries takes milliseconds, so it is done once.
    return ThreadpoolController()


@contextmanager
def one_blas_thread() -> Iterator[None]:
    """Hold BLAS at one thread; whoever else asks for that meanwhile waits its turn.

    The limit is the process's, not the calling thread's: of two that overlapped, the one that
    left first would take it from the other, and the last would restore the wrong number.
    """
    with _turn, _controller().limit(limits=1, user_api="blas"):
        yield
