"""What a report is made of, whatever it is printed as: sections of a few kinds of block."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

TONES = {"good": "good", "note": "warning", "bad": "bad"}
"""From how serious a finding or a verdict is to a paragraph's tone."""


@dataclass(frozen=True)
class Paragraph:
    """Plain text; `tone` is ``""``, ``"good"``, ``"warning"`` or ``"bad"``."""

    text: str
    tone: str = ""


@dataclass(frozen=True)
class Bullets:
    """Short sentences below each other."""

    items: tuple[str, ...]


@dataclass(frozen=True)
class Table:
    """A header and rows of as many cells; the first column is text, the others are numbers."""

    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    note: str = ""


@dataclass(frozen=True)
class Code:
    """Commands to copy, or lines of a file."""

    text: str


@dataclass(frozen=True)
class Figure:
    """A drawing; `name` is a file's, without a suffix. It is drawn when it is first needed."""

    name: str
    draw: Callable[[], str]
    caption: str
    small: bool = False
    """Whether three of its kind fit beside each other."""

    @cached_property
    def svg(self) -> str:
        """The ``<svg>`` element."""
        return self.draw()


Block = Paragraph | Bullets | Table | Code | Figure


@dataclass(frozen=True)
class Section:
    """A heading and what stands under it."""

    title: str
    blocks: tuple[Block, ...]
    sections: tuple["Section", ...] = ()


@dataclass(frozen=True)
class Report:
    """A whole document; `language` is ``"en"`` or ``"zh"``."""

    language: str
    title: str
    lines: tuple[str, ...]
    """Under the title: when it was written, of what, and how that stands."""
    sections: tuple[Section, ...]
    footer: str = ""
