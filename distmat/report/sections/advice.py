"""What is wrong or right, and what to do next."""

from distmat.report.blocks import TONES, Block, Bullets, Code, Paragraph, Section
from distmat.report.facts import RunFacts
from distmat.report.findings import sentence, step_to_take
from distmat.report.i18n import Wording
from distmat.report.sections.evaluation import verdict_of


def describe_diagnosis(facts: RunFacts, words: Wording) -> Section:
    """Every finding in a sentence."""
    found = tuple(
        Paragraph(sentence(finding, words), TONES[finding.severity]) for finding in facts.findings
    )
    return Section(words.say("diagnosis"), found or (Paragraph(words.say("nothing_found")),))


def describe_next_steps(facts: RunFacts, words: Wording) -> Section:
    """What follows from the findings."""
    steps = [step_to_take(finding, words) for finding in facts.findings]
    if facts.state in ("STOPPED", "FAILED", "CRASHED"):
        steps.append(words.say("advice_resume"))
    elif facts.state == "FINISHED" and verdict_of(facts).is_better:
        steps.append(words.say("advice_evaluate"))
    elif facts.state == "RUNNING" and not any(steps):
        steps.append(words.say("advice_go_on"))
    items = tuple(dict.fromkeys(step for step in steps if step))
    return Section(
        words.say("next_steps"),
        (Bullets(items) if items else Paragraph(words.say("nothing_found")),),
    )


def describe_monitoring(facts: RunFacts, words: Wording) -> Section:
    """Commands that show the run."""
    commands = [
        f"distmat runs show {facts.id}",
        f"distmat runs watch {facts.id}",
        f"distmat runs logs {facts.id}",
    ]
    return Section(words.say("monitoring"), (Code("\n".join(commands)),))


def describe_troubleshooting(facts: RunFacts, words: Wording) -> Section:
    """What to do if it fails, and the end of its log."""
    log: Block = Code("\n".join(facts.log)) if facts.log else Paragraph(words.say("no_log"))
    return Section(
        words.say("troubleshooting"),
        (Bullets((words.say("if_memory"), words.say("if_nan"))),),
        (Section(words.say("log_end"), (log,)),),
    )
