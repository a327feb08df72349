"""Build a dataset: list, download, read and filter, cluster, split, write.

Work goes on in a folder beside the dataset. What has been done is there in whole files, so a
build that was stopped, killed or cut off by a full disk goes on where it was when it is
started again, and ends with the same bytes.
"""

import os
import shutil
from collections.abc import Sequence
from pathlib import Path

from distmat.dataset.build.choose import NothingLeftError, Table, choose
from distmat.dataset.build.plan import (
    check_name,
    download_entries,
    make_plan,
    new_dataset_path,
    work_alone,
)
from distmat.dataset.build.read import read_parts
from distmat.dataset.build.settings import BuildSettings
from distmat.dataset.build.state import PHASES, Progress, State
from distmat.dataset.build.write import write
from distmat.dataset.download import SERVER, DownloadPolicy
from distmat.errors import ConfigError, DatasetError
from distmat.workspace import workspace

__all__ = ["PHASES", "BuildSettings", "State", "build", "check_name", "new_dataset_path"]


def build(
    inputs: Sequence[str],
    name: str,
    settings: BuildSettings | None = None,
    workers: int = 2,
    overwrite: bool = False,
    server: str = SERVER,
    policy: DownloadPolicy | None = None,
    progress: Progress | None = None,
) -> Path:
    """Build a dataset in the workspace, or go on with a build that was interrupted.

    Parameters
    ----------
    inputs : sequence of str
        See `distmat.dataset.sources.list_items`.
    name : str
    settings : BuildSettings, optional
    workers : int
        Processes that read structures, and threads of MMseqs2; with one, this process reads.
    overwrite : bool
        Whether a finished dataset of this name may be replaced.
    server : str
        Where PDB entries are downloaded from.
    policy : DownloadPolicy, optional
        How that server is asked.
    progress : callable, optional
        Told how far it is, several times a second.

    Returns
    -------
    Path
        Of the Parquet file; the card (.json and .md) and the rejects (.csv) lie beside it.

    Raises
    ------
    DatasetError
        If an input can't be used, no chain is left, the disk is full, or the name is taken.
    """
    settings, report = settings or BuildSettings(), progress or (lambda state: None)
    if not 1 <= workers <= 256:
        raise ConfigError(f"workers is {workers}; it must lie between 1 and 256.")
    home = workspace() / "datasets"
    work, built = home / f".{check_name(name)}.build", home / f".{name}.built"
    shutil.rmtree(built, ignore_errors=True)
    target = new_dataset_path(name, overwrite or (work / "plan").exists())
    try:
        with work_alone(work, name):
            plan = make_plan(inputs, settings, work, report)
            failed = download_entries(plan, server, policy, report)
            read_parts(plan, failed, settings.filters, work, workers, report)
            table = Table(work)
            choose(table, plan, settings, work, workers, report)
            write(table, plan, settings, work, target, report)
            os.replace(work, built)
        shutil.rmtree(built)
    except NothingLeftError:
        shutil.rmtree(work)
        raise
    except OSError as error:
        if error.errno is None:
            raise
        raise DatasetError(
            f"The build stopped: {error.strerror} ({error.filename or home}); mend that, make "
            "room if the disk is full, and start it again: it goes on where it was."
        ) from None
    return target
