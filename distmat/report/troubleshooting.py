"""What can be wrong with a run, and what to do: the diagnosis's own texts as a page."""

import re

from distmat.report.findings import CHINESE
from distmat.report.i18n import Wording
from distmat.report.messages import MESSAGES
from distmat.runs.diagnosis.finding import SENTENCES

_TITLES = {
    "loss": ("The loss", "损失"),
    "gradient": ("The gradient", "梯度"),
    "overfitting": ("Validation", "验证"),
    "schedule": ("The learning rate", "学习率"),
    "evaluation": ("Evaluation", "评估"),
    "checkpoints": ("Checkpoints", "检查点"),
    "throughput": ("Speed", "速度"),
    "gpu": ("The GPU", "GPU"),
    "baseline": ("Whether anything is learned", "是否学到了东西"),
    "memory": ("Memory", "内存"),
    "disk": ("The disk", "磁盘"),
    "stalled": ("Silence", "停滞"),
}
"""Of each group of findings, by the beginning of their kinds."""

_GOOD = re.compile(
    r"(loss_falling|baseline_beaten|.*_(steady|kept|happening|written|used|improving))"
)
"""Kinds of findings that nobody has to do anything about."""


def troubleshooting(language: str) -> str:
    """A Markdown page of everything that a run's diagnosis can complain of.

    Parameters
    ----------
    language : str
        ``"en"`` or ``"zh"``.
    """
    words = Wording(language)
    sentences = CHINESE if language == "zh" else SENTENCES
    lines: list[str] = []
    for group, titles in _TITLES.items():
        kinds = [kind for kind in sentences if kind.startswith(group) and _is_complaint(kind)]
        if kinds:
            lines += [f"## {titles[language == 'zh']}", ""]
        for kind in kinds:
            lines += [f"**{_elide(sentences[kind])}**", ""]
            if f"advice_{kind}" in MESSAGES:
                lines += [words.say(f"advice_{kind}"), ""]
    return "\n".join(lines)


def _is_complaint(kind: str) -> bool:
    return not _GOOD.fullmatch(kind)


def _elide(sentence: str) -> str:
    """With an ellipsis where a number or a name stands."""
    return re.sub(r"\{[^}]*\}", "…", sentence)
