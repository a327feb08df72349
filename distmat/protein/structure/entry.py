"""What a structure file holds, and what its parser may find wrong with it."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import NamedTuple

from distmat.protein.chain import Chain

FARTHEST = 1e5
"""Å from the origin beyond which a number is no coordinate but damage or a placeholder."""


class Experiment(NamedTuple):
    """What a file says of the experiment.

    Parameters
    ----------
    resolution : float, optional
        Å; None where the file states none, as of NMR and of models.
    method, title : str
        In the file's words, such as ``"X-RAY DIFFRACTION"``; ``""`` where it has none.
    """

    resolution: float | None = None
    method: str = ""
    title: str = ""


@dataclass(frozen=True)
class Entry:
    """What a structure file holds.

    Parameters
    ----------
    chains : tuple of Chain
        As from `read_structure`.
    resolution : float or None
    method, title : str
        See `Experiment`.
    """

    chains: tuple[Chain, ...]
    resolution: float | None
    method: str
    title: str


def parse_resolution(text: str) -> float | None:
    """A number of Å; some files state zero where there is none."""
    try:
        return float(text) if 0 < float(text) < 100 else None
    except ValueError:
        return None


class MalformedError(Exception):
    """What is wrong with a file, in a few words; `read_entry_bytes` makes a sentence of it."""


class AmbiguousError(MalformedError):
    """A file that is no damage but can be read in two ways; the words say which."""


@contextmanager
def parser_at_work() -> Iterator[None]:
    """Around a parser's own calls alone, so that what it raises is said of the file.

    Raises
    ------
    MalformedError
        For whatever the parser raises because of what it reads.
    """
    try:
        yield
    except (MalformedError, MemoryError, ImportError):
        raise
    # A parser meets a damaged file with errors of any kind. None of our own steps stand within,
    # only calls of biotite and msgpack on the file's content, so this hides no bug of ours.
    except Exception as error:
        cause = error.__cause__ or error.__context__ or error
        reason = " ".join(f"{error}".split())[:120] or type(cause).__name__
        raise MalformedError(reason) from error
