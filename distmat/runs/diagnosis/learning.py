"""Whether a run learns: its loss, gradient, learning rate and validation score."""

import math
from collections.abc import Callable

import numpy as np

from distmat.jobs.states import State
from distmat.runs.diagnosis.evidence import Evidence, level, newer_half
from distmat.runs.diagnosis.finding import Finding
from distmat.scoring.verdict import judge
from distmat.training.config import TrainingConfig

FEWEST_POINTS = 10
"""Logged losses from which a trend is read."""

TREND = 0.01
"""Relative change of the loss between the two halves of the newer half that counts as one."""

DIVERGED = 1.5
"""A loss that is so many times its lowest level, and rising, diverges."""

EXPLODED = 10.0
"""A gradient norm so many times its usual level, and times the clipping length, explodes."""

VANISHED = 1e-4
"""A gradient norm below this share of its early level has vanished."""

OVERFIT = 1.02
"""A validation MAE so many times its best one, over `OVERFIT_EVALUATIONS`, is overfitting."""

OVERFIT_EVALUATIONS = 3

SCHEDULE = 0.01
"""Share of the peak by which a logged learning rate may differ from the configured one."""

ENOUGH_EVALUATIONS = 3
"""A run that goes on is not called a failure before it was evaluated so many times."""

EARLY = 0.25
"""Nor before this share of its steps is done."""

LATE = 0.5
"""Once a falling schedule is below this share of the peak, a loss that lies flat is as planned."""


