"""Predictions of many people, a few at a time: who waits sees their place."""

import itertools
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

_LOOK = 0.3
"""Seconds between two looks at one's place."""


class Turns:
    """Lets so many do something at once, in the order in which they came."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._numbers = itertools.count()
        self._there: list[int] = []

    @contextmanager
    def turn(self, most: int, tell: Callable[[int], None]) -> Iterator[None]:
        """Wait for one's turn, and have it inside.

        Parameters
        ----------
        most : int
            How many may be inside at once.
        tell : callable
            Told now and then how many are before one; may raise, as a page does that was left.
        """
        with self._changed:
            mine = next(self._numbers)
            self._there.append(mine)
        try:
            while (before := self._there.index(mine) - most + 1) > 0:
                tell(before)
                with self._changed:
                    self._changed.wait(_LOOK)
            yield
        finally:
            with self._changed:
                self._there.remove(mine)
                self._changed.notify_all()
