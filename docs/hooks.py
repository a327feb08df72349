"""Pages of the documentation that are made of what the program says, not typed twice."""

from pathlib import Path

from distmat.report.troubleshooting import troubleshooting

ROOT = Path(__file__).parents[1]


def on_page_markdown(markdown: str, **_: object) -> str:
    """Put in what a marker stands for; called by MkDocs for each page."""
    for marker, text in (
        ("<!-- troubleshooting en -->", lambda: troubleshooting("en")),
        ("<!-- troubleshooting zh -->", lambda: troubleshooting("zh")),
        ("<!-- lab book -->", _lab_book),
    ):
        if marker in markdown:
            markdown = markdown.replace(marker, text())
    return markdown


def _lab_book() -> str:
    """Without its title, and without links into the repository."""
    text = (ROOT / "benchmarks" / "mini.md").read_text(encoding="utf-8")
    return text.partition("\n")[2].replace(
        "](../", "](https://github.com/distmat/distmat/blob/main/"
    )
