"""Names of the files that a person takes home."""

import re


def file_stem(title: str) -> str:
    """A title as a file's name, whatever it holds."""
    return re.sub(r"[^A-Za-z0-9._-]+", "_", title).strip("._")[:60] or "sequence"
