"""All runs as a table to search, open and compare, and the queue below it."""

import time
from collections.abc import Callable, Sequence
from typing import Any

import streamlit as st

from distmat.errors import DistmatError
from distmat.jobs.kinds import ENTRIES
from distmat.jobs.states import State
from distmat.runs import operations
from distmat.runs.run import TRAINING, Run
from distmat.runs.store import RunStore
from distmat.ui.deletion import offer_deletion
from distmat.ui.job_list import show_jobs
from distmat.ui.markdown import escape, show_error
from distmat.ui.run_store import STATE_WORDS, duration, metric, moment, show_setting, skill

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
    """The runs, one to a row; those that are ticked. A click on any cell opens its run."""
    varied, best = sweep_values(runs), best_of_sweeps(runs)
    event = st.dataframe(
        [_row(run, store, varied.get(run.id, ""), run.id in best) for run in runs],
        hide_index=True,
        width="stretch",
        placeholder="–",
        on_select="rerun",
        selection_mode=("multi-row", "single-cell"),
        key="runs-table",
        column_config=_COLUMNS,
        column_order=[name for name in _ORDER if name != "Varied" or varied],
    )
    selection = event["selection"]
    for row, _column in selection.get("cells", []):
        if row < len(runs):
            open_run(runs[row].id)
    return [runs[index] for index in selection["rows"] if index < len(runs)]


def sweep_values(runs: Sequence[Run]) -> dict[str, str]:
    """Of each run of a group the settings that set it apart, by its id."""
    words: dict[str, list[str]] = {}
    for members in _groups(runs).values():
        names = dict.fromkeys(name for run in members for name in run.settings)
        for name in names:
            values = [show_setting(run.settings.get(name)) for run in members]
            if name != "output" and len(set(values)) > 1:
                for run, value in zip(members, values, strict=True):
                    words.setdefault(run.id, []).append(f"{name}={value}")
    return {run_id: " ".join(parts) for run_id, parts in words.items()}


def best_of_sweeps(runs: Sequence[Run]) -> set[str]:
    """Ids of the runs with the lowest validation error of their group."""
    best = set()
    for members in _groups(runs).values():
        scored = [(mae, run.id) for run in members if (mae := metric(run, "eval_mae")) is not None]
        if len(scored) > 1:
            best.add(min(scored)[1])
    return best


def _groups(runs: Sequence[Run]) -> dict[str, list[Run]]:
    groups: dict[str, list[Run]] = {}
    for run in runs:
        if run.group:
            groups.setdefault(run.group, []).append(run)
    return groups


def _row(run: Run, store: RunStore, varied: str, best: bool) -> dict[str, Any]:
    share = run.step / run.total_steps if run.total_steps else 0.0
    return {
        "Run": f"★ {run.name}" if best else run.name,
        "State": [STATE_WORDS[run.state][2]],
        "Progress": 100 * min(1.0, share),
        "Step": run.step,
        "Curve": _loss_curve(store, run.id, run.step),
        "MAE": metric(run, "eval_mae"),
        "Baseline": metric(run, "eval_baseline_mae"),
        "Skill": None if (gain := skill(run)) is None else 100 * gain,
        "Loss": metric(run, "loss"),
        "Varied": varied,
        "Time": duration(run.seconds_spent(time.time())) if run.started else "–",
        "Left": duration(store.seconds_left(run)),
        "Made": moment(run.created),
        "Group": run.group,
        "Tags": list(run.tags),
        "Id": run.id,
    }


@st.cache_data(max_entries=1000, show_spinner=False)
def _loss_curve(_store: RunStore, run_id: str, step: int) -> list[float]:
    """The loss so far, thinned to what a cell of a table can show."""
    curve = _store.curves(run_id, points=_SPARKS).get("loss") if step else None
    return [] if curve is None else curve.finite().values.tolist()


_SPARKS = 40
"""Points of a curve in a table."""

