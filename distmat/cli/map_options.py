"""What a person says of a given map's numbers: the options, and the sentences that name them."""

import argparse
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from distmat.errors import DistanceMapError, MapOptionError


def add_map_options(command: argparse.ArgumentParser) -> None:
    """Which array of a file, its unit, and what zeros say."""
    command.add_argument("--array", metavar="NAME", help="which array of an NPZ file")
    command.add_argument(
        "--unit",
        choices=("Å", "A", "nm", "pm"),
        help="of the distances and deviations (default: Å, which neighbours must fit)",
    )
    command.add_argument(
        "--zeros-are-missing",
        action="store_true",
        help="a zero between two residues says that their distance isn't known",
    )


def map_options(options: argparse.Namespace) -> dict[str, Any]:
    """What was said, as `distmat.geometry.completion.check_map` takes it."""
    return {
        "unit": "Å" if options.unit == "A" else options.unit,
        "zeros_are_missing": options.zeros_are_missing or None,
    }


@contextmanager
def name_options() -> Iterator[None]:
    """Errors of a map that an option would settle name that option."""
    try:
        yield
    except MapOptionError as error:
        option = f"--{error.option.replace('_', '-')}"
        value = "" if error.value is True else f" {error.value}"
        raise DistanceMapError(f"{error.fault} give {option}{value}.") from None
