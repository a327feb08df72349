"""What is right and wrong with a run: sentences, each with its evidence and threshold.

A falling loss alone says little: a run can sit on the processor beside an idle GPU, or learn no
more than that neighbours in the chain are near in space. So those are asked, too.
"""

import math
import shutil
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from distmat.errors import ConfigError
from distmat.jobs.states import State
from distmat.jobs.store.curve import Curve
from distmat.runs.checkpoints import CheckpointFiles, list_checkpoints, unreadable_file
from distmat.runs.run import Run
from distmat.runs.store import RunStore
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

OVERDUE = 1.5
"""Evaluation intervals without evaluation or checkpoint that are too many."""

SLOWED = 0.7
"""A throughput below this share of its earlier level has fallen."""

GPU_IDLE = 10.0
"""Per cent of mean use below which a GPU is idle."""

GPU_SAMPLES = 6

ENOUGH_EVALUATIONS = 3
"""A run that goes on is not called a failure before it was evaluated so many times."""

EARLY = 0.25
"""Nor before this share of its steps is done."""

LATE = 0.5
"""Once a falling schedule is below this share of the peak, a loss that lies flat is as planned."""

MEMORY_TIGHT = 95.0
"""Per cent of the machine's memory in use."""

STALLED = 20.0
"""Usual intervals between two logs without one, and at least `STALLED_SECONDS`."""

STALLED_SECONDS = 120.0

SENTENCES: dict[str, str] = {
    "loss_nan": "The loss is no number since step {step}: lower the learning rate, warm up "
    "longer, or compute in fp32, and resume from a checkpoint before it.",
    "loss_diverging": "The loss is diverging: {now:.4g} now, {factor:.1f} times its lowest level "
    "of {lowest:.4g} (step {step}); the limit is {limit:g} times.",
    "loss_falling": "The loss is falling: from {before:.4g} to {now:.4g} since step {step}, by "
    "{share:.1%} (from {limit:.0%} it counts).",
    "loss_flat": "The loss is flat: {before:.4g} and {now:.4g} since step {step}, a change of "
    "{share:.2%} (below {limit:.0%}).",
    "loss_rising": "The loss is rising: from {before:.4g} to {now:.4g} since step {step}, by "
    "{share:.1%} (from {limit:.0%} it counts).",
    "gradient_exploding": "The gradient is exploding: its norm is {now:.3g}, {factor:.0f} times "
    "its usual {usual:.3g} (the limit is {limit:g} times).",
    "gradient_vanishing": "The gradient has vanished: its norm fell from {early:.3g} to {now:.3g} "
    "(below {limit:g} of it).",
    "gradient_steady": "The gradient is well-behaved: its norm is {now:.3g}, usually {usual:.3g}.",
    "overfitting": "The model is overfitting: the validation MAE was best at step {step} with "
    "{best:.2f} Å and is {now:.2f} Å {evaluations} evaluations later (limit {limit:g} times).",
    "validation_improving": "The validation MAE of {now:.2f} Å is at its best or near it "
    "({best:.2f} Å at step {step}).",
    "schedule_kept": "The learning rate follows its {schedule} schedule: at most {share:.2%} of "
    "the peak off (limit {limit:.0%}).",
    "schedule_broken": "The learning rate doesn't follow its {schedule} schedule: at step {step} "
    "it is {now:.3g} and should be {expected:.3g} (limit {limit:.0%} of the peak).",
    "evaluation_happening": "It is being evaluated: {evaluations} times so far, last at step "
    "{step}.",
    "evaluation_missing": "It isn't being evaluated: step {step}, and no evaluation for {gap} "
    "steps; every {every} one is due.",
    "checkpoints_written": "Checkpoints are written and readable: {count}, the newest of step "
    "{step}.",
    "checkpoints_missing": "No checkpoint was written: step {step}, and every {every} one is due.",
    "checkpoints_unreadable": "{name} is damaged: the size of {file} isn't what its header says; "
    "check the disk, and resume from another checkpoint.",
    "throughput_falling": "It is getting slower: {now:.0f} residues/s, {share:.0%} of the "
    "{usual:.0f} it had (limit {limit:.0%}); see whether something else uses the machine.",
    "throughput_steady": "The speed is steady: {now:.0f} residues/s, usually {usual:.0f}.",
    "gpu_unused": "There is a GPU ({gpu}), and this run isn't using it: it computes on the CPU. "
    "Set device to auto or cuda, and see whether PyTorch was installed with CUDA.",
    "gpu_idle": "The GPU is idle: {use:.0f} % mean use over the last {samples} samples (limit "
    "{limit:.0f} %). The batches may be too small, or something else is slow.",
    "gpu_used": "The GPU is used: {use:.0f} % on average over the last {samples} samples.",
    "baseline_not_beaten": "{headline}: at best {figures} (step {step}, evaluations: "
    "{evaluations}). Whatever the loss says, nothing was learned of the sequence.",
    "baseline_not_yet": "Not better than the separation baseline so far: {mae:.2f} Å against "
    "{baseline:.2f} Å after {progress:.0%} of the steps and {evaluations} evaluations; it is too "
    "early to judge.",
    "baseline_hardly_beaten": "{headline}: at best {figures} (step {step}).",
    "baseline_beaten": "{headline}: at best {figures} (step {step}).",
    "memory_tight": "The machine's memory is almost full: {percent:.0f} % in use (limit "
    "{limit:.0f} %); the run may be killed. Lower pairs_per_batch or crops.",
    "disk_low": "The disk has {free:.1f} GiB left, and a checkpoint takes {size:.1f} GiB; free "
    "some space.",
    "stalled": "Nothing was logged for {seconds:.0f} s, where {usual:.1f} s are usual; see the "
    "log.",
}
"""Of every kind of finding; the fields are its values, and the verdict's words."""


