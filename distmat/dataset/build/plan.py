"""What is built, under which name and in which folder; what an earlier start has left is kept."""

import contextlib
import dataclasses
import hashlib
import json
import re
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path

from distmat.dataset.build.settings import BuildSettings
from distmat.dataset.build.state import Progress, State
from distmat.dataset.download import DownloadPolicy, download
from distmat.dataset.sources import Listing, list_items
from distmat.errors import DatasetError
from distmat.protein.sequence import quote
from distmat.workspace import dataset_path, replace_file, workspace

_FORMAT = 1
"""Of the work folder; a build that another version began starts anew."""


def check_name(name: str) -> str:
    """A dataset's name as given, if it can be a file's.

    Raises
    ------
    DatasetError
        If it can't.
    """
    if not re.fullmatch(r"\w[\w.+-]{0,99}", name, re.ASCII) or name.endswith(".parquet"):
        raise DatasetError(
            f"The name {quote(name)} can't be a dataset's; use letters, digits, '.', '-' and '_'."
        )
    return name


def new_dataset_path(name: str, overwrite: bool) -> Path:
    """Where a new dataset of the workspace goes.

    Raises
    ------
    DatasetError
        If the name can't be a dataset's, or is taken and `overwrite` is false.
    """
    path = workspace() / "datasets" / f"{check_name(name)}.parquet"
    if path.exists() and not overwrite:
        raise DatasetError(
            f"There is a dataset '{name}' already; give another name, or --overwrite to replace it."
        )
    return path


@contextlib.contextmanager
def work_alone(work: Path, name: str) -> Iterator[None]:
    """Only one process at a time builds a dataset of one name."""
    import fcntl

    work.mkdir(parents=True, exist_ok=True)
    with open(work / "lock", "wb") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise DatasetError(
                f"The dataset '{name}' is being built by another process; wait, or stop that one."
            ) from None
        # Workers of a build that was killed follow it in less than a second; until then they
        # might still write.
        with open(work / "readers", "wb") as readers:
            fcntl.flock(readers, fcntl.LOCK_EX)
        # Half-written files of a build that was killed.
        for path in work.glob(".*"):
            path.unlink(missing_ok=True)
        try:
            yield
        except DatasetError:
            # What was begun can go on; else nothing is left behind.
            if not any(work.glob("part-*")):
                shutil.rmtree(work, ignore_errors=True)
            raise


def make_plan(
    inputs: Sequence[str], settings: BuildSettings, work: Path, report: Progress
) -> Listing:
    """List all items; parts of an earlier build of other items or settings are thrown away."""
    report(State("list", 0, 1))
    listing = list_items(inputs, work / "unpacked")
    content = json.dumps(
        {
            "format": _FORMAT,
            "settings": settings.as_dict(),
            "excluded": [str(dataset_path(path).stat().st_mtime_ns) for path in settings.exclude],
            "splits": listing.splits,
            "items": [dataclasses.astuple(item) for item in listing.items],
        }
    )
    digest = hashlib.sha256(content.encode()).hexdigest()
    known = work / "plan"
    if not known.exists() or known.read_text(encoding="ascii") != digest:
        for path in (*work.glob("part-*"), *work.glob("chosen*")):
            path.unlink()
        with replace_file(known, "w") as file:
            file.write(digest)
    report(State("list", 1, 1))
    return listing


def download_entries(
    plan: Listing, server: str, policy: DownloadPolicy | None, report: Progress
) -> dict[str, str]:
    """Download the entries of a plan; for each that couldn't be had, a sentence why."""
    entries = [item.path for item in plan.items if item.kind == "entry"]
    if not entries:
        return {}
    return download(
        entries, server, policy, lambda done, total: report(State("download", done, total))
    )
