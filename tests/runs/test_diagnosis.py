"""Findings: each appears where it should, and only there."""

import dataclasses
import json
import string

import numpy as np
import pytest
from safetensors.numpy import save_file

from distmat.jobs.states import State
from distmat.jobs.store.curve import Curve
from distmat.runs.checkpoints import list_checkpoints
from distmat.runs.diagnosis import CHECKS, diagnose, findings
from distmat.runs.diagnosis.evidence import Evidence
from distmat.runs.diagnosis.finding import SENTENCES
from distmat.runs.diagnosis.learning import expected_learning_rate
from distmat.runs.store import RunStore
from distmat.scoring.verdict import judge
from distmat.training.config import TrainingConfig

STEPS = np.arange(10, 1010, 10)
CONFIG = TrainingConfig(
    train="synthetic", val="synthetic", max_steps=1000, warmup_steps=100, evaluate_every=100
)


def curve(values, steps=STEPS) -> Curve:
    values = np.broadcast_to(np.asarray(values, dtype=float), len(steps)).copy()
    return Curve(np.asarray(steps), values, steps / 100, 1000.0 + steps)


EVALUATED = np.arange(100, 1100, 100)

FLAT = curve(2.0 + 0.001 * np.sin(STEPS))

HEALTHY = {
    "loss": curve(4 * np.exp(-STEPS / 600)),
    "grad_norm": curve(1.0),
    "learning_rate": curve(expected_learning_rate(CONFIG, 1000, STEPS)),
    "residues_per_second": curve(500.0),
    "eval_mae": curve(8 - EVALUATED / 400, EVALUATED),
    "eval_baseline_mae": curve(7.0, EVALUATED),
}


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    with RunStore(tmp_path_factory.mktemp("home")) as store:
        made = store.add(CONFIG)
        store.change_state(made.id, State.STARTING)
        store.change_state(made.id, State.RUNNING)
        made = store.get(made.id)
    return dataclasses.replace(
        made, step=1000, total_steps=1000, facts={"device": "cpu"}, attempt_started=0.0
    )


@pytest.fixture
def found(run):
    """Diagnoses a healthy run that some evidence was changed in."""

    def diagnosed(curves=None, hardware=None, changes=None, **evidence):
        facts = {"checkpoints": [], "first_nan": None, "free": 2**40, "now": 2000.0, **evidence}
        seen = Evidence(
            dataclasses.replace(run, **(changes or {})),
            CONFIG,
            {**HEALTHY, **(curves or {})},
            hardware or {},
            **facts,
        )
        return {finding.kind: finding for finding in findings(seen)}

    return diagnosed


def test_a_healthy_run_is_called_so(found):
    healthy = found(changes={"step": 100}, curves={})
    assert {finding.severity for finding in healthy.values()} == {"good"}
    assert set(healthy) == {
        "loss_falling",
        "gradient_steady",
        "validation_improving",
        "schedule_kept",
        "evaluation_happening",
        "throughput_steady",
        "baseline_beaten",
    }
    assert "from 1.4 to" in healthy["loss_falling"].sentence


def shaped(early, late):
    return curve(np.where(STEPS < 900, early, late))


@pytest.mark.parametrize(
    ("kind", "severity", "curves"),
    [
        ("loss_flat", "note", {"loss": FLAT, "learning_rate": curve(CONFIG.learning_rate)}),
        ("loss_rising", "note", {"loss": curve(2.0 + STEPS / 2000)}),
        ("loss_diverging", "bad", {"loss": curve(np.where(STEPS < 500, 1.0, STEPS / 250))}),
        ("gradient_exploding", "bad", {"grad_norm": shaped(1.0, 40.0)}),
        ("gradient_vanishing", "bad", {"grad_norm": shaped(1.0, 1e-6)}),
        ("throughput_falling", "note", {"residues_per_second": shaped(500.0, 200.0)}),
        ("baseline_not_beaten", "bad", {"eval_mae": curve(7.0, EVALUATED)}),
        ("baseline_hardly_beaten", "note", {"eval_mae": curve(6.6, EVALUATED)}),
        ("schedule_broken", "bad", {"learning_rate": curve(1e-3)}),
        ("evaluation_missing", "bad", {"eval_mae": curve(6.0, EVALUATED[:3])}),
        (
            "overfitting",
            "note",
            {"eval_mae": curve(np.where(EVALUATED < 600, 8 - EVALUATED / 200, 6.5), EVALUATED)},
        ),
    ],
)
def test_what_is_wrong_with_the_curves_is_found(found, kind, severity, curves):
    finding = found(curves)[kind]
    assert finding.severity == severity and finding.sentence
    assert kind not in found()


