"""The page as a whole: what runs, what was chosen, what it says."""

import streamlit as st

from distmat.documents import DocumentError
from distmat.jobs.job import Job
from distmat.training.evaluation_job import read_evaluation
from distmat.ui.evaluate.chains import show_chains
from distmat.ui.evaluate.paired import show_paired
from distmat.ui.evaluate.results import show_downloads, show_figures, show_strata, show_summary
from distmat.ui.markdown import escape


def show_evaluations(jobs: list[Job]) -> None:
    """One evaluation in full, or several side by side."""
    contents = {job.id: content for job in jobs if (content := _content(job)) is not None}
    if len(contents) > 1:
        show_paired({_name(content): content for content in contents.values()})
        return
    for job in jobs:
        if job.id in contents:
            content = contents[job.id]
            show_summary(content)
            show_strata(content)
            show_chains(content, dict(job.settings), job.id)
            show_figures(content)
            show_downloads(content)


def _content(job: Job) -> dict | None:
    try:
        return _read(str(job.folder), job.ended or 0.0, job)
    except (OSError, DocumentError) as error:
        st.error(
            f"The scores of {escape(job.name)} can't be read ({escape(str(error))}); evaluate it "
            "again.",
            icon=":material/error:",
        )
        return None


@st.cache_data(max_entries=6, show_spinner=False)
def _read(folder: str, ended: float, _job: Job) -> dict:
    return read_evaluation(_job)


def _name(content: dict) -> str:
    library = content.get("library", "none")
    return content["checkpoint"] if library == "none" else f"{content['checkpoint']} with {library}"
