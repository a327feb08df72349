"""How far a run is."""

from datetime import timedelta

from distmat.report.blocks import Bullets, Section
from distmat.report.facts import RunFacts
from distmat.report.i18n import Wording
from distmat.report.tables import two_columns


def describe_progress(facts: RunFacts, words: Wording) -> Section:
    """How far it is, and how it stands now."""
    total = facts.total_steps
    done = words.count(facts.step)
    if total:
        share = words.share(facts.step / total, 1)
        done = words.say("of_total", done=done, total=words.count(total), share=share)
    epochs = words.number(facts.epoch)
    if total and facts.epoch and facts.step:
        all_epochs = words.number(facts.epoch * total / facts.step)
        epochs = words.say("of_epochs", done=epochs, total=all_epochs)
    going = facts.state in ("RUNNING", "STARTING")
    rows = [
        ("steps_done", done),
        ("epochs_done", epochs),
        ("started", words.moment(facts.started)),
        ("elapsed", words.duration(facts.elapsed)),
    ]
    if going:
        whole = None
        if facts.remaining is not None and facts.elapsed is not None:
            whole = facts.elapsed + facts.remaining
        rows += [
            ("remaining", words.duration(facts.remaining)),
            ("expected_total", words.duration(whole)),
            ("expected_end", words.moment(_expected_end(facts))),
        ]
    else:
        rows.append(("ended", words.moment(facts.ended)))
    return Section(
        words.say("progress"),
        (),
        (
            Section(words.say("overall"), (two_columns(rows, words),)),
            Section(words.say("now"), (Bullets(tuple(_now(facts, words, going))),)),
        ),
    )


def _expected_end(facts: RunFacts):

    if facts.remaining is None:
        return None
    return facts.written + timedelta(seconds=facts.remaining)


def _now(facts: RunFacts, words: Wording, going: bool) -> list[str]:
    items = []
    if facts.checkpoints:
        newest = max(facts.checkpoints, key=lambda checkpoint: checkpoint.step)
        count = len(facts.checkpoints)
        items.append(words.say("checkpoints_written", n=count, name=newest.name))
    else:
        items.append(words.say("no_checkpoint"))
    evaluated = facts.curve("eval_mae")
    if len(evaluated):
        step = words.count(evaluated.steps[-1])
        items.append(words.say("evaluations_done", n=len(evaluated), step=step))
    else:
        items.append(words.say("never_evaluated"))
    items.append(words.say("going_on" if going else "not_going_on"))
    return items
