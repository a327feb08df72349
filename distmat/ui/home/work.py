"""What runs now, and what was found last."""

import streamlit as st

from distmat.documents import DocumentError
from distmat.errors import DistmatError
from distmat.jobs import operations
from distmat.jobs.job import Job
from distmat.jobs.kinds import words_of
from distmat.jobs.states import ACTIVE, State
from distmat.runs.run import TRAINING, Run
from distmat.runs.store import RunStore
from distmat.scoring.verdict import Verdict, judge
from distmat.training.evaluation_job import EVALUATION, list_finished_evaluations, read_evaluation
from distmat.ui.markdown import escape, show_error
from distmat.ui.run_store import duration, open_store, verdict

_MOST = 4
"""Lines of each list."""

_REFRESH = 2.0
"""Seconds between two looks at what runs."""

_SIGNS = {
    "good": ":green[:material/check_circle:]",
    "note": ":orange[:material/info:]",
    "bad": ":red[:material/error:]",
}


def show_running() -> None:
    """Jobs that run or wait; nothing where there are none."""
    try:
        store = open_store()
        running = _list_running(store)
    except DistmatError as error:
        show_error(error)
        return
    if running:
        st.subheader("What runs now", anchor=False)
        st.fragment(_show_running, run_every=_REFRESH)(store, {job.id for job in running})


def show_results() -> None:
    """What the newest trainings and evaluations have brought; nothing where there are none."""
    try:
        found = _results(open_store())
    except DistmatError:
        # Told where what runs would stand.
        return
    if not found:
        return
    st.subheader("Last results", anchor=False)
    names = [job.name for job, _ in found]
    for job, verdict_ in found:
        with st.container(horizontal=True, vertical_alignment="center"):
            _link(job, names.count(job.name) > 1)
            st.markdown(
                f"{_SIGNS[verdict_.severity]} {escape(verdict_.sentence())}", width="content"
            )


def _list_running(store: RunStore) -> list[Run]:
    operations.reconcile(store)
    return store.jobs([*ACTIVE, State.QUEUED])


def _results(store: RunStore) -> list[tuple[Job, Verdict]]:
    """The newest trainings and evaluations that have ended with a score."""
    runs = [(run, verdict(run)) for run in store.runs([State.FINISHED, State.STOPPED])[:_MOST]]
    evaluations = [
        (job, _judge(job.id, job.ended or 0.0, job))
        for job in list(list_finished_evaluations(store))[:_MOST]
    ]
    known = [(job, found) for job, found in [*runs, *evaluations] if found.kind != "unknown"]
    return sorted(known, key=lambda one: -(one[0].ended or 0.0))[:_MOST]


def _show_running(store: RunStore, known: set[str]) -> None:
    jobs = _list_running(store)
    if {job.id for job in jobs} != known:
        # What has ended belongs to the results now.
        st.rerun()
    names = [job.name for job in jobs]
    for job in jobs[:_MOST]:
        with st.container(horizontal=True, vertical_alignment="center"):
            _link(job, names.count(job.name) > 1)
            st.progress(
                min(1.0, job.step / job.total_steps) if job.total_steps else 0.0, _state(store, job)
            )
    if len(jobs) > _MOST:
        st.page_link("runs.py", label=f"and {len(jobs) - _MOST} more", icon=":material/more_horiz:")


def _state(store: RunStore, job: Run) -> str:
    """How far it is, in words."""
    if job.state == State.QUEUED:
        return f"{words_of(job.kind)}, waits for its turn"
    if not job.total_steps:
        return f"{words_of(job.kind)}, starting"
    left = store.seconds_left(job)
    rest = f", {duration(left)} left" if left is not None else ""
    return f"{words_of(job.kind)}, {job.step:,} of {job.total_steps:,}{rest}"


def _link(job: Job, with_id: bool) -> None:
    """To the page that shows this job; its name letter by letter, with the id to tell it apart."""
    page, query = "runs.py", {"run": job.id}
    if job.kind == EVALUATION:
        page, query = "evaluate.py", {"evaluation": job.id} if job.has_ended else {}
    elif job.kind != TRAINING:
        query = {}
    label = escape(f"{job.name} ({job.id})" if with_id else job.name)
    st.page_link(page, label=label, query_params=query, width=280)


@st.cache_data(max_entries=50, show_spinner=False)
def _judge(job_id: str, ended: float, _job: Job) -> Verdict:
    """What an evaluation found; of a file that can't be read the page Evaluate tells."""
    try:
        content = read_evaluation(_job)
    except (OSError, DocumentError):
        return judge(None)
    return judge(content["model"]["mae"], content["baseline"]["mae"])
