"""What is made of known sequences for searching: written once, for all workspaces of a user."""

import os
import shutil
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path

from distmat.workspace import library_cache


def write_once(fingerprint: str, write: Callable[[Path], None]) -> Path:
    """The folder that was made of what has this fingerprint.

    Parameters
    ----------
    fingerprint : str
        Tells the content from any other's.
    write : callable
        Fills an empty folder, if there is none yet.
    """
    folder = library_cache().resolve() / fingerprint
    # A thread that prepares what another asks for doesn't write it a second time.
    with _writing.setdefault(fingerprint, threading.Lock()):
        if not folder.is_dir():
            _write(folder, write)
    return folder


_writing: dict[str, threading.Lock] = {}
"""For each fingerprint: what is written may be made of what is written itself."""


def _write(folder: Path, write: Callable[[Path], None]) -> None:
    folder.parent.mkdir(parents=True, exist_ok=True)
    written = Path(tempfile.mkdtemp(prefix=".library-", dir=folder.parent))
    try:
        write(written)
        os.rename(written, folder)
    except OSError:
        # Another process was quicker; its files are the same.
        if not folder.is_dir():
            raise
    finally:
        shutil.rmtree(written, ignore_errors=True)
