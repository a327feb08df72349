"""Jobs as a person sees them: how far they are, and what can be done with each."""

from collections.abc import Callable, Sequence
from typing import Any

import streamlit as st

from distmat.errors import DistmatError
from distmat.jobs import operations
from distmat.jobs.job import Job
from distmat.jobs.kinds import words_of
from distmat.jobs.log import tail
from distmat.jobs.states import ENDED, Cause, State
from distmat.jobs.store import Store
from distmat.ui.markdown import escape, show_error
from distmat.ui.run_store import show_state

_LINES = 12
"""Of the log of a job that failed."""


def show_jobs(
    store: Store[Any],
    kinds: Sequence[str],
    on_finish: Callable[[Job], None] | None = None,
    show_result: Callable[[Job], None] | None = None,
) -> None:
    """Each job of these kinds; with `on_finish` those that have finished aren't shown.

    Parameters
    ----------
    on_finish : callable, optional
        Told of each job that was seen before its end and has finished.
    show_result : callable, optional
        Shows what a job that has finished has brought.
    """
    jobs = store.jobs(kinds=kinds)
    if jobs:
        # What is at rest is left alone, so that what was opened in it stays open, and a click on
        # a file to download isn't lost while the next look replaces it.
        live = not all(job.has_ended for job in jobs)
        show = st.fragment(_show_live, run_every=1.0 if live else None)
        show(store, kinds, on_finish, show_result, live)


def watch_job(job: Job) -> None:
    """How it ends is of interest in this session."""
    _watched().add(job.id)


def _watched() -> set[str]:
    return st.session_state.setdefault("watched-jobs", set())


def _show_live(
    store: Store[Any],
    kinds: Sequence[str],
    on_finish: Callable[[Job], None] | None,
    show_result: Callable[[Job], None] | None,
    live: bool,
) -> None:
    operations.reconcile(store)
    jobs = store.jobs(kinds=kinds)
    for job in jobs:
        if job.state not in ENDED:
            watch_job(job)
        if job.state != State.FINISHED or on_finish is None:
            with st.container(border=True):
                _show(store, job)
                if job.state == State.FINISHED and show_result is not None:
                    show_result(job)
        elif job.id in _watched():
            _watched().discard(job.id)
            on_finish(job)
            st.rerun()
    if live and all(job.has_ended for job in jobs):
        st.rerun()


def _show(store: Store[Any], job: Job) -> None:
    left, right = st.columns([4, 2], vertical_alignment="center")
    with left:
        if job.has_ended:
            _show_end(job)
        else:
            _show_progress(job)
    with right, st.container(horizontal=True, horizontal_alignment="right"):
        _show_buttons(store, job)


def _show_progress(job: Job) -> None:
    phase = str(job.facts.get("phase") or ("Waiting" if job.state == State.QUEUED else "Starting"))
    total = job.total_steps or 0
    counted = f": {job.step:,} of {total:,}" if total > 2 else ""
    st.progress(
        min(1.0, job.step / total) if total else 0.0,
        f"**{escape(job.name)}** — {words_of(job.kind)}. {escape(phase)}{counted}",
    )
    counts = [f"{value:,.0f} {name.replace('_', ' ')}" for name, value in job.metrics.items()]
    if any(job.metrics.values()):
        st.caption(f"{', '.join(counts)} so far")


def _show_end(job: Job) -> None:
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(f"**{escape(job.name)}** — {words_of(job.kind)}", width="content")
        show_state(job.state)
    if job.cause:
        kind = st.error if job.state == State.FAILED else st.warning
        kind(escape(job.cause), icon=":material/info:")
    if job.state in (State.FAILED, State.CRASHED) and (lines := tail(job.log, _LINES)):
        with st.expander("What it said last"):
            st.code("\n".join(lines), language=None, wrap_lines=True)


def _show_buttons(store: Store[Any], job: Job) -> None:
    if not job.has_ended:
        asked = job.stop_asked is not None
        if st.button(
            "Stopping…" if asked else "Cancel",
            key=f"cancel-{job.id}",
            icon=":material/stop:",
            disabled=asked,
        ):
            _do(lambda: operations.stop(store, job.id))
        return
    # What was asked for was wrong: the same again would fail again.
    can_go_on = job.state != State.FINISHED and job.cause_kind != Cause.INPUT
    if can_go_on and st.button(
        "Go on", key=f"continue-{job.id}", icon=":material/play_arrow:", type="primary"
    ):
        _do(lambda: operations.resume(store, job.id))
    if st.button("Put away", key=f"forget-{job.id}", icon=":material/close:"):
        _do(lambda: operations.delete(store, job.id))


def _do(action: Callable[[], object]) -> None:
    try:
        action()
    except DistmatError as error:
        show_error(error)
        return
    st.rerun()
