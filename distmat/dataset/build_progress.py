"""How far a build is, in a file, for whoever watches it from another process."""

import json
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

from distmat.dataset.build import PHASES, State
from distmat.documents import read_json
from distmat.workspace import replace_file

_EVERY = 0.2
"""Seconds between two writings."""


class ProgressFile:
    """Writes the state of a build; the file is whole at any moment.

    Parameters
    ----------
    path : Path
    """

    def __init__(self, path: Path) -> None:
        self.path, self._written = path, 0.0
        self._content: dict[str, Any] = {"status": "running", "error": ""}

    def update(self, state: State) -> None:
        """The build has come so far."""
        phase = self._content.get("phase")
        self._content |= {**asdict(state), "words": PHASES[state.phase]}
        now = time.monotonic()
        if now - self._written >= _EVERY or phase != state.phase:
            self._write()
            self._written = now

    def end(self, status: str, error: str = "") -> None:
        """The build is over: ``"finished"``, ``"stopped"`` or ``"failed"``, with a sentence."""
        self._content |= {"status": status, "error": error}
        self._write()

    def _write(self) -> None:
        with replace_file(self.path, "w") as file:
            json.dump(self._content, file)


def read_progress(path: Path) -> dict[str, Any]:
    """What a `ProgressFile` says; empty where there is none."""
    try:
        content = read_json(path)
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}