def test_one_bad_gradient_is_no_explosion(found):
    norms = np.ones(100)
    norms[50] = 1e4
    assert "gradient_steady" in found({"grad_norm": curve(norms)})


def test_a_loss_that_is_no_number_is_named_with_its_step(found):
    assert "since step 37:" in found(first_nan=37)["loss_nan"].sentence


def test_before_anything_is_known_nothing_is_claimed(found):
    nothing = dict.fromkeys(HEALTHY, curve([], np.empty(0, dtype=int)))
    assert not found(nothing, changes={"step": 0, "facts": {}})


def test_a_gpu_that_is_there_and_idle_is_noticed(found):
    machine = {"machine": {"gpus": [{"name": "RTX 4090"}]}}
    unused = found(changes={"environment": machine})
    assert unused["gpu_unused"].severity == "bad" and "RTX 4090" in unused["gpu_unused"].sentence
    on_gpu = {"environment": machine, "facts": {"device": "cuda:0"}}
    seconds = np.arange(0, 100, 5)
    idle = found(changes=on_gpu, hardware={"gpu": curve(3.0, seconds)})
    assert idle["gpu_idle"].severity == "bad" and "3 % mean use" in idle["gpu_idle"].sentence
    used = found(changes=on_gpu, hardware={"gpu": curve(60.0, seconds)})
    assert used["gpu_used"].severity == "good"
    assert not {"gpu_unused", "gpu_idle", "gpu_used"} & set(found())


def test_too_early_in_a_run_the_baseline_is_only_noted(found):
    once = {"eval_mae": curve(7.5, EVALUATED[:1])}
    for changes in ({"step": 100}, {"step": 400}, {"step": 100, "state": State.STOPPED}):
        assert found(once, changes=changes)["baseline_not_yet"].severity == "note"
    often = {"eval_mae": curve(7.5, EVALUATED[:3])}
    assert found(often, changes={"step": 400})["baseline_not_beaten"].severity == "bad"
    ended = {"step": 400, "state": State.STOPPED}
    assert found(once, changes=ended)["baseline_not_beaten"].severity == "bad"


def test_a_flat_loss_is_as_planned_once_the_schedule_has_fallen(found):
    assert CONFIG.schedule != "constant"
    assert "loss_flat" not in found({"loss": FLAT})
    half = {name: c.finite() for name, c in {**HEALTHY, "loss": FLAT}.items()}
    half = {n: Curve(*(a[c.steps <= 400] for a in dataclasses.astuple(c))) for n, c in half.items()}
    assert "loss_flat" in found(half)


def test_page_command_diagnosis_and_report_say_the_same_of_a_run(found):
    verdict = judge(6.755, 7.0)
    assert verdict.kind == "little" and verdict.headline() == "A little better than knowing nothing"
    said = found({"eval_mae": curve(6.755, EVALUATED)})["baseline_hardly_beaten"].sentence
    assert said.startswith(verdict.headline()) and verdict.figures() in said


def test_full_memory_and_a_full_disk_are_announced(found, run, tmp_path):
    memory = {"machine_memory": curve(97.0, np.arange(3))}
    assert found(hardware=memory)["memory_tight"].severity == "bad"
    checkpoint = tmp_path / "checkpoint-10"
    checkpoint.mkdir()
    (checkpoint / "optimizer.pt").write_bytes(b"0" * 10_000)
    low = found(checkpoints=list_checkpoints(tmp_path), free=15_000)
    assert low["disk_low"].severity == "bad"
    assert "disk_low" not in found(checkpoints=list_checkpoints(tmp_path), free=25_000)


