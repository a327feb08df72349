"""Signs of success, and what they come to."""

from collections.abc import Mapping

import numpy as np

from distmat.report.blocks import Paragraph, Section, Table
from distmat.report.facts import RunFacts
from distmat.report.i18n import Wording
from distmat.report.sections.configuration import IDLE
from distmat.report.sections.evaluation import verdict_of, verdict_paragraph


def describe_success(facts: RunFacts, words: Wording) -> Section:
    """The signs of success as a table."""
    rows = tuple(
        (
            words.say(f"sign_{sign}"),
            words.missing if held is None else words.say("yes" if held else "no"),
        )
        for sign, held in signs(facts).items()
    )
    header = (words.say("sign"), words.say("found"))
    return Section(words.say("success"), (Table(header, rows),))


def signs(facts: RunFacts) -> Mapping[str, bool | None]:
    """Signs of success: held, not held, or None where it wasn't measured."""
    kinds = {finding.kind: finding.severity for finding in facts.findings}
    loss = facts.curve("loss")
    verdict = verdict_of(facts)
    idle = facts.hardware.gpu if facts.hardware and facts.hardware.gpu_name else None

    def fine(*names: str) -> bool | None:
        severities = [kinds[name] for name in names if name in kinds]
        return all(found == "good" for found in severities) if severities else None

    return {
        "loss": bool(np.isfinite(loss.values).all() and loss.values[-1] < loss.values[0])
        if len(loss) > 1
        else None,
        "gradient": fine("gradient_steady", "gradient_exploding", "gradient_vanishing"),
        "schedule": fine("schedule_kept", "schedule_broken"),
        "checkpoints": bool(facts.checkpoints or facts.final) if facts.step else None,
        "evaluation": bool(len(facts.curve("eval_mae"))) if facts.step else None,
        "hardware": None if idle is None else idle >= IDLE,
        "baseline": None if verdict.kind == "unknown" else verdict.is_better,
        "done": facts.step >= facts.total_steps if facts.total_steps else None,
    }


def describe_conclusion(facts: RunFacts, words: Wording) -> Section:
    """State and verdict."""
    text = words.say(
        "conclusion_state",
        when=words.moment(facts.written),
        state=words.say(facts.state),
        steps=words.count(facts.step),
    )
    return Section(words.say("conclusion"), (Paragraph(text), verdict_paragraph(facts, words)))