@dataclass(frozen=True)
class Finding:
    """Something that was found.

    Parameters
    ----------
    kind : str
        A key of `SENTENCES`.
    tone : {'good', 'note', 'bad'}
    values : mapping
        The evidence, and as ``limit`` the threshold.
    """

    kind: str
    tone: str
    values: Mapping[str, object] = field(default_factory=dict)

    @property
    def sentence(self) -> str:
        """For a person."""
        return self.say(SENTENCES, "en")

    def say(self, sentences: Mapping[str, str], language: str) -> str:
        """The sentence of its kind, in the language of these sentences."""
        words: dict[str, object] = dict(self.values)
        if self.kind.startswith("baseline_"):
            verdict = judge(float(str(words["mae"])), float(str(words["baseline"])))
            words |= {"headline": verdict.headline(language), "figures": verdict.figures(language)}
        return sentences[self.kind].format(**words)


@dataclass(frozen=True)
class Evidence:
    """What a diagnosis rests on.

    Parameters
    ----------
    run : Run
    config : TrainingConfig or None
        None if it is of another version.
    curves, hardware : mapping of str to Curve
    checkpoints : sequence of CheckpointFiles
    first_nan : int or None
        Step of the first loss that is no number.
    free : int or None
        Bytes left on the disk.
    now : float
        Seconds since 1970.
    """

    run: Run
    config: TrainingConfig | None
    curves: Mapping[str, Curve]
    hardware: Mapping[str, Curve]
    checkpoints: Sequence[CheckpointFiles]
    first_nan: int | None
    free: int | None
    now: float

    def curve(self, name: str) -> Curve:
        """Its finite points; empty if it was never logged."""
        empty = np.empty(0)
        return self.curves.get(name, Curve(empty.astype(int), empty, empty, empty)).finite()


def diagnose(store: RunStore, run: Run) -> list[Finding]:
    """What is right and wrong with a run now, the worst first."""
    key = ("diagnosis", run.id, run.state)
    return store.cache.get_or_compute(key, lambda: _diagnosed(store, run))


def _diagnosed(store: RunStore, run: Run) -> list[Finding]:
    try:
        config = run.config
    except ConfigError:
        config = None
    return findings(
        Evidence(
            run,
            config,
            # What the page draws as well: where answers are shared they are found once.
            store.curves(run.id, points=1000),
            store.hardware(run.id, points=400),
            list_checkpoints(run.folder),
            store.first_nan(run.id, "loss"),
            shutil.disk_usage(store.home).free,
            time.time(),
        )
    )


def findings(evidence: Evidence) -> list[Finding]:
    """The same from evidence alone."""
    found = [finding for check in CHECKS for finding in check(evidence)]
    order = ("bad", "note", "good")
    return sorted(found, key=lambda finding: order.index(finding.tone))


