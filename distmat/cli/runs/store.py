"""The runs of the workspace, and settings from the command line."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from distmat.errors import ConfigError

if TYPE_CHECKING:
    from distmat.runs.store import RunStore


@contextmanager
def open_store() -> "Iterator[RunStore]":
    """The workspace's runs, seen to be up to date."""
    from distmat.runs.operations import reconcile
    from distmat.runs.store import RunStore

    with RunStore() as store:
        reconcile(store)
        yield store


def read_settings(texts: Sequence[str]) -> dict[str, str]:
    """From texts such as ``seed=1``."""
    settings = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not equals:
            raise ConfigError(f"'{text}' is no setting; write NAME=VALUE, such as seed=1.")
        settings[name.strip()] = value.strip()
    return settings
