"""How much a server gives to those who reach it; each limit is a number in the environment."""

import os
import shutil
from dataclasses import dataclass
from pathlib import Path

from distmat.access import visitor
from distmat.errors import AccessError, ConfigError
from distmat.workspace import size_of


@dataclass(frozen=True)
class Limit:
    """A number that whoever runs a server can set.

    Parameters
    ----------
    variable : str
        Of the environment.
    default : int or None
        None: no limit.
    words : str
        What is limited.
    """

    variable: str
    default: int | None
    words: str

    def value(self) -> int | None:
        """The number that holds.

        Raises
        ------
        ConfigError
            If what the environment says is no whole number from 1.
        """
        text = os.environ.get(self.variable, "").strip()
        if not text:
            return self.default
        if not text.isascii() or not text.isdigit() or int(text) < 1:
            raise ConfigError(
                f"{self.variable} is {text[:40]!r}; it must be a whole number, 1 or more."
            )
        return int(text)


RESIDUES = Limit("DISTMAT_MAX_RESIDUES", None, "residues of a chain that a page predicts")
PREDICTIONS = Limit("DISTMAT_PREDICTIONS", 2, "predictions of the pages at the same time")
JOBS = Limit("DISTMAT_JOBS_PER_PERSON", None, "jobs of a person that wait or run")
DISK = Limit("DISTMAT_WORKSPACE_GB", None, "GB of the workspace from which no job is started")

LIMITS = (RESIDUES, PREDICTIONS, JOBS, DISK)

_ROOM = 200 * 2**20
"""Bytes that must be free before a job is started."""


def check_residues(count: int) -> None:
    """Refuse a chain that is too long for this server.

    Raises
    ------
    AccessError
    """
    most = RESIDUES.value()
    if visitor() is not None and most is not None and count > most:
        raise AccessError(
            f"The sequence has {count:,} residues, and this server predicts at most {most:,} "
            f"({RESIDUES.variable}); cut it, or install your own."
        )


def check_jobs(count: int) -> None:
    """Refuse a person's next job.

    Parameters
    ----------
    count : int
        How many of theirs wait or run.

    Raises
    ------
    AccessError
    """
    most = JOBS.value()
    if visitor() is not None and most is not None and count >= most:
        raise AccessError(
            f"{count:,} jobs of yours wait or run, and this server lets a person have {most:,} "
            f"({JOBS.variable}); wait for one to end, or stop one."
        )


def check_disk(home: Path) -> None:
    """Refuse a job that the workspace has no room for.

    Raises
    ------
    AccessError
    """
    free = shutil.disk_usage(home).free
    if free < _ROOM:
        raise AccessError(
            f"The disk of {home} has {free / 2**20:.0f} MiB left, and a job needs "
            f"{_ROOM / 2**20:.0f}; free some space."
        )
    most = DISK.value()
    if most is None:
        return
    used = size_of(home)
    if used >= most * 1e9:
        raise AccessError(
            f"The workspace {home} holds {used / 1e9:.1f} GB, and {most:,} are allowed "
            f"({DISK.variable}); delete runs, checkpoints or datasets."
        )