def _loss(evidence: Evidence) -> list[Finding]:
    if evidence.first_nan is not None:
        return [Finding("loss_nan", "bad", {"step": evidence.first_nan})]
    curve = evidence.curve("loss")
    if len(curve) < FEWEST_POINTS:
        return []
    older, newer = _newer_half(curve)
    before, now = _level(older), _level(newer)
    levels = [_level(part) for part in np.array_split(curve.values, min(20, len(curve) // 3))]
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


def _gradient(evidence: Evidence) -> list[Finding]:
    curve = evidence.curve("grad_norm")
    if len(curve) < FEWEST_POINTS:
        return []
    tenth = max(3, len(curve) // 10)
    early, usual = _level(curve.values[:tenth]), _level(curve.values[:-tenth])
    now = _level(curve.values[-tenth:])
    clip = evidence.config.max_grad_norm if evidence.config else 1.0
    if now > EXPLODED * usual and now > EXPLODED * clip:
        values = {"now": now, "usual": usual, "factor": now / max(usual, 1e-12), "limit": EXPLODED}
        return [Finding("gradient_exploding", "bad", values)]
    if now < VANISHED * early:
        values = {"now": now, "early": early, "limit": VANISHED}
        return [Finding("gradient_vanishing", "bad", values)]
    return [Finding("gradient_steady", "good", {"now": now, "usual": usual})]


def _overfitting(evidence: Evidence) -> list[Finding]:
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


def _schedule(evidence: Evidence) -> list[Finding]:
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


def _evaluation(evidence: Evidence) -> list[Finding]:
    curve, run, config = evidence.curve("eval_mae"), evidence.run, evidence.config
    if config is None:
        return []
    last = int(curve.steps[-1]) if len(curve) else 0
    every, gap = config.evaluate_every, run.step - last
    if gap > OVERDUE * every:
        overdue = {"step": run.step, "gap": gap, "every": every}
        return [Finding("evaluation_missing", "bad", overdue)]
    if not len(curve):
        return []
    return [Finding("evaluation_happening", "good", {"evaluations": len(curve), "step": last})]


def _checkpoints(evidence: Evidence) -> list[Finding]:
    run, config = evidence.run, evidence.config
    whole = [checkpoint for checkpoint in evidence.checkpoints if checkpoint.complete]
    for checkpoint in whole:
        broken = unreadable_file(checkpoint)
        if broken:
            damage = {"name": checkpoint.name, "file": broken}
            return [Finding("checkpoints_unreadable", "bad", damage)]
    if whole:
        written = {"count": len(whole), "step": whole[-1].step}
        return [Finding("checkpoints_written", "good", written)]
    if config is not None and run.step > OVERDUE * config.evaluate_every:
        missing = {"step": run.step, "every": config.evaluate_every}
        return [Finding("checkpoints_missing", "bad", missing)]
    return []


def _throughput(evidence: Evidence) -> list[Finding]:
    curve = evidence.curve("residues_per_second")
    # The first logs hold the time of warming up.
    values = curve.values[2:]
    if len(values) < FEWEST_POINTS:
        return []
    fifth = max(3, len(values) // 5)
    usual, now = _level(values[:-fifth]), _level(values[-fifth:])
    share = now / max(usual, 1e-12)
    facts: dict[str, object] = {"now": now, "usual": usual, "share": share, "limit": SLOWED}
    if share < SLOWED:
        return [Finding("throughput_falling", "note", facts)]
    return [Finding("throughput_steady", "good", facts)]


def _gpu(evidence: Evidence) -> list[Finding]:
    machine = evidence.run.environment.get("machine")
    there = machine.get("gpus") if isinstance(machine, Mapping) else None
    device = str(evidence.run.facts.get("device", ""))
    if not there or not device:
        return []
    if device.startswith("cpu"):
        return [Finding("gpu_unused", "bad", {"gpu": there[0].get("name", "GPU")})]
    use = evidence.hardware.get("gpu")
    if use is None or len(use) < GPU_SAMPLES:
        return []
    newest = use.values[-10 * GPU_SAMPLES :]
    values = {"use": float(newest.mean()), "samples": len(newest), "limit": GPU_IDLE}
    if values["use"] < GPU_IDLE:
        return [Finding("gpu_idle", "bad", values)]
    return [Finding("gpu_used", "good", values)]


def _baseline(evidence: Evidence) -> list[Finding]:
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


def _memory(evidence: Evidence) -> list[Finding]:
    memory = evidence.hardware.get("machine_memory")
    if not evidence.run.active or memory is None or memory.last is None:
        return []
    if memory.last < MEMORY_TIGHT:
        return []
    return [Finding("memory_tight", "bad", {"percent": memory.last, "limit": MEMORY_TIGHT})]


def _disk(evidence: Evidence) -> list[Finding]:
    size = max((checkpoint.size for checkpoint in evidence.checkpoints), default=0)
    if not evidence.run.active or evidence.free is None or evidence.free > 2 * size:
        return []
    values = {"free": evidence.free / 2**30, "size": size / 2**30}
    return [Finding("disk_low", "bad", values)]


def _progress(evidence: Evidence) -> list[Finding]:
    run = evidence.run
    times = evidence.curve("loss").times
    times = times[times >= (run.attempt_started or 0)][-50:]
    if run.state != State.RUNNING or len(times) < FEWEST_POINTS:
        return []
    # Evaluations take long and are no standstill: the longest pause counts, too.
    pauses = np.diff(times)
    usual, waited = float(np.median(pauses)), evidence.now - float(times[-1])
    if waited > max(STALLED * usual, 3 * float(pauses.max()), STALLED_SECONDS):
        return [Finding("stalled", "bad", {"seconds": waited, "usual": usual})]
    return []


CHECKS: tuple[Callable[[Evidence], list[Finding]], ...] = (
    _baseline,
    _gpu,
    _loss,
    _gradient,
    _overfitting,
    _schedule,
    _evaluation,
    _checkpoints,
    _throughput,
    _memory,
    _disk,
    _progress,
)
"""Each gives at most one finding."""


def _newer_half(curve: Curve) -> tuple[np.ndarray, np.ndarray]:
    """The third and the fourth quarter of the steps."""
    newer = curve.values[len(curve) // 2 :]
    return newer[: len(newer) // 2], newer[len(newer) // 2 :]


def _level(values: np.ndarray) -> float:
    return float(np.median(values))
