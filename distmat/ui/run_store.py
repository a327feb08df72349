"""The runs of this workspace, as pages see them, and how their figures read."""

import math
from datetime import datetime

import streamlit as st

from distmat.jobs.states import State
from distmat.runs.run import Run
from distmat.runs.store import RunStore
from distmat.scoring.verdict import Verdict, judge
from distmat.workspace import workspace

STATE_WORDS = {
    State.QUEUED: ("gray", ":material/schedule:", "queued"),
    State.STARTING: ("blue", ":material/hourglass_top:", "starting"),
    State.RUNNING: ("blue", ":material/play_arrow:", "running"),
    State.FINISHED: ("green", ":material/check:", "finished"),
    State.STOPPED: ("orange", ":material/stop:", "stopped"),
    State.FAILED: ("red", ":material/error:", "failed"),
    State.CRASHED: ("red", ":material/bolt:", "crashed"),
}
"""Colour, sign and word of each state."""


def open_store() -> RunStore:
    """The store of the workspace; one for all pages and people."""
    return _store(str(workspace().resolve()))


@st.cache_resource(show_spinner=False)
def _store(home: str) -> RunStore:
    # A little less than the time between two refreshes.
    return RunStore(share=0.9)


def show_state(state: State) -> None:
    """The state as a coloured badge."""
    colour, icon, word = STATE_WORDS[state]
    st.badge(word, color=colour, icon=icon)


def address(run_id: str) -> str:
    """Link to a run's page."""
    return f"runs?run={run_id}"


def duration(seconds: float | None) -> str:
    """As a person would say it."""
    if seconds is None or not math.isfinite(seconds):
        return "–"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    if whole < 86_400:
        return f"{whole // 3600} h {whole % 3600 // 60} min"
    return f"{whole // 86_400} d {whole % 86_400 // 3600} h"


def moment(time: float | None) -> str:
    """Date and time of day where the app runs."""
    return "–" if time is None else f"{datetime.fromtimestamp(time):%Y-%m-%d %H:%M}"


def size(bytes_: float) -> str:
    """Of files, in powers of 1,000."""
    for unit, scale in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if bytes_ >= scale:
            return f"{bytes_ / scale:.1f} {unit}"
    return f"{bytes_:.0f} B"


def metric(run: Run, name: str) -> float | None:
    """The newest value, if it is a number."""
    value = run.metrics.get(name)
    return value if value is not None and math.isfinite(value) else None


def verdict(run: Run) -> Verdict:
    """Whether it is better than the separation baseline, at the last evaluation."""
    return judge(metric(run, "eval_mae"), metric(run, "eval_baseline_mae"))


def skill(run: Run) -> float | None:
    """Share of the separation baseline's error that the model saves, at the last evaluation."""
    found = verdict(run)
    return None if found.kind == "unknown" else found.gain


def show_setting(value: object) -> str:
    """A setting's value as a person reads it."""
    if isinstance(value, (list, tuple)):
        return ", ".join(map(str, value))
    return "–" if value in ("", None) else str(value)
