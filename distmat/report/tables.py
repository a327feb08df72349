"""Tables that several sections write."""

from collections.abc import Sequence

from distmat.report.blocks import Table
from distmat.report.i18n import Wording


def two_columns(rows: Sequence[tuple[str, str]], words: Wording) -> Table:
    """A row for each of these, its name by its key."""
    named = tuple((words.say(key), value) for key, value in rows)
    return Table((words.say("what"), words.say("value")), named)


def setting_text(value: object) -> str:
    """A setting as a person reads it."""
    if isinstance(value, (list, tuple)):
        return ", ".join(map(str, value)) or "–"
    return "–" if value in ("", None) else str(value)
