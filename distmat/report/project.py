"""What a report of all runs says: a ranking, and what sets the runs apart."""

import math
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from distmat.report.blocks import Block, Paragraph, Report, Section
from distmat.report.facts import RunFacts
from distmat.report.i18n import Wording
from distmat.report.sections.comparison import differing_table, ranking_table

MOST_COLUMNS = 8
"""Runs whose settings are set beside each other; more don't fit on a page."""


def project_report(runs: Sequence[RunFacts], home: Path, language: str) -> Report:
    """All runs, the lowest validation MAE first; those never evaluated last.

    Parameters
    ----------
    runs : sequence of RunFacts
    home : Path
        The workspace.
    language : str
        ``"en"`` or ``"zh"``.
    """
    from distmat import __version__

    words = Wording(language)
    ranked = sorted(runs, key=_error)
    evaluated = [run for run in ranked if math.isfinite(_error(run))]
    written = runs[0].written if runs else datetime.now(UTC)
    if ranked:
        blocks: tuple[Block, ...] = (
            ranking_table(ranked, words),
            *differing_table(ranked[:MOST_COLUMNS], words),
        )
    else:
        blocks = (Paragraph(words.say("no_runs")),)
    return Report(
        language,
        words.say("project_title"),
        (
            words.say("updated", when=words.moment(written)),
            words.say("workspace", folder=home),
            words.say("runs_in_all", n=len(ranked), evaluated=len(evaluated)),
        ),
        (Section(words.say("ranking"), blocks),),
        words.say("footer", version=__version__),
    )


def _error(run: RunFacts) -> float:
    best = run.best()
    return math.inf if best is None else best[1]
