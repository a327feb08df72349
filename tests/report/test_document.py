"""What a report says follows from the facts: change one, and the report changes with it."""

import string
from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest

from distmat.jobs.store.curve import Curve
from distmat.report.document import run_report
from distmat.report.facts import DataFacts, Hardware, StepRow
from distmat.report.findings import CHINESE, step_to_take
from distmat.report.i18n import Wording
from distmat.report.render import markdown
from distmat.report.sections.evaluation import verdict_of
from distmat.runs.diagnosis.finding import SENTENCES, Finding
from distmat.scoring.map_scores import MAP_SCORES
from tests.report.conftest import checkpoint


def text(facts, language="en", **more):
    return markdown(run_report(facts, language, **more))


def with_metric(facts, name, values):
    new = replace(facts.curve(name), values=np.asarray(values, dtype=float))
    return replace(facts, metrics={**facts.metrics, name: new})


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize(
    ("field", "value", "shown"),
    [
        ("name", "my-run", "my-run"),
        ("id", "r9999", "r9999"),
        ("cause", "killed by signal 9", "killed by signal 9"),
        ("step", 123, "123"),
        ("total_steps", 7_777, "7,777"),
        ("epoch", 3.21, "3.21"),
        ("elapsed", 11 * 3600.0, "11"),
        ("remaining", 47 * 60.0, "47"),
        ("log", ("the very last line",), "the very last line"),
        ("environment", {"transformers": "5.99.1"}, "5.99.1"),
        ("config", {"head": "pair", "learning_rate": 0.00321}, "0.00321"),
        ("start_facts", {"parameters": 1_234_567}, "1,234,567"),
        ("start_facts", {"parameters": 100, "trainable_parameters": 37}, "37.00"),
        ("start_facts", {"device": "cuda:3"}, "cuda:3"),
        ("start_facts", {"precision": "bfloat16"}, "bfloat16"),
        ("hardware", Hardware(5, cpu=0.43), "43"),
        ("hardware", Hardware(5, memory=7.7e9), "7.7 GB"),
        ("hardware", Hardware(5, gpu_name="H100", gpu=0.77), "77"),
        ("hardware", Hardware(5, gpu_name="H100", gpu=0.7, gpu_temperature=61.0), "61 °C"),
        ("checkpoints", (checkpoint(70, ("w", 4_200_000)),), "4.2 MB"),
        ("final", (("model.safetensors", 6_100_000),), "6.1 MB"),
        ("data", (DataFacts("set", "train", 4_321),), "4,321"),
        ("data", (DataFacts("set", "train", 9, mean=17.17),), "17.17"),
        ("data", (DataFacts("set", "train", 9, std=8.08),), "8.08"),
        ("data", (DataFacts("set", "train", 9, shortest=2.2, longest=99.9),), "2.20 – 99.90"),
        ("data", (DataFacts("s", "val", 9, highest_identity_to_train=0.297),), "29.7"),
    ],
)
def test_every_fact_is_in_the_report(facts, field, value, shown, language):
    changed = text(replace(facts, **{field: value}), language)
    assert shown in changed
    assert changed != text(facts, language)


@pytest.mark.parametrize("name", ["loss", "grad_norm", "learning_rate"])
def test_the_table_of_steps_holds_what_was_logged(facts, name):
    row = replace(facts.rows[0], **{name: 7.654e-7})
    assert "7.65e-07" in text(replace(facts, rows=(row, *facts.rows[1:])))
    assert "not measured" in text(replace(facts, rows=(StepRow(1, 0.1, None, None, None),)))


@pytest.mark.parametrize("score", [score.key for score in MAP_SCORES.list_shown("metric")])
def test_a_score_stands_beside_its_baseline(facts, score):
    at = facts.curve("eval_mae")
    model = Curve(at.steps, np.array([0.111, 0.222, 0.333]), at.epochs, at.times)
    baseline = Curve(at.steps, np.full(3, 0.987), at.epochs, at.times)
    scores = {f"eval_{score}": model, f"eval_baseline_{score}": baseline}
    report = text(replace(facts, metrics={**facts.metrics, **scores}))
    section = report[report.index("## Evaluation") :]
    row = next(line for line in section.splitlines() if line.count("0.987"))
    assert "0.333" in row  # the last step


@pytest.mark.parametrize(
    ("mae", "verdict"),
    [
        ([6.9, 5.0, 5.5], "Better than knowing nothing"),
        ([6.9, 6.3, 6.65], "A little better than knowing nothing"),
        ([6.9, 6.68, 6.7], "No better than knowing nothing"),
        ([9.0, 8.0, 7.0], "Worse than knowing nothing"),
    ],
)
def test_the_verdict_is_the_baselines(facts, mae, verdict):
    report = text(with_metric(facts, "eval_mae", mae))
    assert verdict in report
    assert report.count("than knowing nothing") == 2  # in the summary and the conclusion


def test_the_skill_is_the_share_of_the_baselines_error_that_is_gone(facts):
    assert verdict_of(facts).gain == pytest.approx(1 - 6.55 / 6.68)


