"""A report as Markdown, as one HTML page, or as PDF."""

import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

from distmat.errors import ReportError
from distmat.report.blocks import Figure, Report, Section
from distmat.workspace import replace_file

FORMATS = ("md", "html", "pdf")

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chrome")
"""Commands of browsers that can print a page to PDF."""

_PATIENCE = 120
"""Seconds that the browser gets for a PDF."""


def markdown(report: Report, figures: str = "") -> str:
    """The report as Markdown that GitHub renders.

    Parameters
    ----------
    report : Report
    figures : str
        Folder of the figures, as the Markdown file sees it; without one they are left out.
    """
    return _template("report.md.j2").render(report=report, figures=figures)


def html(report: Report) -> str:
    """The report as one page that needs no other file and no network."""
    return _template("report.html.j2").render(report=report)


def write_report(report: Report, path: Path, kind: str) -> None:
    """Write a report; Markdown gets its figures in a folder of the same name beside it.

    Parameters
    ----------
    report : Report
    path : Path
    kind : str
        One of `FORMATS`.

    Raises
    ------
    ReportError
        If a PDF is asked for where no browser is installed, or the browser fails.
    """
    if kind == "pdf":
        content = pdf(report)
        with replace_file(path, "wb") as file:
            file.write(content)
        return
    if kind == "md":
        folder = path.with_name(f"{path.stem}_figures")
        for figure in drawings(report):
            with replace_file(folder / f"{figure.name}.svg", "w") as file:
                file.write(figure.svg)
        text = markdown(report, folder.name)
    else:
        text = html(report)
    with replace_file(path, "w") as file:
        file.write(text)


def pdf(report: Report) -> bytes:
    """The HTML page, printed by a headless Chromium.

    Raises
    ------
    ReportError
        If none of `BROWSERS` is installed, or printing fails.
    """
    browser = next(filter(None, map(shutil.which, BROWSERS)), None)
    if browser is None:
        raise ReportError(
            "A PDF is printed by Chromium, which isn't installed here; install it, or choose the "
            "format html and print that page from your browser."
        )
    with tempfile.TemporaryDirectory() as folder:
        page, printed = Path(folder) / "report.html", Path(folder) / "report.pdf"
        page.write_text(html(report), encoding="utf-8")
        command = [
            browser,
            "--headless",
            "--disable-gpu",
            "--disable-extensions",
            "--no-pdf-header-footer",
            f"--user-data-dir={folder}/profile",
            f"--print-to-pdf={printed}",
            page.as_uri(),
        ]
        if os.geteuid() == 0:  # Chromium refuses its sandbox to root, and the page is ours.
            command.insert(1, "--no-sandbox")
        try:
            subprocess.run(command, capture_output=True, timeout=_PATIENCE, check=False)  # noqa: S603
        except (OSError, subprocess.TimeoutExpired) as error:
            raise ReportError(
                f"{browser} didn't print the PDF ({error}); choose the format html."
            ) from None
        if not printed.is_file():
            raise ReportError(f"{browser} printed no PDF; choose the format html.")
        return printed.read_bytes()


def drawings(report: Report) -> list[Figure]:
    """All figures in order."""

    def of(section: Section) -> list[Figure]:
        own = [block for block in section.blocks if isinstance(block, Figure)]
        return own + [figure for part in section.sections for figure in of(part)]

    return [figure for section in report.sections for figure in of(section)]


def _template(name: str):
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("distmat.report"),
        autoescape=name.endswith(".html.j2"),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters["literal"] = _literal
    environment.tests["figure"] = lambda block: isinstance(block, Figure)
    environment.tests["of_kind"] = lambda block, kind: type(block).__name__ == kind
    return environment.get_template(name)


def _literal(text: str) -> str:
    """Text that Markdown shows as it stands."""
    escaped = re.sub(r"([\\`*_\[\]<>|#~])", r"\\\1", text)
    return " ".join(escaped.split())