def check_loss(evidence: Evidence) -> list[Finding]:
    """Whether the loss is a number, and falls."""
    if evidence.first_nan is not None:
        return [Finding("loss_nan", "bad", {"step": evidence.first_nan})]
    curve = evidence.curve("loss")
    if len(curve) < FEWEST_POINTS:
        return []
    older, newer = newer_half(curve)
    before, now = level(older), level(newer)
    levels = [level(part) for part in np.array_split(curve.values, min(20, len(curve) // 3))]
    lowest, change = min(levels), (before - now) / max(abs(before), 1e-12)
    values: dict[str, object] = {
        "before": before,
        "now": now,
        "share": abs(change),
        "step": int(curve.steps[len(curve) // 2]),
        "limit": TREND,
    }
    if lowest > 0 and now > DIVERGED * lowest and change < -TREND:
        step = int(curve.steps[np.argmin(curve.values)])
        more = {"lowest": lowest, "factor": now / lowest, "limit": DIVERGED, "step": step}
        return [Finding("loss_diverging", "bad", {"now": now, **more})]
    if change > TREND:
        return [Finding("loss_falling", "good", values)]
    if change < -TREND:
        return [Finding("loss_rising", "note", values)]
    return [] if _is_annealed(evidence) else [Finding("loss_flat", "note", values)]


def _is_annealed(evidence: Evidence) -> bool:
    """Whether a falling schedule has taken the learning rate down, so that little can change."""
    rate, config = evidence.curve("learning_rate"), evidence.config
    if config is None or config.schedule == "constant" or not len(rate):
        return False
    past_peak = rate.steps[-1] > rate.steps[np.argmax(rate.values)]
    return bool(past_peak and rate.values[-1] < LATE * config.learning_rate)


def check_gradient(evidence: Evidence) -> list[Finding]:
    """Whether the gradient norm explodes or vanishes."""
    curve = evidence.curve("grad_norm")
    if len(curve) < FEWEST_POINTS:
        return []
    tenth = max(3, len(curve) // 10)
    early, usual = level(curve.values[:tenth]), level(curve.values[:-tenth])
    now = level(curve.values[-tenth:])
    clip = evidence.config.max_grad_norm if evidence.config else 1.0
    if now > EXPLODED * usual and now > EXPLODED * clip:
        values = {"now": now, "usual": usual, "factor": now / max(usual, 1e-12), "limit": EXPLODED}
        return [Finding("gradient_exploding", "bad", values)]
    if now < VANISHED * early:
        values = {"now": now, "early": early, "limit": VANISHED}
        return [Finding("gradient_vanishing", "bad", values)]
    return [Finding("gradient_steady", "good", {"now": now, "usual": usual})]


def check_overfitting(evidence: Evidence) -> list[Finding]:
    """Whether the validation error rises again while the training goes on."""
    curve = evidence.curve("eval_mae")
    best = curve.best()
    if best is None or len(curve) < 2:
        return []
    since = int((curve.steps > best[0]).sum())
    now = float(curve.values[-1])
    values = {"step": best[0], "best": best[1], "now": now, "evaluations": since, "limit": OVERFIT}
    lately = curve.values[-OVERFIT_EVALUATIONS:]
    if since >= OVERFIT_EVALUATIONS and (lately > OVERFIT * best[1]).all():
        return [Finding("overfitting", "note", values)]
    if now <= OVERFIT * best[1]:
        return [Finding("validation_improving", "good", values)]
    return []


def check_schedule(evidence: Evidence) -> list[Finding]:
    """Whether the learning rate is the one that the settings ask for."""
    curve, config = evidence.curve("learning_rate"), evidence.config
    total = evidence.run.total_steps
    if not len(curve) or config is None or not total:
        return []
    expected = expected_learning_rate(config, total, curve.steps)
    off = np.abs(curve.values - expected) / config.learning_rate
    worst = int(np.argmax(off))
    values = {
        "schedule": config.schedule,
        "share": float(off[worst]),
        "step": int(curve.steps[worst]),
        "now": float(curve.values[worst]),
        "expected": float(expected[worst]),
        "limit": SCHEDULE,
    }
    if off[worst] > SCHEDULE:
        return [Finding("schedule_broken", "bad", values)]
    return [Finding("schedule_kept", "good", values)]


def expected_learning_rate(config: TrainingConfig, total: int, steps: np.ndarray) -> np.ndarray:
    """The learning rate of each step by the config, as transformers' schedules have it.

    Parameters
    ----------
    total : int
        Steps of the whole run.
    steps : ndarray, shape=(n,)
        Counted from 1.

    Returns
    -------
    ndarray, shape=(n,)
    """
    warmup = config.warmup_steps
    warmup = math.ceil(warmup * total) if warmup < 1 else int(warmup)
    # The first step is made at the rate of step 0.
    done = np.asarray(steps, dtype=float) - 1
    rising = done / max(1, warmup)
    progress = np.clip((done - warmup) / max(1, total - warmup), 0, 1)
    shape: dict[str, Callable[[np.ndarray], np.ndarray]] = {
        "cosine": lambda part: 0.5 * (1 + np.cos(np.pi * part)),
        "linear": lambda part: 1 - part,
        "constant": np.ones_like,
    }
    falling = shape[config.schedule](progress)
    return config.learning_rate * np.where(done < warmup, rising, falling)


def check_baseline(evidence: Evidence) -> list[Finding]:
    """Whether the validation error is below that of knowing only the separation."""
    curve, baseline = evidence.curve("eval_mae"), evidence.curve("eval_baseline_mae")
    best = curve.best()
    if best is None or not len(baseline):
        return []
    verdict = judge(best[1], float(baseline.values[-1]))
    run = evidence.run
    progress = run.step / run.total_steps if run.total_steps else 1.0
    values = {
        "mae": verdict.model,
        "step": best[0],
        "baseline": verdict.baseline,
        "skill": verdict.gain,
        "progress": progress,
        "evaluations": len(curve),
    }
    if verdict.is_better:
        kind = "baseline_beaten" if verdict.kind == "better" else "baseline_hardly_beaten"
        return [Finding(kind, verdict.severity, values)]
    early = progress < EARLY or (run.active and len(curve) < ENOUGH_EVALUATIONS and progress < 1)
    if early and run.state != State.FINISHED:
        return [Finding("baseline_not_yet", "note", values)]
    return [Finding("baseline_not_beaten", verdict.severity, values)]
