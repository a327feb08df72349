"""The page of one run."""

import streamlit as st

from distmat.errors import RunError
from distmat.runs.run import TRAINING, Run
from distmat.runs.store import RunStore
from distmat.ui.address import name_in_address, read_address
from distmat.ui.runs.actions import show_actions
from distmat.ui.runs.checkpoints import show_checkpoints
from distmat.ui.runs.curves import ask_view, show_curves
from distmat.ui.runs.diagnosis import show_diagnosis
from distmat.ui.runs.hardware import show_hardware
from distmat.ui.runs.learning import show_learning
from distmat.ui.runs.list import show_way_back
from distmat.ui.runs.report import show_report
from distmat.ui.runs.view import (
    show_events,
    show_log,
    show_progress,
    show_settings,
    show_steps,
    show_title,
)

REFRESH = "1s"
"""Time between two looks at an active run."""

_TABS = (
    "Curves", "Maps", "Steps", "Checkpoints", "Hardware", "Log", "Events", "Settings", "Report",
)  # fmt: skip


def show_run(store: RunStore, run_id: str) -> None:
    """Everything about a run, live while it is active."""
    run = store.get(run_id)
    if run.kind != TRAINING:
        raise RunError(f"{run.id} is no training; the page of all runs and jobs shows it.")
    show_way_back()
    show_title(run)
    show_actions(store, run)
    live = REFRESH if not run.has_ended else None
    st.fragment(_show_head, run_every=live)(store, run)
    tab = st.segmented_control(
        "Show",
        _TABS,
        default=read_address("show", _TABS, _TABS[0]),
        required=True,
        key="run-tab",
        label_visibility="collapsed",
    )
    name_in_address("show", tab or _TABS[0], _TABS[0])
    if tab == "Curves":
        view = ask_view("run")
        st.fragment(_show_curves, run_every=live)(store, run_id, view)
    elif tab == "Settings":
        show_settings(run)
    elif tab == "Report":
        show_report(store, run)
    else:
        st.fragment(_show_tab, run_every=live)(store, run_id, tab)


def _show_head(store: RunStore, before: Run) -> None:
    run = store.get(before.id)
    if run.state != before.state:
        # Title, buttons and the pace of refreshing depend on the state.
        st.rerun()
    show_progress(run, store)
    show_diagnosis(run, store)


def _show_curves(store: RunStore, run_id: str, view) -> None:
    show_curves(store, [store.get(run_id)], view, "run")


def _show_tab(store: RunStore, run_id: str, tab: str) -> None:
    run = store.get(run_id)
    if tab == "Maps":
        show_learning(run)
    elif tab == "Steps":
        show_steps(run, store)
    elif tab == "Checkpoints":
        show_checkpoints(run, store)
    elif tab == "Hardware":
        show_hardware(run, store)
    elif tab == "Log":
        show_log(run)
    else:
        show_events(run, store)
