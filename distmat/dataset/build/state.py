"""How far a build is, in words."""

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class State:
    """How far a build is.

    Parameters
    ----------
    phase : str
        One of `PHASES`.
    done, total : int
        Of this phase.
    kept, rejected : int
        Chains so far.
    """

    phase: str
    done: int
    total: int
    kept: int = 0
    rejected: int = 0


PHASES = {
    "list": "Looking what there is",
    "download": "Downloading structures",
    "read": "Reading structures",
    "cluster": "Comparing sequences",
    "homologues": "Searching for homologues",
    "leaks": "Searching for relatives across splits",
    "write": "Writing",
}
"""What a build, or `add_homologues`, does one after the other, in words."""

Progress = Callable[[State], None]
