"""Kinds of heads and encoders by name: those that are built in, and those of other packages.

Another package adds one by an entry point of the group, whose name is the kind's and whose
object is a class of it; see `docs/own_head.md`. Nothing here needs PyTorch.
"""

import os
import sys
from collections.abc import Mapping
from functools import lru_cache
from importlib.metadata import EntryPoint, entry_points
from typing import Generic, TypeVar

from distmat.errors import ConfigError

Kind = TypeVar("Kind")


def _places() -> tuple[tuple[str, int], ...]:
    """Where packages are looked for, and when one was last installed there (ns)."""
    found = []
    for place in sys.path:
        try:
            found.append((place, os.stat(place or ".").st_mtime_ns))
        except OSError:
            found.append((place, 0))
    return tuple(found)


@lru_cache(maxsize=8)
def _points(group: str, _places: tuple[tuple[str, int], ...]) -> dict[str, EntryPoint]:
    """Entry points by name; reading those of all packages takes milliseconds."""
    return {point.name: point for point in entry_points(group=group)}


class Registry(Generic[Kind]):
    """Kinds by name.

    Parameters
    ----------
    noun : str
        What they are kinds of.
    group : str
        Of the entry points.
    built_in : mapping of str to type
    """

    def __init__(self, noun: str, group: str, built_in: Mapping[str, type[Kind]]) -> None:
        self.noun, self.group = noun, group
        self._made: dict[str, Kind] = {name: kind() for name, kind in built_in.items()}

    def __contains__(self, name: object) -> bool:
        return name in self._made or name in self._others()

    def names(self) -> tuple[str, ...]:
        """All of them, those that are built in first; none is imported for that."""
        return (*self._made, *sorted(set(self._others()) - set(self._made)))

    def get(self, name: str) -> Kind:
        """The kind of a name.

        Raises
        ------
        ConfigError
            If there is none, or the package that has it can't be imported.
        """
        if name not in self._made:
            others = self._others()
            if name not in others:
                raise ConfigError(
                    f"{self.noun} is '{name[:100]}'; it must be one of {', '.join(self.names())}."
                )
            self._made[name] = self._load(others[name])
        return self._made[name]

    def _others(self) -> dict[str, EntryPoint]:
        return _points(self.group, _places())

    def _load(self, point: EntryPoint) -> Kind:
        try:
            made: Kind = point.load()()
        # Whatever somebody else's module raises, the person has one thing to mend.
        except Exception as error:
            raise ConfigError(
                f"The {self.noun} '{point.name}' can't be loaded from {point.value} ({error}); "
                "mend or uninstall the package that has it."
            ) from error
        return made
