"""Files that were given to the page, where a job finds them."""

import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from distmat.access import check_may_change
from distmat.dataset.build import check_name
from distmat.dataset.jobs import UPLOADS
from distmat.ui.uploads import keep_files
from distmat.workspace import workspace


def inputs_folder(name: str) -> Path:
    """Where files that are given to the page wait for the build; it is emptied."""
    check_may_change("build datasets")
    folder = workspace() / UPLOADS / check_name(name) / "inputs"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder


def keep_for(name: str, files: Iterable[Any]) -> list[str]:
    """Write files that were given to the page where the build of this name finds them.

    Returns
    -------
    list of str
        Their paths; only what is harmless of a file's name is in them.
    """
    return [str(path) for path in keep_files(inputs_folder(name), files)]
