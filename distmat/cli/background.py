"""Commands that leave their work to a job."""

import argparse
import sys
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from distmat.errors import ConfigError

if TYPE_CHECKING:
    from distmat.jobs.job import Job


def add_background_options(command: argparse.ArgumentParser, array: bool = False) -> None:
    """Whether and where a job does the work.

    Parameters
    ----------
    array : bool
        Whether several jobs can share it.
    """
    group = command.add_argument_group("as a job")
    group.add_argument(
        "--background",
        action="store_true",
        help="queue it as a job, print its id and return; see `distmat runs list --all`",
    )
    group.add_argument(
        "--backend",
        metavar="NAME",
        help="what starts it (default: one process on this machine); a name that there isn't is "
        "answered with those that there are",
    )
    group.add_argument(
        "--backend-set",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="a setting of the backend, such as partition=gpu; may be given several times",
    )
    if array:
        group.add_argument(
            "--array",
            type=int,
            metavar="N",
            help="as so many jobs that share the work; the last to end puts it together",
        )


def job_options(options: argparse.Namespace) -> dict[str, Any]:
    """What the options of `add_background_options` say, for `distmat.jobs.operations.submit`.

    Raises
    ------
    ConfigError
        If there is a backend or a number of jobs, and no job.
    """
    from distmat.cli.runs.store import read_settings

    if not options.background:
        for name in ("backend", "backend_set", "array"):
            if getattr(options, name, None):
                raise ConfigError(
                    f"--{name.replace('_', '-')} is said of jobs; give --background, too."
                )
        return {}
    if getattr(options, "array", None) is not None and options.array < 1:
        raise ConfigError(f"--array is {options.array}; it must be 1 or more.")
    given: dict[str, Any] = {"backend_settings": read_settings(options.backend_set)}
    return given | ({"backend": options.backend} if options.backend else {})


def print_jobs(jobs: "Iterable[Job]", where: str) -> None:
    """The ids of the jobs, and on standard error where their results will be."""
    for job in jobs:
        print(job.id)
    print(f"distmat: {where}", file=sys.stderr)
