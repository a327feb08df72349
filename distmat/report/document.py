"""The status report of one run: facts in, sections out."""

from collections.abc import Sequence

from distmat.report.blocks import Report
from distmat.report.facts import RunFacts
from distmat.report.i18n import Wording
from distmat.report.sections.advice import (
    describe_diagnosis,
    describe_monitoring,
    describe_next_steps,
    describe_troubleshooting,
)
from distmat.report.sections.chains import MapDrawing, describe_chains
from distmat.report.sections.checkpoints import describe_checkpoints
from distmat.report.sections.comparison import describe_comparison
from distmat.report.sections.conclusion import describe_conclusion, describe_success
from distmat.report.sections.configuration import describe_configuration
from distmat.report.sections.evaluation import describe_evaluation, describe_targets
from distmat.report.sections.progress import describe_progress
from distmat.report.sections.quality import describe_quality
from distmat.report.sections.summary import describe_summary


def run_report(
    facts: RunFacts,
    language: str,
    others: Sequence[RunFacts] = (),
    maps: Sequence[MapDrawing] | str = (),
) -> Report:
    """The status report of a run.

    Parameters
    ----------
    facts : RunFacts
    language : str
        ``"en"`` or ``"zh"``.
    others : sequence of RunFacts
        Runs to compare with.
    maps : sequence of MapDrawing, or str
        Of the best and worst chains; a text says why there are none.
    """
    from distmat import __version__

    words = Wording(language)
    sections = (
        describe_summary(facts, words),
        describe_progress(facts, words),
        describe_quality(facts, words),
        describe_evaluation(facts, words),
        describe_checkpoints(facts, words),
        describe_targets(facts, words),
        describe_comparison(facts, others, words),
        describe_chains(facts, maps, words),
        describe_diagnosis(facts, words),
        describe_next_steps(facts, words),
        describe_monitoring(facts, words),
        describe_troubleshooting(facts, words),
        describe_success(facts, words),
        describe_conclusion(facts, words),
        describe_configuration(facts, words),
    )
    lines = [
        words.say("updated", when=words.moment(facts.written)),
        words.say("of_run", name=facts.name, id=facts.id),
        words.say("state", state=words.say(facts.state)),
    ]
    if facts.cause:
        lines.append(words.say("cause", cause=facts.cause))
    return Report(
        language,
        words.say("title"),
        tuple(lines),
        sections,
        words.say("footer", version=__version__),
    )
