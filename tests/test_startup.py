"""What a person waits for at the start: what isn't needed isn't imported."""

import json
import subprocess
import sys

import pytest

HEAVY = (
    "transformers",
    "peft",
    "accelerate",
    "torch._dynamo",
    "pandas",
    "matplotlib",
    "scipy.stats",
)
"""Libraries that take a tenth of a second or more, some longer than PyTorch."""

SEQUENCE = "MKTAYIAKQRQISFVKSHFSRQLEERLGLIEVQAPILSRVGDGTQDNLSGAEKAVQVKVKALPDAQFEVVHSLAKWKRQ"


def imported(code: str, *names: str) -> set[str]:
    """Which of these modules a new process has after some code."""
    ask = f"{code}\nimport json, sys; print('\\n' + json.dumps(list(sys.modules)))"
    answer = subprocess.run(
        [sys.executable, "-c", ask], capture_output=True, text=True, check=True
    ).stdout
    return set(names) & set(json.loads(answer.splitlines()[-1]))


def test_help_needs_no_numpy():
    code = "from distmat.cli import main\ntry: main(['--help'])\nexcept SystemExit: pass"
    assert not imported(code, "numpy", "torch", "streamlit", "pydantic", "yaml")


def test_a_prediction_by_the_shipped_network_and_its_library_needs_no_transformers():
    code = f"from distmat.cli import main\nmain(['predict', '{SEQUENCE}', '--library', 'mini'])"
    found = imported(code, *HEAVY, "torch", "distmat.library.store")
    assert found == {"torch", "distmat.library.store"}


def test_to_evaluate_and_to_predict_many_chains_needs_no_transformers():
    modules = ("distmat.training.evaluation", "distmat.batch.job")
    assert imported(f"import {', '.join(modules)}", *HEAVY, "torch", *modules) == {
        "torch", *modules
    }  # fmt: skip


@pytest.mark.parametrize(
    "module", ["distmat.jobs.worker", "distmat.jobs.scheduler", "distmat.dataset.build"]
)
def test_what_runs_beside_the_pages_needs_no_pytorch(module):
    found = imported(f"import {module}", *HEAVY, "torch", "streamlit", module)
    assert found == {module}
