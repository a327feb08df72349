"""Answers that many viewers of the same thing share: twenty cost little more than one."""

import threading
import time
from collections.abc import Callable, Hashable
from typing import Any, TypeVar

T = TypeVar("T")

_MOST = 500
"""Answers that are remembered."""


class _Answer:
    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.asked = float("-inf")
        self.value: Any = None


class SharedAnswers:
    """Remembers answers for a moment; who asks while one is being found waits for it.

    Parameters
    ----------
    seconds : float
        How old an answer may be; 0 for always a new one.
    """

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._lock = threading.Lock()
        self._answers: dict[Hashable, _Answer] = {}

    def ask(self, question: Hashable, find: Callable[[], T]) -> T:
        """The answer to a question; nobody may change what comes back."""
        if not self.seconds:
            return find()
        with self._lock:
            if len(self._answers) >= _MOST:
                self._answers.clear()
            answer = self._answers.setdefault(question, _Answer())
        with answer.lock:
            now = time.monotonic()
            if now - answer.asked > self.seconds:
                answer.value = find()
                answer.asked = now
            return answer.value
