"""How far a job is that logs no metrics, told a few times a second."""

import time

from distmat.jobs.recorder import Recorder

_EVERY = 0.5
"""Seconds between two tellings of one phase."""


class Progress:
    """Tells a recorder how far a job is; the job runs from here on.

    Parameters
    ----------
    recorder : Recorder
    """

    def __init__(self, recorder: Recorder) -> None:
        self.recorder, self._phase, self._told = recorder, "", 0.0
        recorder.begin({})

    def show(self, done: int, total: int, phase: str, **counts: float) -> None:
        """So much of the phase is done; and what has been counted on the way."""
        now = time.monotonic()
        if phase != self._phase or done >= total or now - self._told >= _EVERY:
            self.recorder.show_progress(done, total, phase, counts)
            self._phase, self._told = phase, now
