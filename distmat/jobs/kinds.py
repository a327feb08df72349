"""What kinds of jobs there are; what each of them does is written in its own room.

A new kind takes two files: the one that has its `JobKind`, and a line in `ENTRIES`.
"""

import importlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from distmat.errors import RunError

if TYPE_CHECKING:
    from distmat.jobs.job import Job
    from distmat.jobs.recorder import Recorder
    from distmat.jobs.store import Store

ACCELERATOR, CPU, PROCESSOR = "accelerator", "cpu", "processor"
"""What a job computes on: a GPU, or in its place the whole processor; the whole processor by its
own wish; or the processor beside whatever else runs."""


@dataclass(frozen=True)
class Entry:
    """Where a kind is found.

    Parameters
    ----------
    target : str
        Module and name of its `JobKind`.
    words : str
        What a person calls such a job.
    folder : str
        Of the workspace, where the folders of its jobs lie.
    """

    target: str
    words: str
    folder: str = "jobs"


ENTRIES = {
    "training": Entry("distmat.runs.worker:TRAINING_JOB", "training", "runs"),
    "dataset": Entry("distmat.dataset.jobs:BUILD_JOB", "dataset build"),
    "homologues": Entry("distmat.dataset.jobs:HOMOLOGUES_JOB", "homologue search"),
    "evaluation": Entry("distmat.training.evaluation_job:EVALUATION_JOB", "evaluation"),
    "prediction": Entry("distmat.batch.job:PREDICTION_JOB", "prediction"),
    "scan": Entry("distmat.batch.scan:SCAN_JOB", "mutational scan"),
}
"""Every kind by its name, which the store keeps; nothing is imported before a job needs it."""


@dataclass(frozen=True)
class JobKind:
    """What a kind of job does.

    Parameters
    ----------
    work : callable
        Does the job, or goes on with it, in a process of its own, and tells the recorder; False if
        it was stopped before its end. Of several processes all but the first get None.
    check : callable
        Raises a DistmatError if the settings can't be worked with.
    onward : callable
        How it would be resumed: "goes on from checkpoint-8".
    device : callable
        One of `ACCELERATOR`, `CPU` and `PROCESSOR`.
    discard : callable
        Deletes what an unfinished job has left outside its own folder.
    settings_of : callable
        The settings that a job's folder holds; None if it holds none. For jobs whose record is
        missing.
    is_finished : callable
        Whether a job's folder shows that it came to its end.
    restore : callable
        Tells a store what such a folder knows of metrics and checkpoints.
    advice : str
        What helps against a lack of memory.
    """

    work: "Callable[[Job, Recorder | None], bool]"
    check: "Callable[[Job], object]" = lambda job: None
    onward: "Callable[[Job], str]" = lambda job: "starts anew"
    device: "Callable[[Job], str]" = lambda job: PROCESSOR
    discard: "Callable[[Job], None]" = lambda job: None
    settings_of: "Callable[[Path], dict[str, object] | None]" = lambda folder: None
    is_finished: "Callable[[Path], bool]" = lambda folder: False
    restore: "Callable[[Job, Store[Any]], None]" = lambda job, store: None
    advice: str = "Close other programs"


@cache
def kind_of(name: str) -> JobKind:
    """The kind of this name.

    Raises
    ------
    RunError
        If this version of distmat has none.
    """
    module, _, attribute = _entry(name).target.partition(":")
    kind: JobKind = getattr(importlib.import_module(module), attribute)
    return kind


def folder_of(name: str) -> str:
    """Folder of the workspace that has the folders of such jobs."""
    return ENTRIES[name].folder if name in ENTRIES else "jobs"


def job_folders(home: Path) -> Iterator[Path]:
    """The folders of all jobs of a workspace, whether or not a store knows of them."""
    for place in sorted({entry.folder for entry in ENTRIES.values()}):
        yield from (folder for folder in (home / place).glob("*") if folder.is_dir())


def words_of(name: str) -> str:
    """What a person calls such a job."""
    return ENTRIES[name].words if name in ENTRIES else name


def _entry(name: str) -> Entry:
    if name not in ENTRIES:
        raise RunError(f"There is no kind of job '{name}' here; there are {', '.join(ENTRIES)}.")
    return ENTRIES[name]
