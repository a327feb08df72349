"""Building a dataset, and searching for homologues, as jobs."""

import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from distmat.dataset.build import PHASES, BuildSettings, State, build, check_name, new_dataset_path
from distmat.dataset.download import SERVER
from distmat.dataset.filters import Filters
from distmat.dataset.homologues import add_homologues
from distmat.dataset.splitting import Shares
from distmat.errors import DatasetError
from distmat.jobs.job import Job
from distmat.jobs.kinds import JobKind
from distmat.jobs.operations import submit
from distmat.jobs.progress import Progress
from distmat.jobs.recorder import Recorder
from distmat.jobs.states import ENDED
from distmat.jobs.store import Store
from distmat.workspace import dataset_path, workspace

BUILD, HOMOLOGUES = "dataset", "homologues"
"""Kinds of job that end with a dataset, whose name is that of the job."""

KINDS = (BUILD, HOMOLOGUES)

UPLOADS = "builds"
"""Folder of the workspace with what was given to a page for a build, by the dataset's name."""


def submit_build(
    store: Store[Any],
    inputs: Sequence[str],
    name: str,
    settings: BuildSettings | None = None,
    *,
    workers: int = 2,
    overwrite: bool = False,
    server: str = SERVER,
    **options: Any,
) -> Job:
    """Queue the building of a dataset; see `distmat.dataset.build.build` and `submit`.

    Raises
    ------
    DatasetError
        If the name can't be a dataset's, or is taken.
    """
    _check_free(store, name)
    new_dataset_path(name, overwrite)
    content = {
        "inputs": list(inputs),
        "settings": (settings or BuildSettings()).as_dict(),
        "workers": workers,
        "overwrite": overwrite,
        "server": server,
    }
    return submit(store, BUILD, content, name=name, **options)


def submit_homologues(
    store: Store[Any],
    dataset: str,
    sequences: Path,
    name: str,
    *,
    exclude: Sequence[str] = (),
    most: int = 10,
    workers: int = 2,
    seed: int = 0,
    overwrite: bool = False,
    **options: Any,
) -> Job:
    """Queue a search for homologues; see `distmat.dataset.homologues.add_homologues`.

    Raises
    ------
    DatasetError
        If the name can't be a dataset's, or is taken.
    """
    _check_free(store, name)
    new_dataset_path(name, overwrite)
    content = {
        "dataset": dataset,
        "sequences": str(sequences.absolute()),
        "exclude": list(exclude),
        "most": most,
        "workers": workers,
        "seed": seed,
        "overwrite": overwrite,
    }
    return submit(store, HOMOLOGUES, content, name=name, **options)


def _check_free(store: Store[Any], name: str) -> None:
    check_name(name)
    if any(job.name == name and job.state not in ENDED for job in store.jobs(kinds=KINDS)):
        raise DatasetError(f"'{name}' is being built already; wait for it, or cancel it.")


def build_job(job: Job, recorder: Recorder | None) -> bool:
    """Build, or go on where an earlier attempt was."""
    if recorder is None:
        return True
    given: dict[str, Any] = dict(job.settings)
    build(
        given["inputs"],
        job.name,
        _build_settings(job),
        given["workers"],
        given["overwrite"],
        given["server"],
        progress=_report(recorder),
    )
    shutil.rmtree(workspace() / UPLOADS / job.name, ignore_errors=True)
    return True


def homologues_job(job: Job, recorder: Recorder | None) -> bool:
    """Search, from the beginning."""
    if recorder is None:
        return True
    given: dict[str, Any] = dict(job.settings)
    add_homologues(
        dataset_path(given["dataset"]),
        Path(given["sequences"]),
        new_dataset_path(job.name, given["overwrite"]),
        [dataset_path(name) for name in given["exclude"]],
        given["most"],
        given["workers"],
        given["seed"],
        _report(recorder),
    )
    shutil.rmtree(workspace() / UPLOADS / job.name, ignore_errors=True)
    return True


def _report(recorder: Recorder) -> Any:
    progress = Progress(recorder)

    def report(state: State) -> None:
        counts = {"kept": float(state.kept), "left_out": float(state.rejected)}
        progress.show(state.done, state.total, PHASES[state.phase], **counts)

    return report


def _build_settings(job: Job) -> BuildSettings:
    given: dict[str, Any] = dict(job.settings["settings"])  # type: ignore[call-overload]
    return BuildSettings(
        **given
        | {
            "filters": Filters().with_settings(given["filters"]),
            "shares": Shares(**given["shares"]),
            "exclude": tuple(given["exclude"]),
        }
    )


def _discard(job: Job) -> None:
    home = job.folder.parents[1]
    for kind in ("build", "homologues"):
        shutil.rmtree(home / "datasets" / f".{job.name}.{kind}", ignore_errors=True)
    shutil.rmtree(home / UPLOADS / job.name, ignore_errors=True)


BUILD_JOB = JobKind(
    work=build_job,
    check=_build_settings,
    onward=lambda job: "goes on where it was",
    discard=_discard,
    advice="Build it with one worker",
)

HOMOLOGUES_JOB = JobKind(work=homologues_job, discard=_discard)
