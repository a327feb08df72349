"""How the training goes: loss, gradient, learning rate."""

from functools import partial

import numpy as np

from distmat.figures.printed import PrintedLine, curves_svg
from distmat.jobs.store.curve import Curve
from distmat.report.blocks import Block, Bullets, Figure, Paragraph, Section, Table
from distmat.report.facts import RunFacts
from distmat.report.i18n import Wording

SMOOTH = 0.05
"""Neighbouring losses of the second half differ by less than this on average in a smooth run."""


def describe_quality(facts: RunFacts, words: Wording) -> Section:
    """Loss, gradient and learning rate, as table, curves and sentences."""
    observations = _observations(facts, words)
    return Section(
        words.say("quality"),
        (),
        (
            Section(
                words.say("loss_convergence"), (*_step_table(facts, words), *_curves(facts, words))
            ),
            Section(
                words.say("observations"),
                (Bullets(tuple(observations or [words.say("nothing_logged")])),),
            ),
        ),
    )


def _step_table(facts: RunFacts, words: Wording) -> tuple[Block, ...]:
    if not facts.rows:
        return (Paragraph(words.say("nothing_logged")),)
    rows = tuple(
        (
            words.count(row.step),
            words.number(row.epoch),
            words.figures(row.loss),
            words.figures(row.grad_norm),
            words.scientific(row.learning_rate),
        )
        for row in facts.rows
    )
    header = tuple(
        words.say(key) for key in ("step", "epoch", "loss", "grad_norm", "learning_rate")
    )
    thinned = len(facts.rows) < len(facts.curve("loss"))
    return (Table(header, rows, words.say("thinned", shown=len(rows)) if thinned else ""),)


def _curves(facts: RunFacts, words: Wording) -> tuple[Figure, ...]:
    figures = []
    step = words.say("step")
    for name, logarithmic in (("loss", True), ("grad_norm", True), ("learning_rate", False)):
        series = facts.curve(name).finite()
        if len(series):
            curve = PrintedLine(series.steps, series.values)
            draw = partial(curves_svg, [curve], step, words.say(name), logarithmic)
            figures.append(Figure(name, draw, words.say(f"curve_{name}")))
    return tuple(figures)


def _observations(facts: RunFacts, words: Wording) -> list[str]:
    items = []
    loss = facts.curve("loss")
    bad = np.flatnonzero(~np.isfinite(loss.values))
    if len(bad):
        step = words.count(loss.steps[bad[0]])
        items.append(words.say("loss_not_finite", n=len(bad), step=step))
    loss = loss.finite()
    if len(loss) > 1:
        items.append(_loss_trend(loss, words))
        items.append(_smoothness(loss, words))
    norm = facts.curve("grad_norm").finite()
    if len(norm) > 1:
        highest = int(np.argmax(norm.values))
        items.append(
            words.say(
                "gradient_trend",
                first=words.figures(norm.values[0]),
                last=words.figures(norm.values[-1]),
                highest=words.figures(norm.values[highest]),
                step=words.count(norm.steps[highest]),
            )
        )
    rate = facts.curve("learning_rate").finite()
    if len(rate):
        highest = int(np.argmax(rate.values))
        items.append(
            words.say(
                "rate_peak",
                peak=words.scientific(rate.values[highest]),
                step=words.count(rate.steps[highest]),
                now=words.scientific(rate.values[-1]),
            )
        )
    return items


def _loss_trend(loss: Curve, words: Wording) -> str:
    first, last, lowest = loss.values[0], loss.values[-1], int(np.argmin(loss.values))
    share = (first - last) / abs(first) if first else 0.0
    return words.say(
        "loss_fell" if share >= 0 else "loss_rose",
        first=words.figures(first),
        last=words.figures(last),
        share=words.share(abs(share), 1),
        lowest=words.figures(loss.values[lowest]),
        step=words.count(loss.steps[lowest]),
    )


def _smoothness(loss: Curve, words: Wording) -> str:
    half = loss.values[len(loss) // 2 :] if len(loss) > 3 else loss.values
    jumps = float(np.mean(np.abs(np.diff(half))) / max(abs(float(np.mean(half))), 1e-12))
    key = "loss_smooth" if jumps < SMOOTH else "loss_oscillating"
    return words.say(key, share=words.share(jumps, 1))