_ORDER = (
    "Run", "State", "Progress", "Step", "Curve", "MAE", "Baseline", "Skill", "Varied", "Loss",
    "Time", "Left", "Made", "Group", "Tags", "Id",
)  # fmt: skip

_COLUMNS = {
    "Run": st.column_config.TextColumn(
        pinned=True, help="Click on any cell to open the run; ★: the best of its sweep."
    ),
    "State": st.column_config.MultiselectColumn(
        options=[word for _, _, word in STATE_WORDS.values()],
        color=[colour for colour, _, _ in STATE_WORDS.values()],
    ),
    "Progress": st.column_config.ProgressColumn(format="%.0f %%", min_value=0, max_value=100),
    "Step": st.column_config.NumberColumn(format="localized"),
    "Curve": st.column_config.LineChartColumn("Loss so far"),
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
    "Varied": st.column_config.TextColumn(help="What sets a run of a sweep apart."),
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
    if not chosen:
        st.caption("Click on a run to open it; tick several to compare, stop, tag or delete them.")
        return
    with st.container(horizontal=True, vertical_alignment="bottom"):
        if st.button("Compare", icon=":material/compare_arrows:", disabled=len(chosen) < 2):
            forget_runs()
            st.query_params["compare"] = ",".join(run.id for run in chosen)
            st.rerun()
        _offer_for_many(store, chosen)


def _offer_for_many(store: RunStore, chosen: list[Run]) -> None:
    """What can be done to all that are ticked."""
    waiting = [run for run in chosen if not run.has_ended and run.stop_asked is None]
    ended = [run for run in chosen if run.has_ended]
    if waiting and st.button(f"Stop {len(waiting)}", key="stop-many", icon=":material/stop:"):
        _for_each(waiting, lambda run: operations.stop(store, run.id))
    if ended:
        names = ", ".join(escape(run.name) for run in ended)
        offer_deletion(
            "delete-many",
            f"{len(ended)} runs" if len(ended) > 1 else "this run",
            f"{names}: checkpoints, logs and curves will be gone.",
            lambda: _delete(store, ended),
            label=f"Delete {len(ended)}",
        )
    tag = st.text_input(
        "Tag", key="tag-many", placeholder="tag all that are ticked", label_visibility="collapsed"
    )
    if tag and st.button("Tag", key="tag-them", icon=":material/label:"):
        _for_each(chosen, lambda run: store.tag(run.id, [*run.tags, tag.strip()]))


def _delete(store: RunStore, runs: list[Run]) -> None:
    for run in runs:
        operations.delete(store, run.id)


def _for_each(runs: list[Run], act: Callable[[Run], object]) -> None:
    try:
        for run in runs:
            act(run)
    except DistmatError as error:
        show_error(error)
        return
    st.rerun()


def show_way_back() -> None:
    """From one run, or from an address that names none, to all of them."""
    if st.button("All runs", icon=":material/arrow_back:", type="tertiary"):
        forget_runs()
        st.rerun()


def open_run(run_id: str) -> None:
    """Show this run from now on."""
    forget_runs()
    st.query_params["run"] = run_id
    st.rerun()


def forget_runs() -> None:
    """The address names no run any more; what else it names are views, which stay."""
    for name in ("run", "compare"):
        st.query_params.pop(name, None)


def show_queue(store: RunStore) -> None:
    """What waits, in its order, and whether the queue goes on."""
    waiting = store.list_queued()
    if not waiting and not store.paused:
        return
    st.subheader("Queue", anchor=False)
    paused = st.toggle("Paused", value=store.paused, help="What runs goes on; nothing new starts.")
    if paused != store.paused:
        operations.pause(store, paused)
        st.rerun()
    for place, run in enumerate(waiting):
        with st.container(horizontal=True, vertical_alignment="center"):
            st.markdown(f"{place + 1}\\. {escape(run.name)}")
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
