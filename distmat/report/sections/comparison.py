"""Runs beside each other."""

from collections.abc import Sequence

from distmat.report.blocks import Paragraph, Section, Table
from distmat.report.facts import RunFacts
from distmat.report.i18n import Wording
from distmat.report.sections.evaluation import verdict_of
from distmat.report.tables import setting_text
from distmat.scoring.map_scores import MAP_SCORES


def describe_comparison(facts: RunFacts, others: Sequence[RunFacts], words: Wording) -> Section:
    """Scores and settings of the run and others."""
    heads = {run.config.get("head") for run in (facts, *others)}
    title = "comparison_v1" if {"coordinates", "placeholder"} <= heads else "comparison"
    if not others:
        return Section(words.say(title), (Paragraph(words.say("nothing_to_compare")),))
    return Section(
        words.say(title),
        (score_table([facts, *others], words), *differing_table([facts, *others], words)),
    )


def score_table(runs: Sequence[RunFacts], words: Wording) -> Table:
    """Scores of a few runs at their best steps, a column for each run."""
    rows = [
        (words.say("head"), *(_head(run, words) for run in runs)),
        (words.say("step"), *(words.count(run.step) for run in runs)),
        (words.say("skill"), *(words.share(_gain(run), 1) for run in runs)),
    ]
    for score in MAP_SCORES.list_shown("metric"):
        rows.append(
            (
                score.label(words.language),
                *(words.number(_at_best(run, score.key), score.digits) for run in runs),
            )
        )
        if score.key == "mae":
            baseline = (words.number(_at_best(run, "baseline_mae")) for run in runs)
            rows.append((words.say("baseline_mae"), *baseline))
    header = (words.say("run"), *run_labels(runs))
    return Table(header, tuple(rows), words.say("skill_note"))


def ranking_table(runs: Sequence[RunFacts], words: Wording) -> Table:
    """A row for each run: the scores that a page's width has room for."""
    shown = MAP_SCORES.list_shown("headline")
    keys = ("run", "state_column", "head", "step", "baseline_mae", "skill")
    rows = tuple(
        (
            run.name,
            words.say(run.state),
            _head(run, words),
            words.count(run.step),
            words.number(_at_best(run, "baseline_mae")),
            words.share(_gain(run), 1),
            *(words.number(_at_best(run, score.key), score.digits) for score in shown),
        )
        for run in runs
    )
    header = (*map(words.say, keys), *(score.label(words.language) for score in shown))
    return Table(header, rows, words.say("skill_note"))


def _at_best(run: RunFacts, metric: str) -> float | None:
    best = run.best()
    return run.at(f"eval_{metric}", best[0]) if best else None


def _gain(run: RunFacts) -> float | None:
    verdict = verdict_of(run)
    return None if verdict.kind == "unknown" else verdict.gain


def _head(run: RunFacts, words: Wording) -> str:
    head = str(run.config.get("head") or "")
    return words.say(f"head_{head}") if head else words.missing


def differing_table(runs: Sequence[RunFacts], words: Wording) -> tuple[Table, ...]:
    """The settings in which the runs differ; nothing if there are none."""
    names = dict.fromkeys(name for run in runs for name in run.config)
    rows = []
    for name in names:
        values = [setting_text(run.config.get(name, "")) for run in runs]
        if len(set(values)) > 1 and name != "output":
            rows.append((name, *values))
    if not rows:
        return ()
    return (Table((words.say("differing"), *run_labels(runs)), tuple(rows)),)


def run_labels(runs: Sequence[RunFacts]) -> list[str]:
    """Names that tell these runs apart: with the id where two have the same."""
    names = [run.name for run in runs]
    return [run.name if names.count(run.name) == 1 else f"{run.name} ({run.id})" for run in runs]
