"""The status report of a run: a preview, and the document to take home."""

from collections.abc import Sequence

import streamlit as st

from distmat.errors import DistmatError
from distmat.prediction_tasks import predict_maps
from distmat.protein.distance_map import DistanceMap
from distmat.report.blocks import Report
from distmat.report.render import html, markdown, pdf
from distmat.report.status import status
from distmat.runs.run import Run
from distmat.runs.store import RunStore
from distmat.ui.markdown import show_error
from distmat.ui.workers import compute

_LANGUAGES = {"English": "en", "中文": "zh"}


def show_report(store: RunStore, run: Run) -> None:
    """Write the report as of now, on request, and show it."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        language = st.segmented_control(
            "Language", list(_LANGUAGES), default="English", required=True, key="report-language"
        )
        maps = st.toggle(
            "Maps of the best and worst chains",
            value=run.has_ended,
            key="report-maps",
            help="Predicted by the final model; takes some seconds.",
        )
        wanted = st.button("Write it", type="primary", icon=":material/description:")
    if wanted:
        _write(store, run, _LANGUAGES[str(language)], maps)
    kept: tuple[str, Report] | None = st.session_state.get("report")
    if kept is None or kept[0] != run.id:
        st.caption("Progress, curves, scores beside the baseline, diagnosis and what to do next.")
        return
    _show(run, kept[1])


def _write(store: RunStore, run: Run, language: str, maps: bool) -> None:
    with st.status("Writing the report") as progress:
        try:
            report = status(
                store, run, language, with_maps=maps, progress=progress.write, predict=_predict
            )
        except DistmatError as error:
            progress.update(label="The report wasn't written", state="error")
            show_error(error)
            return
        progress.update(label="Written", state="complete")
    st.session_state["report"] = (run.id, report)


def _predict(folder: str, sequences: Sequence[str]) -> list[DistanceMap]:
    return compute(predict_maps, folder, sequences)


def _show(run: Run, report: Report) -> None:
    page = html(report)
    stem = f"{run.id}-{report.language}"
    with st.container(horizontal=True):
        st.download_button(
            "HTML", page, f"{stem}.html", "text/html", icon=":material/download:", key="report-html"
        )
        st.download_button(
            "Markdown",
            markdown(report),
            f"{stem}.md",
            "text/markdown",
            icon=":material/download:",
            key="report-md",
        )
        if st.button("Make a PDF", icon=":material/picture_as_pdf:"):
            _offer_pdf(report, stem)
    st.iframe(page, height=900)


def _offer_pdf(report: Report, stem: str) -> None:
    try:
        with st.spinner("Printing"):
            content = pdf(report)
    except DistmatError as error:
        show_error(error)
        return
    st.download_button("PDF", content, f"{stem}.pdf", "application/pdf", key="report-pdf")
