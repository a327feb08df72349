from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from distmat.jobs.store.curve import Curve
from distmat.report.facts import ChainFacts, DataFacts, Hardware, RunFacts, StepRow
from distmat.runs.checkpoints import CheckpointFiles

LOGGED = ("loss", "grad_norm", "learning_rate")

NOW = datetime(2026, 1, 30, 12, 0, tzinfo=UTC)


def curve(values, steps):
    steps = np.asarray(steps)
    return Curve(steps, np.asarray(values, dtype=float), steps / 145, steps * 10.0)


def checkpoint(step, *files):
    name = f"checkpoint-{step}"
    return CheckpointFiles(name, step, Path("runs") / name, files, True, False, 0.0, {})


@pytest.fixture
def facts():
    """A run of the published kind, in its last hundred steps."""
    steps = np.arange(5, 690, 5)
    evaluated = [200, 400, 600]
    metrics = {
        "loss": curve(6.9 * np.exp(-steps / 30) + 0.0124, steps),
        "grad_norm": curve(50 * np.exp(-steps / 60) + 2.5, steps),
        "learning_rate": curve(1e-4 * np.minimum(steps / 72, (725 - steps) / 653), steps),
        "eval_seconds": curve([11.3, 11.4, 11.6], evaluated),
        "eval_chains_per_second": curve([11.49, 11.40, 11.21], evaluated),
    }
    for name, values, baseline in (
        ("mae", [6.90, 6.55, 6.61], 6.68),
        ("rmse", [9.10, 8.61, 8.66], 8.75),
        ("pearson", [0.51, 0.582, 0.575], 0.571),
    ):
        metrics[f"eval_{name}"] = curve(values, evaluated)
        metrics[f"eval_baseline_{name}"] = curve([baseline] * 3, evaluated)
    return RunFacts(
        written=NOW,
        id="r0042",
        name="paper-v2",
        state="RUNNING",
        cause="",
        started=NOW - timedelta(hours=2),
        ended=None,
        step=685,
        total_steps=725,
        epoch=4.72,
        elapsed=7000.0,
        remaining=410.0,
        metrics=metrics,
        rows=tuple(
            StepRow(int(step), step / 145, *(float(metrics[name].values[n]) for name in LOGGED))
            for n, step in enumerate(steps[:3])
        ),
        config={"encoder": "mini", "head": "placeholder", "mode": "lora", "learning_rate": 1e-4},
        start_facts={
            "parameters": 498_431_872,
            "trainable_parameters": 4_399_104,
            "device": "cpu",
            "precision": "float32",
        },
        environment={"Python": "3.11.2", "PyTorch": "2.13.0"},
        hardware=Hardware(123, 0.91, 3.2e9),
        checkpoints=(
            checkpoint(500, ("optimizer.pt", 35_200_000), ("adapter.safetensors", 17_600_000)),
        ),
        final=(),
        folder=Path("runs/r0042"),
        log=("step 685: loss 0.0124",),
        findings=(),
        data=(
            DataFacts("globins", "train", 1162, 930, 22.0, 9.44, 2.3, 108.35),
            DataFacts("globins", "val", 130, 101, 21.5, 9.11, 2.4, 95.2, 0.287),
        ),
        chains=tuple(ChainFacts(f"1ab{n}_A", 4.0 + n, 6.5, 0.9 - n / 20) for n in range(8)),
    )
