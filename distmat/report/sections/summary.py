"""The first page: what the run is worth, in one sentence, four numbers and one curve."""

from functools import partial

from distmat.figures.printed import PrintedLine, curves_svg
from distmat.report.blocks import Block, Figure, Section, Table
from distmat.report.facts import RunFacts
from distmat.report.i18n import Wording
from distmat.report.sections.evaluation import verdict_paragraph
from distmat.scoring.map_scores import MAP_SCORES

HEADLINES = 4
"""Numbers on the first page."""


def describe_summary(facts: RunFacts, words: Wording) -> Section:
    """Verdict, headline numbers beside the baseline's, and the error over the steps."""
    blocks = (verdict_paragraph(facts, words), *_numbers(facts, words), *_curve(facts, words))
    return Section(words.say("summary"), blocks)


def _numbers(facts: RunFacts, words: Wording) -> tuple[Block, ...]:
    best = facts.best()
    if best is None:
        return ()
    # Those shown large elsewhere come first; metrics fill up.
    scores = dict.fromkeys([*MAP_SCORES.list_shown("headline"), *MAP_SCORES.list_shown("metric")])
    rows = tuple(
        (
            score.label(words.language),
            words.number(facts.at(f"eval_{score.key}", best[0]), score.digits),
            words.number(facts.at(f"eval_baseline_{score.key}", best[0]), score.digits),
        )
        for score in list(scores)[:HEADLINES]
    )
    header = tuple(words.say(key) for key in ("score", "model_best", "separation_only"))
    return (Table(header, rows),)


def _curve(facts: RunFacts, words: Wording) -> tuple[Block, ...]:
    model, baseline = facts.curve("eval_mae").finite(), facts.curve("eval_baseline_mae").finite()
    if not len(model):
        return ()
    curves = [PrintedLine(model.steps, model.values, words.say("model_curve"))]
    if len(baseline):
        label = words.say("separation_only")
        curves.append(PrintedLine(baseline.steps, baseline.values, label, dashed=True))
    title = MAP_SCORES["mae"].label(words.language)
    draw = partial(curves_svg, curves, words.say("step"), title)
    return (Figure("eval_mae", draw, words.say("curve_eval_mae")),)
