"""The states of a job and what may follow what; and what kind of thing ended it."""

from enum import StrEnum


class State(StrEnum):
    """Where a run is in its life."""

    QUEUED = "QUEUED"
    """Waits for its turn."""
    STARTING = "STARTING"
    """Its process loads PyTorch and the data."""
    RUNNING = "RUNNING"
    """Steps are being made."""
    FINISHED = "FINISHED"
    """All steps were made and the model is written."""
    STOPPED = "STOPPED"
    """Ended early because it was asked to; can go on from its checkpoint."""
    FAILED = "FAILED"
    """Ended with an error that it could name."""
    CRASHED = "CRASHED"
    """Its process ended without a word."""


ACTIVE = frozenset({State.STARTING, State.RUNNING})
"""A process belongs to a run in one of these states."""

ENDED = frozenset({State.FINISHED, State.STOPPED, State.FAILED, State.CRASHED})

TRANSITIONS: dict[State, frozenset[State]] = {
    State.QUEUED: frozenset({State.STARTING, State.STOPPED}),
    # Back to the queue: a start that came to nothing, or a cluster that needs the machine.
    State.STARTING: frozenset({State.RUNNING, State.QUEUED}) | ENDED,
    State.RUNNING: frozenset({State.QUEUED}) | ENDED,
    State.STOPPED: frozenset({State.QUEUED}),
    State.FAILED: frozenset({State.QUEUED}),
    State.CRASHED: frozenset({State.QUEUED}),
    State.FINISHED: frozenset(),
}
"""For each state those that may follow."""


class Cause(StrEnum):
    """What kind of thing ended a run; the sentence is in `Run.cause`."""

    NONE = ""
    DONE = "done"
    ASKED = "asked"
    SIGNAL = "signal"
    NAN = "nan"
    OUT_OF_MEMORY = "out-of-memory"
    DISK_FULL = "disk-full"
    INPUT = "input"
    """Something a person can mend: a setting, a dataset, a checkpoint."""
    CHANGED_DATA = "changed-data"
    """Its dataset isn't the one it began with, and nobody has said that this is meant."""
    BUG = "bug"
    LOST = "lost"
    """The process vanished and nobody saw how."""
