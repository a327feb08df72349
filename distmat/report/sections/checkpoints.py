"""Which checkpoints there are, and how to use them."""

import shlex
from collections.abc import Sequence
from pathlib import Path

from distmat.report.blocks import Block, Code, Paragraph, Section
from distmat.report.facts import RunFacts
from distmat.report.i18n import Wording

EXAMPLE = "MKTAYIAKQRQISFVKSHFSRQLEERLGLIEVQ"
"""A sequence for the printed commands."""


def describe_checkpoints(facts: RunFacts, words: Wording) -> Section:
    """The files, and the commands that use them."""
    folders = [(checkpoint.name, checkpoint.files) for checkpoint in facts.checkpoints]
    if facts.final:
        folders.append((words.say("final_model"), facts.final))
    tree = "\n".join(line for name, files in folders for line in _tree(name, files, words))
    files: Block = Code(tree) if tree else Paragraph(words.say("no_checkpoint"))
    use: list[Block] = []
    if facts.checkpoints and facts.state in ("STOPPED", "FAILED", "CRASHED"):
        use += [Paragraph(words.say("resume_with")), Code(f"distmat runs resume {facts.id}")]
    usable = facts.folder if facts.final else _newest_folder(facts)
    if usable:
        use += [Paragraph(words.say("predict_with")), Code(_predict_command(usable))]
    return Section(
        words.say("checkpoints"),
        (),
        (
            Section(words.say("files"), (files,)),
            Section(words.say("use"), tuple(use) or (Paragraph(words.say("no_checkpoint")),)),
        ),
    )


def _tree(name: str, files: Sequence[tuple[str, int]], words: Wording) -> list[str]:
    lines = [(f"{name}/", sum(size for _, size in files))]
    for number, (file, size) in enumerate(files, start=1):
        branch = "└──" if number == len(files) else "├──"
        lines.append((f"{branch} {file}", size))
    return [f"{text:<48} {words.size(size):>10}" for text, size in lines]


def _newest_folder(facts: RunFacts) -> Path | None:
    if not facts.checkpoints:
        return None
    newest = max(facts.checkpoints, key=lambda checkpoint: checkpoint.step)
    return facts.folder / newest.name


def _predict_command(folder: Path) -> str:
    return f"distmat predict {EXAMPLE} --checkpoint {shlex.quote(str(folder))}"
