"""What a training does as a job."""

import contextlib
import json
from pathlib import Path
from typing import Any

from distmat.documents import read_json
from distmat.errors import ConfigError
from distmat.jobs.job import Job
from distmat.jobs.kinds import ACCELERATOR, CPU, JobKind
from distmat.jobs.recorder import Recorder
from distmat.jobs.store import Store
from distmat.training.config import CONFIG_FILE, TrainingConfig, read_config
from distmat.training.run_folder import (
    FINAL_FILE,
    LAST_FILE,
    check_inputs,
    checkpoints,
    clean,
)
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
            json.dump(result.as_dict(per_chain=True, intervals=True), file, indent=2)
    return True


def _train(job: Job, recorder: Recorder | None) -> Any:
    config = _config(job)
    check_inputs(config)
    from distmat.training.trainer import train

    def say(text: str) -> None:
        if recorder is not None:
            print(text, flush=True)

    try:
        return train(
            config,
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


def _settings_of(folder: Path) -> dict[str, object] | None:
    try:
        return read_config(folder / CONFIG_FILE).as_dict()
    except ConfigError:
        return None


def _restore(job: Job, store: Store[Any]) -> None:
    """Curves up to the newest checkpoint, which keeps them, and the checkpoints."""
    there = checkpoints(job.folder)
    for step, folder in there.items():
        store.checkpoint(job.id, step, folder)
    if not there:
        return
    state = read_json(there[max(there)] / LAST_FILE)
    moment = job.created
    rows: dict[int, tuple[int, float, float, dict[str, float]]] = {}
    for entry in state.get("log_history", []):
        numbers = {k: v for k, v in entry.items() if isinstance(v, (int, float))}
        step, epoch = int(numbers.pop("step", 0)), float(numbers.pop("epoch", 0.0))
        known = rows.get(step)
        rows[step] = (step, epoch, moment, {**(known[3] if known else {}), **numbers})
    store.log_many(job.id, [rows[step] for step in sorted(rows)])


TRAINING_JOB = JobKind(
    work=train_job,
    settings_of=_settings_of,
    is_finished=lambda folder: (folder / FINAL_FILE).is_file(),
    restore=_restore,
    check=_config,
    onward=_onward,
    device=_device,
    advice="Lower pairs_per_batch or crops",
)