def test_a_run_that_says_nothing_any_more_is_stalled(found):
    logged_last = HEALTHY["loss"].times[-1]
    assert "stalled" in found(now=logged_last + 500)
    assert "stalled" not in found(now=logged_last + 100)
    assert "stalled" not in found(now=logged_last + 500, changes={"state": State.FINISHED})


def test_checkpoints_are_opened_and_measured(found, tmp_path):
    assert found()["checkpoints_missing"].severity == "bad"
    folder = tmp_path / "checkpoint-100"
    folder.mkdir()
    for name in ("trainer_state.json", "training_config.json"):
        (folder / name).write_text(json.dumps({}))
    save_file({"weight": np.zeros((50, 50))}, folder / "model.safetensors")
    assert (
        found(checkpoints=list_checkpoints(tmp_path))["checkpoints_written"].values["step"] == 100
    )
    content = (folder / "model.safetensors").read_bytes()
    for damaged in (content[:-100], b"\xff" * 100, b""):
        (folder / "model.safetensors").write_bytes(damaged)
        finding = found(checkpoints=list_checkpoints(tmp_path))["checkpoints_unreadable"]
        assert finding.severity == "bad" and "checkpoint-100" in finding.sentence


def test_the_published_run_would_not_have_fooled_its_author(found):
    # Its own table of steps, with a GPU in the machine and an error in Å that was never computed;
    # a constant map and a table by separation give about the errors below on such chains.
    steps = np.arange(50, 550, 50)
    loss = [6.9246, 0.055, 0.018, 0.0154, 0.0147, 0.0142, 0.0139, 0.0136, 0.0137, 0.0133]
    norm = [50.74, 13.68, 9.34, 7.80, 5.84, 4.82, 3.34, 3.76, 3.62, 2.54]
    nothing = curve([], np.empty(0, dtype=int))
    run = {
        "loss": curve(loss, steps),
        "grad_norm": curve(norm, steps),
        "learning_rate": nothing,
        "residues_per_second": nothing,
        "eval_mae": curve(7.4, np.array([500])),
        "eval_baseline_mae": curve(6.64, np.array([500])),
    }
    there = {"machine": {"gpus": [{"name": "RTX 4090"}]}}
    bad = [
        f.kind for f in found(run, changes={"environment": there}).values() if f.severity == "bad"
    ]
    assert {"gpu_unused", "baseline_not_beaten"} <= set(bad)


@pytest.mark.parametrize("schedule", ["cosine", "linear", "constant"])
@pytest.mark.parametrize("warmup", [0, 7, 0.1])
def test_the_expected_schedule_is_that_of_transformers(schedule, warmup):
    torch = pytest.importorskip("torch")
    from transformers import get_scheduler

    config = dataclasses.replace(CONFIG, schedule=schedule, warmup_steps=warmup)
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=config.learning_rate)
    name = "constant_with_warmup" if schedule == "constant" else schedule
    steps = 10 if warmup == 0.1 else int(warmup)
    scheduler = get_scheduler(name, optimizer, num_warmup_steps=steps, num_training_steps=100)
    rates = []
    for _ in range(100):
        rates.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        scheduler.step()
    expected = expected_learning_rate(config, 100, np.arange(1, 101))
    np.testing.assert_allclose(expected, rates, atol=1e-9)


def test_every_sentence_names_what_it_rests_on():
    for kind, sentence in SENTENCES.items():
        assert [name for _, name, *_ in string.Formatter().parse(sentence) if name], kind
        assert sentence.endswith(".")
    assert len(CHECKS) == 12


def test_a_run_of_the_store_is_diagnosed(tmp_path):
    with RunStore(tmp_path) as store:
        run = store.add(CONFIG)
        for step in range(1, 31):
            rate = float(expected_learning_rate(CONFIG, 1000, np.array([step]))[0])
            metrics = {"loss": 1 / step, "grad_norm": 1.0, "learning_rate": rate}
            store.log(run.id, step, step / 10, metrics)
        store.begin(run.id, {"device": "cpu"}, 1000)
        kinds = [finding.kind for finding in diagnose(store, store.get(run.id))]
    assert kinds == ["loss_falling", "gradient_steady", "schedule_kept"]
