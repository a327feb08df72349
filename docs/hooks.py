"""Pages of the documentation that are made of what the program says, not typed twice."""

import re
from pathlib import Path

from distmat.report.troubleshooting import troubleshooting

ROOT = Path(__file__).parents[1]


def on_page_markdown(markdown: str, **_: object) -> str:
    """Put in what a marker stands for; called by MkDocs for each page."""
    for marker, text in (
        ("<!-- troubleshooting en -->", lambda: troubleshooting("en")),
        ("<!-- troubleshooting zh -->", lambda: troubleshooting("zh")),
        ("<!-- lab book -->", lambda: _of_repository("benchmarks/mini.md")),
        ("<!-- security -->", lambda: _of_repository("SECURITY.md")),
    ):
        if marker in markdown:
            markdown = markdown.replace(marker, text())
    return markdown


def _of_repository(path: str) -> str:
    """A page of the repository: without its title, and with its links to files as their names."""
    text = (ROOT / path).read_text(encoding="utf-8").partition("\n")[2]
    return re.sub(r"\[([^\]]+)\]\((?![a-z]+:|#)[^)]+\)", r"\1", text)
