"""All runs as a table to search, open and compare, and the queue below it."""

import time
from typing import Any

import streamlit as st

from distmat.jobs.kinds import ENTRIES
from distmat.jobs.states import State
from distmat.runs import operations
from distmat.runs.run import TRAINING, Run
from distmat.runs.store import RunStore
from distmat.ui.job_list import show_jobs
from distmat.ui.markdown import escaped
from distmat.ui.run_store import STATE_WORDS, duration, metric, moment, skill

REFRESH = "2s"
"""Time between two looks at the store."""


def ask_filter() -> tuple[str, list[State]]:
    """Words to search for, and states to show."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        text = st.text_input(
            "Search",
            key="runs-search",
            placeholder="name, tag, group or note",
            icon=":material/search:",
            width=320,
        )
        states = st.pills(
            "State",
            list(State),
            selection_mode="multi",
            format_func=lambda state: STATE_WORDS[state][2],
            key="runs-states",
        )
    return text, states


def show_table(runs: list[Run], store: RunStore) -> list[Run]:
    """The runs, one to a row; those that a person has chosen."""
    event = st.dataframe(
        [_row(run, store) for run in runs],
        hide_index=True,
        width="stretch",
        placeholder="–",
        on_select="rerun",
        selection_mode="multi-row",
        key="runs-table",
        column_config=_COLUMNS,
    )
    return [runs[index] for index in event["selection"]["rows"] if index < len(runs)]


def _row(run: Run, store: RunStore) -> dict[str, Any]:
    share = run.step / run.total_steps if run.total_steps else 0.0
    return {
        "Run": run.name,
        "State": STATE_WORDS[run.state][2],
        "Progress": 100 * min(1.0, share),
        "Step": run.step,
        "MAE": metric(run, "eval_mae"),
        "Baseline": metric(run, "eval_baseline_mae"),
        "Skill": None if (gain := skill(run)) is None else 100 * gain,
        "Loss": metric(run, "loss"),
        "Time": duration(run.elapsed(time.time())) if run.started else "–",
        "Left": duration(store.remaining(run)),
        "Made": moment(run.created),
        "Group": run.group,
        "Tags": list(run.tags),
        "Id": run.id,
    }


_COLUMNS = {
    "Run": st.column_config.TextColumn(pinned=True),
    "Progress": st.column_config.ProgressColumn(format="%.0f %%", min_value=0, max_value=100),
    "Step": st.column_config.NumberColumn(format="localized"),
    "MAE": st.column_config.NumberColumn(
        "MAE (Å)", format="%.2f", help="On validation chains, at the last evaluation."
    ),
    "Baseline": st.column_config.NumberColumn(
        "Separation only (Å)",
        format="%.2f",
        help="What knowing nothing but the separation along the chain gives on the same chains.",
    ),
    "Skill": st.column_config.NumberColumn(
        format="%.1f %%",
        help="How much less the model errs than the separation baseline; 0 % knows nothing.",
    ),
    "Loss": st.column_config.NumberColumn(format="%.4g"),
    "Tags": st.column_config.ListColumn(),
}


def show_runs(store: RunStore) -> None:
    """The page without a run: all of them."""
    st.title("Runs", anchor=False)
    if not store.runs():
        st.info(
            "There are no runs yet. Start one on the Train page: the preset quick-look takes "
            "minutes and needs no data.",
            icon=":material/rocket_launch:",
        )
        st.page_link("train.py", label="Train a model", icon=":material/model_training:")
        show_others(store)
        return
    text, states = ask_filter()
    _show_live(store, text, states)
    show_queue(store)
    show_others(store)


def show_others(store: RunStore) -> None:
    """Jobs that are no trainings."""
    kinds = [kind for kind in ENTRIES if kind != TRAINING]
    if store.jobs(kinds=kinds):
        st.subheader("Other jobs", anchor=False)
        show_jobs(store, kinds)


@st.fragment(run_every=REFRESH)
def _show_live(store: RunStore, text: str, states: list[State]) -> None:
    runs = store.runs(states or None, text=text)
    if not runs:
        st.info("No run fits the search.", icon=":material/search_off:")
        return
    chosen = show_table(runs, store)
    with st.container(horizontal=True):
        if st.button(
            "Open", icon=":material/open_in_full:", type="primary", disabled=len(chosen) != 1
        ):
            open_run(chosen[0].id)
        if st.button("Compare", icon=":material/compare_arrows:", disabled=len(chosen) < 2):
            st.query_params.clear()
            st.query_params["compare"] = ",".join(run.id for run in chosen)
            st.rerun()
        if not chosen:
            st.caption("Tick one run to open it, several to compare them.")


def open_run(run_id: str) -> None:
    """Show this run from now on."""
    st.query_params.clear()
    st.query_params["run"] = run_id
    st.rerun()


def show_queue(store: RunStore) -> None:
    """What waits, in its order, and whether the queue goes on."""
    waiting = store.queued()
    if not waiting and not store.paused:
        return
    st.subheader("Queue", anchor=False)
    paused = st.toggle("Paused", value=store.paused, help="What runs goes on; nothing new starts.")
    if paused != store.paused:
        operations.pause(store, paused)
        st.rerun()
    for place, run in enumerate(waiting):
        with st.container(horizontal=True, vertical_alignment="center"):
            st.markdown(f"{place + 1}\\. {escaped(run.name)}")
            if st.button(
                "Up", key=f"up-{run.id}", icon=":material/arrow_upward:", disabled=place == 0
            ):
                operations.reorder(store, run.id, place - 1)
                st.rerun()
            if st.button(
                "Down",
                key=f"down-{run.id}",
                icon=":material/arrow_downward:",
                disabled=place == len(waiting) - 1,
            ):
                operations.reorder(store, run.id, place + 1)
                st.rerun()
            if st.button("Take out", key=f"out-{run.id}", icon=":material/close:"):
                operations.stop(store, run.id)
                st.rerun()
