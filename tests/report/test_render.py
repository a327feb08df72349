import shutil
from dataclasses import replace

import pytest

from distmat.errors import ReportError
from distmat.report.document import run_report
from distmat.report.render import drawings, html, markdown, pdf, write_report

HOSTILE = "</title><script>alert(1)</script> | *x* `y` [z](javascript:1)"


def test_markdown_renders_as_tables_and_headings(facts):
    from markdown_it import MarkdownIt

    page = MarkdownIt("commonmark").enable("table").render(markdown(run_report(facts, "en")))
    assert page.count("<h2>") == len(run_report(facts, "en").sections)
    assert page.count("<table>") >= 8
    assert "|---" not in page


@pytest.mark.parametrize("language", ["en", "zh"])
def test_a_hostile_name_stays_text(facts, language):
    from markdown_it import MarkdownIt

    report = run_report(replace(facts, name=HOSTILE, log=(HOSTILE,), cause=HOSTILE), language)
    assert "<script" not in html(report)
    rendered = MarkdownIt("commonmark").enable("table").render(markdown(report))
    assert "<script" not in rendered
    assert "<a " not in rendered


def test_the_page_needs_nothing_but_itself(facts):
    page = html(run_report(facts, "en"))
    assert page.count("<svg") == len(drawings(run_report(facts, "en"))) == 4
    for outside in ("src=", "@import", "<link", 'href="http'):
        assert outside not in page


def test_markdown_gets_its_figures_beside_it(facts, tmp_path):
    path = tmp_path / "status.md"
    write_report(run_report(facts, "zh"), path, "md")
    text = path.read_text(encoding="utf-8")
    for name in ("loss", "grad_norm", "learning_rate", "eval_mae"):
        assert f"(status_figures/{name}.svg)" in text
        assert (tmp_path / "status_figures" / f"{name}.svg").read_text().startswith("<svg")


def test_figures_are_the_same_bytes_each_time(facts):
    assert html(run_report(facts, "en")) == html(run_report(facts, "en"))


def test_a_pdf_is_printed_in_both_languages(facts, tmp_path):
    if not any(map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))):
        pytest.skip("Chromium is not installed")
    for language in ("en", "zh"):
        assert pdf(run_report(facts, language)).startswith(b"%PDF-")


def test_without_a_browser_a_pdf_is_refused_in_a_sentence(facts, monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ReportError, match="Chromium, which isn't installed here"):
        write_report(run_report(facts, "en"), tmp_path / "report.pdf", "pdf")
    assert not list(tmp_path.iterdir())
