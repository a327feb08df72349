"""Builds in the background: started from the page, and found again after it was closed."""

import json
import re
import shutil
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from distmat.dataset.build import check_name
from distmat.dataset.build_progress import read_progress
from distmat.documents import read_json
from distmat.errors import DatasetError
from distmat.jobs import processes
from distmat.jobs.processes import ProcessIdentity
from distmat.ui.file_name import file_stem
from distmat.workspace import replace_file, workspace

_GRACE = 10.0
"""Seconds that a build has to stop in."""


@dataclass(frozen=True)
class Job:
    """A build that was started here.

    Parameters
    ----------
    name : str
        Of the dataset.
    folder : Path
        Of its files: what it was asked, how far it is, what it said.
    arguments : tuple of str
        Of ``distmat data``: its own command first.
    identity : ProcessIdentity
    """

    name: str
    folder: Path
    arguments: tuple[str, ...]
    identity: ProcessIdentity

    @property
    def running(self) -> bool:
        """Whether its process runs."""
        return processes.is_running(self.identity)

    def progress(self) -> dict[str, Any]:
        """How far it is; see `distmat.dataset.build_progress`."""
        return read_progress(self.folder / "progress.json")

    def last_words(self) -> str:
        """The end of what it wrote."""
        try:
            lines = (self.folder / "log.txt").read_text(errors="replace").splitlines()
        except OSError:
            return ""
        # A bar rewrites its line; what came last counts.
        return "\n".join(line.rsplit("\r", 1)[-1] for line in lines[-12:])[-2000:]


def _jobs_folder() -> Path:
    return workspace() / "builds"


def inputs_folder(name: str) -> Path:
    """Where files that are given to the page wait for the build; it is emptied."""
    folder = _jobs_folder() / check_name(name) / "inputs"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder


def kept_for(name: str, files: Iterable[Any]) -> list[str]:
    """Write files that were given to the page where the build of this name finds them.

    Returns
    -------
    list of str
        Their paths; only what is harmless of a file's name is in them.
    """
    folder = inputs_folder(name)
    found = []
    for number, file in enumerate(files, start=1):
        stem, *suffixes = re.split(r"(?=\.)", file.name)
        ending = "".join(re.sub(r"[^A-Za-z0-9.]", "", suffix) for suffix in suffixes[-2:])
        # Two files of one name would be one.
        path = folder / f"{number:03d}" / f"{file_stem(stem)}{ending}"
        path.parent.mkdir()
        path.write_bytes(file.getbuffer())
        found.append(str(path.absolute()))
    return found


def start_job(name: str, arguments: Sequence[str]) -> Job:
    """Start ``distmat data`` with these arguments, a command that writes how far it is.

    Raises
    ------
    DatasetError
        If the name can't be a dataset's, or one is being built under it.
    RunError
        If no process can be started.
    """
    check_name(name)
    if any(job.name == name and job.running for job in list_jobs()):
        raise DatasetError(f"'{name}' is being built already; wait for it, or cancel it.")
    folder = _jobs_folder() / name
    folder.mkdir(parents=True, exist_ok=True)
    for old in ("progress.json", "log.txt"):
        (folder / old).unlink(missing_ok=True)
    action, *others = arguments
    progress = ["--progress", str((folder / "progress.json").absolute())]
    command = [sys.executable, "-m", "distmat.cli", "data", action, *progress, *others]
    identity = processes.start(
        command, folder / "log.txt", {"DISTMAT_HOME": str(workspace().absolute())}
    )
    job = Job(name, folder, tuple(arguments), identity)
    with replace_file(folder / "job.json", "w") as file:
        json.dump(
            {
                "arguments": list(arguments),
                "pid": identity.pid,
                "created": identity.created,
            },
            file,
        )
    return job


def list_jobs() -> list[Job]:
    """All builds that were started and not put away, by name."""
    jobs = []
    for path in sorted(_jobs_folder().glob("*/job.json")):
        try:
            content = read_json(path)
            identity = ProcessIdentity(int(content["pid"]), float(content["created"]))
            arguments = tuple(str(word) for word in content["arguments"])
        except (OSError, ValueError, KeyError, TypeError):
            continue
        jobs.append(Job(path.parent.name, path.parent, arguments, identity))
    return jobs


def cancel_job(job: Job) -> None:
    """Stop a build; what it has done is kept, so that it can go on."""
    processes.stop(job.identity, _GRACE)


def continue_job(job: Job) -> Job:
    """Start a build that ended early again."""
    return start_job(job.name, job.arguments)


def put_away(job: Job) -> None:
    """Forget a build that has ended; of one that isn't finished, what it had done goes, too."""
    if job.progress().get("status") != "finished":
        for kind in ("build", "homologues"):
            shutil.rmtree(workspace() / "datasets" / f".{job.name}.{kind}", ignore_errors=True)
    shutil.rmtree(job.folder, ignore_errors=True)
