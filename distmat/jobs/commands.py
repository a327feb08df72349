"""Programs of the processes that jobs are, and what surrounds them."""

import os
import sys
from collections.abc import Sequence
from pathlib import Path

from distmat.jobs.job import Job


def worker_command(job: Job) -> list[str]:
    """The program of a job in one process."""
    return [sys.executable, "-m", "distmat.jobs.worker", job.id]


def torchrun_command(job: Job, options: Sequence[str]) -> list[str]:
    """The program that starts several processes of a job."""
    return [sys.executable, "-m", "torch.distributed.run", *options, *worker_command(job)[1:]]


def process_env(job: Job, devices: Sequence[str] = ()) -> dict[str, str]:
    """Variables of a job's process."""
    numbers = [device.partition(":")[2] for device in devices if device.startswith("cuda:")]
    return {
        **workspace_env(job.folder.parents[1]),
        # A bar that redraws itself is no log.
        "TQDM_DISABLE": "1",
        "TOKENIZERS_PARALLELISM": "false",
        **({"CUDA_VISIBLE_DEVICES": ",".join(numbers)} if numbers else {}),
    }


def workspace_env(home: Path) -> dict[str, str]:
    """Variables of a process that works for a workspace."""
    package = str(Path(__file__).parents[2])
    path = os.environ.get("PYTHONPATH")
    return {
        "DISTMAT_HOME": str(home),
        # Also where the package isn't installed, whatever the folder.
        "PYTHONPATH": f"{package}{os.pathsep}{path}" if path else package,
        "PYTHONUNBUFFERED": "1",
    }
