"""The log of a run: what its processes wrote to the terminal that they don't have."""

from pathlib import Path

_TAIL = 64 * 1024
"""Bytes at the end that are looked at; a log may be gigabytes long."""


def tail(path: Path, lines: int = 40) -> list[str]:
    """The last lines of a log, as a terminal would show them; empty if there is none.

    Of a progress bar that redraws itself only the last state counts.
    """
    try:
        with path.open("rb") as file:
            size = file.seek(0, 2)
            file.seek(max(0, size - _TAIL))
            content = file.read()
    except OSError:
        return []
    text = content.decode("utf-8", errors="replace")
    shown = [line.rstrip("\r").rpartition("\r")[2].rstrip() for line in text.split("\n")]
    if size > _TAIL:
        shown = shown[1:]
    while shown and not shown[-1]:
        shown.pop()
    return shown[-lines:]


def last_words(path: Path) -> str:
    """The last line that isn't empty, for a sentence."""
    spoken = [line for line in tail(path) if line.strip()]
    return spoken[-1].strip()[:300] if spoken else ""
