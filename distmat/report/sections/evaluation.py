"""What the model's error is worth, beside the baseline's."""

from distmat.report.blocks import TONES, Block, Paragraph, Section, Table
from distmat.report.facts import RunFacts
from distmat.report.i18n import Wording
from distmat.scoring.map_scores import MAP_SCORES
from distmat.scoring.verdict import Verdict, judge

TARGETS = (("mae", 5.0, "<"), ("rmse", 7.0, "<"), ("pearson", 0.7, ">"), ("mds_pearson", 0.7, ">"))
"""What the published work set itself: score, threshold and side."""


def verdict_of(facts: RunFacts) -> Verdict:
    """Whether the run's best step is better than the separation baseline on the same chains."""
    best = facts.best()
    return judge(*(best[1], facts.at("eval_baseline_mae", best[0])) if best else (None, None))


def verdict_paragraph(facts: RunFacts, words: Wording) -> Paragraph:
    """The verdict on the run's best step."""
    verdict = verdict_of(facts)
    return Paragraph(verdict.sentence(words.language), TONES[verdict.severity])


def describe_evaluation(facts: RunFacts, words: Wording) -> Section:
    """The last and the best evaluation beside the baseline's."""
    return Section(words.say("evaluation"), _scores(facts, words))


def _scores(facts: RunFacts, words: Wording) -> tuple[Block, ...]:
    best = facts.best()
    if best is None:
        return (Paragraph(words.say("never_evaluated")),)
    last = int(facts.curve("eval_mae").steps[-1])
    seconds, speed = (facts.at(name, last) for name in ("eval_seconds", "eval_chains_per_second"))
    chains = None if seconds is None or speed is None else seconds * speed
    rows = tuple(
        (
            score.label(words.language),
            words.number(facts.at(f"eval_{score.key}", last), 3),
            words.number(facts.at(f"eval_{score.key}", best[0]), 3),
            words.number(facts.at(f"eval_baseline_{score.key}", best[0]), 3),
        )
        for score in MAP_SCORES.list_shown("metric")
    )
    header = tuple(
        words.say(key) for key in ("score", "model_now", "model_best", "separation_only")
    )
    return (
        Paragraph(
            words.say(
                "evaluation_at",
                step=words.count(last),
                chains=words.count(chains),
                time=words.duration(seconds),
                speed=words.number(speed),
            )
        ),
        Table(header, rows, words.say("best_step_note", step=words.count(best[0]))),
    )


def describe_targets(facts: RunFacts, words: Wording) -> Section:
    """What the published work set itself, and what was reached."""
    best = facts.best()
    rows = []
    for score, threshold, side in TARGETS:
        value = facts.at(f"eval_{score}", best[0]) if best else None
        reached = None if value is None else (value < threshold) == (side == "<")
        baseline = facts.at(f"eval_baseline_{score}", best[0]) if best else None
        rows.append(
            (
                MAP_SCORES[score].label(words.language),
                f"{side} {threshold:g}",
                words.number(value, 3),
                words.number(baseline, 3),
                words.missing
                if reached is None
                else words.say("reached" if reached else "not_reached"),
            )
        )
    header = tuple(
        words.say(key) for key in ("score", "target", "measured", "separation_only", "verdict")
    )
    return Section(words.say("targets"), (Table(header, tuple(rows), words.say("targets_note")),))
