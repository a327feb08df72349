"""A diagnosis in words, and what to do about it."""

from distmat.report.facts import FindingFacts, RunFacts
from distmat.report.messages import MESSAGES
from distmat.report.wording import Wording


def sentence(finding: FindingFacts, words: Wording) -> str:
    """What was found, with the numbers it rests on."""
    return words.say(f"finding_{finding.kind}", **finding.values)


def step_to_take(finding: FindingFacts, facts: RunFacts, words: Wording) -> str:
    """What to do next; empty if this finding asks for nothing."""
    key = f"advice_{finding.kind}"
    return words.say(key, run=facts.id, **finding.values) if key in MESSAGES else ""
