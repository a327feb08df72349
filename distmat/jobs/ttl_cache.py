"""Values that many viewers share for a moment: twenty cost little more than one."""

import threading
import time
from collections.abc import Callable, Hashable
from typing import Any, TypeVar

T = TypeVar("T")

_MOST = 500
"""Values that are remembered."""


class _Entry:
    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.computed = float("-inf")
        self.value: Any = None


class TTLCache:
    """Remembers values for a moment; who asks while one is being computed waits for it.

    Parameters
    ----------
    seconds : float
        How old a value may be; 0 for always a new one.
    clock : callable
        Seconds since some moment.
    """

    def __init__(self, seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        self.seconds, self.clock = seconds, clock
        self._lock = threading.Lock()
        self._entries: dict[Hashable, _Entry] = {}

    def get_or_compute(self, key: Hashable, compute: Callable[[], T]) -> T:
        """The value of a key; nobody may change what comes back."""
        if not self.seconds:
            return compute()
        with self._lock:
            if len(self._entries) >= _MOST:
                self._entries.clear()
            entry = self._entries.setdefault(key, _Entry())
        with entry.lock:
            now = self.clock()
            if now - entry.computed > self.seconds:
                entry.value = compute()
                entry.computed = now
            value: T = entry.value
            return value
