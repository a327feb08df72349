"""Whether a run is kept going as it should: evaluations, checkpoints, speed and the machine."""

from collections.abc import Mapping

import numpy as np

from distmat.jobs.states import State
from distmat.runs.checkpoints import unreadable_file
from distmat.runs.diagnosis.evidence import Evidence, level
from distmat.runs.diagnosis.finding import Finding

FEWEST_POINTS = 10
"""Logged losses from which a trend is read."""

OVERDUE = 1.5
"""Evaluation intervals without evaluation or checkpoint that are too many."""

SLOWED = 0.7
"""A throughput below this share of its earlier level has fallen."""

GPU_IDLE = 10.0
"""Per cent of mean use below which a GPU is idle."""

GPU_SAMPLES = 6

MEMORY_TIGHT = 95.0
"""Per cent of the machine's memory in use."""

STALLED = 20.0
"""Usual intervals between two logs without one, and at least `STALLED_SECONDS`."""

STALLED_SECONDS = 120.0


def check_evaluation(evidence: Evidence) -> list[Finding]:
    """Whether evaluations happen when they should."""
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


def check_checkpoints(evidence: Evidence) -> list[Finding]:
    """Whether there is a whole checkpoint to go on from."""
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


def check_throughput(evidence: Evidence) -> list[Finding]:
    """Whether steps have become slower."""
    curve = evidence.curve("residues_per_second")
    # The first logs hold the time of warming up.
    values = curve.values[2:]
    if len(values) < FEWEST_POINTS:
        return []
    fifth = max(3, len(values) // 5)
    usual, now = level(values[:-fifth]), level(values[-fifth:])
    share = now / max(usual, 1e-12)
    facts: dict[str, object] = {"now": now, "usual": usual, "share": share, "limit": SLOWED}
    if share < SLOWED:
        return [Finding("throughput_falling", "note", facts)]
    return [Finding("throughput_steady", "good", facts)]


def check_gpu(evidence: Evidence) -> list[Finding]:
    """Whether the GPU has enough to do."""
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


def check_memory(evidence: Evidence) -> list[Finding]:
    """Whether the machine's memory is nearly full."""
    memory = evidence.hardware.get("machine_memory")
    if not evidence.run.active or memory is None or memory.last is None:
        return []
    if memory.last < MEMORY_TIGHT:
        return []
    return [Finding("memory_tight", "bad", {"percent": memory.last, "limit": MEMORY_TIGHT})]


def check_disk(evidence: Evidence) -> list[Finding]:
    """Whether the disk has room for the next checkpoints."""
    size = max((checkpoint.size for checkpoint in evidence.checkpoints), default=0)
    if not evidence.run.active or evidence.free is None or evidence.free > 2 * size:
        return []
    values = {"free": evidence.free / 2**30, "size": size / 2**30}
    return [Finding("disk_low", "bad", values)]


def check_progress(evidence: Evidence) -> list[Finding]:
    """Whether the run still logs."""
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
