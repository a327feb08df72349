"""Runs beside each other: their scores, and only the settings that differ."""

from collections.abc import Sequence
from dataclasses import dataclass

from distmat.runs.run import Run
from distmat.runs.store import RunStore
from distmat.scoring.map_scores import MAP_SCORES


@dataclass(frozen=True)
class RunScore:
    """One validation score of a run, and what the separation alone gives on the same chains.

    Parameters
    ----------
    last, best : float or None
        None if it was never computed, or never finite.
    best_step : int or None
    baseline : float or None
    """

    last: float | None
    best: float | None
    best_step: int | None
    baseline: float | None


def scores(store: RunStore, run: Run) -> dict[str, RunScore]:
    """Each score that a run logs, by its key without ``eval_``."""
    shown = MAP_SCORES.list_shown("metric")
    names = [f"eval_{kind}{score.key}" for score in shown for kind in ("", "baseline_")]
    curves = store.curves(run.id, names)
    found = {}
    for score in shown:
        name = score.key
        curve, baseline = (curves.get(f"eval_{kind}{name}") for kind in ("", "baseline_"))
        best = curve.best(highest=score.higher_is_better) if curve else None
        found[name] = RunScore(
            curve.last if curve else None,
            best[1] if best else None,
            best[0] if best else None,
            baseline.last if baseline else None,
        )
    return found


def compare_settings(runs: Sequence[Run]) -> dict[str, list]:
    """Settings in which the runs differ, with each run's value; their folders don't count."""
    names = dict.fromkeys(name for run in runs for name in run.settings if name != "output")
    values = {name: [run.settings.get(name) for run in runs] for name in names}
    return {
        name: options
        for name, options in values.items()
        if any(option != options[0] for option in options[1:])
    }