@pytest.mark.parametrize("language", ["en", "zh"])
def test_what_was_never_measured_is_said_to_be_so(facts, language):
    bare = replace(
        facts,
        state="QUEUED",
        started=None,
        step=0,
        total_steps=None,
        epoch=None,
        elapsed=None,
        remaining=None,
        metrics={},
        rows=(),
        start_facts={},
        environment={},
        hardware=None,
        checkpoints=(),
        log=(),
        data=(),
        chains=None,
    )
    report = text(bare, language)
    missing = {"en": "not measured", "zh": "未测量"}[language]
    assert report.lower().count(missing) > 10
    for praise in ("✅", "excellent", "nan", "None"):
        assert praise not in report
    signs = report[report.index({"en": "## Signs", "zh": "## 成功指标"}[language]) :]
    assert {"en": "| yes |", "zh": "| 是 |"}[language] not in signs


def test_targets_are_judged_by_the_best_step(facts):
    report = text(with_metric(facts, "eval_mae", [6.9, 4.9, 5.5]))
    row = next(line for line in report.splitlines() if "\\< 5" in line)
    assert "4.900" in row
    assert "not reached" not in row
    row = next(line for line in report.splitlines() if "\\< 7" in line)
    assert "not reached" in row


def test_a_gpu_that_sat_idle_is_named(facts):
    idle = replace(facts, hardware=Hardware(50, gpu_name="RTX 4090", gpu=0.004))
    assert "sat idle: 0.4 % mean use over 50 samples" in text(idle)
    busy = replace(facts, hardware=Hardware(50, gpu_name="RTX 4090", gpu=0.93))
    assert "sat idle" not in text(busy)


def test_a_run_that_goes_on_has_an_end_to_expect_and_an_ended_one_has_its_end(facts):
    assert "End, expected" in text(facts)
    ended = replace(facts, state="FINISHED", ended=facts.written + timedelta(minutes=7))
    assert "End, expected" not in text(ended)
    assert "12:07" in text(ended)


def test_a_stopped_run_says_how_to_go_on(facts):
    command = "distmat runs resume r0042"
    assert command in text(replace(facts, state="STOPPED"))
    assert command not in text(facts)


def test_other_runs_are_compared_with_what_differs(facts):
    other = replace(facts, id="r7", name="v1", config={**facts.config, "head": "coordinates"})
    other = with_metric(other, "eval_mae", [9.0, 8.88, 8.9])
    report = text(facts, others=[other])
    assert "Comparison with v1" in report
    assert "8.88" in report
    assert "| head | placeholder | coordinates |" in report


def test_runs_of_one_name_are_told_apart_by_their_ids(facts):
    report = text(facts, others=[replace(facts, id="r7"), replace(facts, id="r8", name="v1")])
    header = next(line for line in report.splitlines() if line.startswith("| Run |"))
    assert f"{facts.name} ({facts.id})" in header.replace("\\", "")
    assert f"{facts.name} (r7)" in header and "| v1 |" in header


def test_the_best_and_the_worst_chains_are_listed(facts):
    report = text(facts, maps="its weights can't be read.")
    best, worst = report.split("### Lowest error")[1].split("### Highest error")
    assert [best.index(f"1ab{n}\\_A") for n in range(3)] == sorted(
        best.index(f"1ab{n}\\_A") for n in range(3)
    )
    assert all(f"1ab{n}\\_A" in worst for n in (5, 6, 7))
    assert "its weights can't be read" in report


FINDINGS = {
    "loss_nan": {"step": 7},
    "overfitting": {"step": 3, "best": 5.0, "now": 6.0, "evaluations": 4, "limit": 1.02},
    "gpu_unused": {"gpu": "RTX 4090"},
    "evaluation_missing": {"step": 9, "gap": 9, "every": 2},
}

GOOD = {
    "loss_falling",
    "gradient_steady",
    "validation_improving",
    "schedule_kept",
    "evaluation_happening",
    "checkpoints_written",
    "throughput_steady",
    "gpu_used",
    "baseline_beaten",
}


def fields(sentence):
    return sorted((name, form) for _, name, form, _ in string.Formatter().parse(sentence) if name)


def values_for(kind):
    """Numbers for all fields of a finding's sentence."""
    words = {"schedule": "cosine", "gpu": "H100", "name": "checkpoint-5", "file": "model"}
    return {"mae": 6.0, "baseline": 6.6} | {
        name: words.get(name, 3) for name, _ in fields(SENTENCES[kind])
    }


@pytest.mark.parametrize("kind", SENTENCES)
def test_every_finding_reads_in_both_languages_with_the_same_numbers(kind):
    assert fields(CHINESE[kind]) == fields(SENTENCES[kind])
    CHINESE[kind].format(**values_for(kind))


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("kind", sorted(set(SENTENCES) - GOOD))
def test_what_is_wrong_has_a_next_step(kind, language):
    words = Wording(language)
    assert step_to_take(Finding(kind, "bad", values_for(kind)), words)


def test_a_good_finding_asks_for_nothing():
    for kind in GOOD:
        assert step_to_take(Finding(kind, "good", values_for(kind)), Wording("en")) == ""


@pytest.mark.parametrize("kind", FINDINGS)
def test_a_finding_is_in_the_report(facts, kind):
    finding = Finding(kind, "bad", FINDINGS[kind])
    assert finding.sentence[:30] in text(replace(facts, findings=(finding,)))
