"""Ways to start a job: one process here, several here, or as a job of a cluster.

A new backend is one file of this folder with a class that is a `Backend`, and its line below.
"""

from distmat.errors import RunError
from distmat.jobs.backends.backend import Backend, Field
from distmat.jobs.backends.local import Local
from distmat.jobs.backends.slurm import Slurm
from distmat.jobs.backends.torchrun import Torchrun

__all__ = ["Backend", "Field", "backend", "check_name", "names", "new_backends"]

_BACKENDS: tuple[type[Backend], ...] = (Local, Torchrun, Slurm)


def names() -> list[str]:
    """Of all backends, the usual one first."""
    return [kind.name for kind in _BACKENDS]


def new_backends() -> dict[str, Backend]:
    """One of each by its name, for a scheduler, whose processes they remember."""
    return {kind.name: kind() for kind in _BACKENDS}


def check_name(name: str) -> None:
    """See that there is such a backend.

    Raises
    ------
    RunError
        If there is none.
    """
    if name not in names():
        raise RunError(f"There is no backend '{name}'; there are {', '.join(names())}.")


def backend(name: str) -> Backend:
    """The backend of this name, for those who ask or stop what others have started."""
    check_name(name)
    return new_backends()[name]
