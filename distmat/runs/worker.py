"""What a training does as a job."""

import contextlib
import json
from typing import Any

from distmat.jobs.job import Job
from distmat.jobs.kinds import ACCELERATOR, CPU, JobKind
from distmat.jobs.recorder import Recorder
from distmat.training.config import TrainingConfig
from distmat.training.run_folder import checkpoints, clean
from distmat.workspace import replace_file

EVALUATION_FILE = "evaluation.json"
"""Scores of the final weights, in the run's folder."""


def train_job(job: Job, recorder: Recorder | None) -> bool:
    """Train, or go on from the newest checkpoint."""
    result = _train(job, recorder)
    if result is None:
        return False
    if recorder is not None:
        with replace_file(job.folder / EVALUATION_FILE, "w") as file:
            json.dump(result.as_dict(per_chain=True), file, indent=2)
    return True


def _train(job: Job, recorder: Recorder | None) -> Any:
    from distmat.training.trainer import train

    def say(text: str) -> None:
        if recorder is not None:
            print(text, flush=True)

    try:
        return train(
            _config(job),
            resume=job.attempt > 1 and bool(checkpoints(job.folder)),
            progress=say,
            observer=recorder,
            accept_changed_data=bool(job.backend_settings.get("accept_changed_data")),
        )
    except Exception:
        # What a full disk, or whatever it was, left half-written.
        with contextlib.suppress(OSError):
            clean(job.folder)
        raise


def _config(job: Job) -> TrainingConfig:
    return TrainingConfig().with_settings(dict(job.settings))


def _onward(job: Job) -> str:
    there = checkpoints(job.folder)
    return f"goes on from checkpoint-{max(there)}" if there else "starts anew"


def _device(job: Job) -> str:
    return CPU if job.settings.get("device") == "cpu" else ACCELERATOR


TRAINING_JOB = JobKind(
    work=train_job,
    check=_config,
    onward=_onward,
    device=_device,
    advice="Lower pairs_per_batch or crops",
)
