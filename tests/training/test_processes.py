"""The same run shared out among processes, as torchrun starts them."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from distmat.training.config import config_text
from distmat.training.trainer import train
from tests.training.conftest import write_shapes

ROOT = Path(__file__).parents[2]


def metrics(run: Path, step: int = 6) -> dict[int, dict[str, float]]:
    """What was logged, from the checkpoint of this step."""
    state = json.loads((run / f"checkpoint-{step}" / "trainer_state.json").read_text())
    by_step: dict[int, dict[str, float]] = {}
    for entry in state["log_history"]:
        by_step.setdefault(entry["step"], {}).update(entry)
    return by_step


def launch(config_file: Path, *options: str) -> subprocess.CompletedProcess:
    return subprocess.run(
        [
            *(sys.executable, "-m", "torch.distributed.run", "--standalone"),
            *("--nproc-per-node", "2", "-m", "distmat.cli", "train"),
            *("--config", str(config_file), *options),
        ],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
        cwd=ROOT,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )


@pytest.mark.xdist_group("torchrun")
def test_two_processes_learn_as_one_with_twice_the_accumulation(make_config, tmp_path):
    few = write_shapes(tmp_path / "few.parquet", chains=6, seed=1)
    changes = {"dropout": 0.0, "max_steps": 6, "evaluate_every": 3, "evaluation_chains": 5}
    changes |= {"val": str(few)}
    alone = make_config(tmp_path / "alone", accumulation=4, **changes)
    shared = make_config(tmp_path / "shared", accumulation=2, **changes)
    result = train(alone)
    (tmp_path / "shared.yaml").write_text(config_text(shared, "yaml"))
    ended = launch(tmp_path / "shared.yaml", "--json")
    assert ended.returncode == 0, ended.stderr[-3000:]
    one, two = metrics(tmp_path / "alone"), metrics(tmp_path / "shared")
    assert list(two) == list(one) == [1, 2, 3, 4, 5, 6]
    for step in one:
        for name in {"loss", "grad_norm", "eval_loss", "eval_mae"} & set(one[step]):
            assert two[step][name] == pytest.approx(one[step][name], rel=2e-5), (step, name)
        # Points are sought step by step: what rounds otherwise ends a little beside.
        if "eval_pearson" in one[step]:
            assert two[step]["eval_pearson"] == pytest.approx(one[step]["eval_pearson"], abs=2e-5)
    # One of the two wrote and told, and each predicted its share of the validation chains.
    for said in ("Reading the datasets", "Training ", "Scoring the best"):
        assert ended.stderr.count(said) == 1
    assert "2 processes" in ended.stderr
    printed = json.loads(ended.stdout)
    assert printed["chains"] == 6
    assert printed["model"]["mae"] == pytest.approx(result.as_dict()["model"]["mae"], rel=1e-4)
    assert (tmp_path / "shared" / "model.safetensors").is_file()
    for index in (0, 1):
        assert (tmp_path / "shared" / "checkpoint-6" / f"rng_state_{index}.pth").is_file()
