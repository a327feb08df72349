"""One run: how far it is, how it goes, and what it is made of."""

import json
import math
import time

import streamlit as st

from distmat.jobs.log import tail
from distmat.jobs.states import State
from distmat.runs.run import Run
from distmat.runs.store import RunStore
from distmat.training.config import TrainingConfig, settings
from distmat.ui.markdown import escape
from distmat.ui.run_store import duration, metric, moment, show_setting, show_state
from distmat.ui.style import name_tab

LOG_LINES = 200
"""Of the log's end that are shown."""


def show_title(run: Run) -> None:
    """Name, state and what it runs on."""
    name_tab(run.name, "Runs")
    with st.container(horizontal=True, vertical_alignment="center"):
        st.title(escape(run.name), anchor=False, width="content")
        show_state(run.state)
    facts = [escape(run.id), f"made {moment(run.created)}"]
    for name in ("device", "precision"):
        if run.facts.get(name):
            facts.append(escape(str(run.facts[name])))
    if run.facts.get("trainable_parameters"):
        facts.append(f"{run.facts['trainable_parameters']:,} trainable parameters")
    if run.facts.get("train_chains"):
        facts.append(f"{run.facts['train_chains']:,} chains")
    facts += [escape(tag) for tag in run.tags]
    st.caption(" · ".join(facts))
    if run.cause and run.state != State.FINISHED:
        show = st.error if run.state in (State.FAILED, State.CRASHED) else st.info
        show(escape(run.cause))
    if run.notes:
        st.markdown(escape(run.notes))


def show_progress(run: Run, store: RunStore) -> None:
    """Steps, time and the error in Å, with the baseline beside it."""
    if run.total_steps:
        st.progress(min(1.0, run.step / run.total_steps))
    if (said := _waits_for(run, store) or _between_steps(run, store)) is not None:
        st.caption(f":material/hourglass_top: {escape(said)}")
    speed = metric(run, "residues_per_second")
    total = f" / {run.total_steps:,}" if run.total_steps else ""
    cells = [
        ("Step", f"{run.step:,}{total}"),
        ("Epoch", f"{run.epoch:.2f}"),
        ("Time so far", duration(run.seconds_spent(time.time())) if run.started else "–"),
        ("Time left", _time_left(run, store)),
        ("Residues per second", "–" if speed is None else f"{speed:,.0f}"),
    ]
    # Beside each other where there is room, and never cut.
    with st.container(horizontal=True, gap="medium"):
        for label, value in cells:
            st.metric(label, value, width="content")
        _show_error_metric(run)


def _time_left(run: Run, store: RunStore) -> str:
    if run.active and run.total_steps and run.step >= run.total_steps:
        return "finishing"
    return duration(store.seconds_left(run))


def _waits_for(run: Run, store: RunStore) -> str | None:
    """Why a run of the queue hasn't begun; of one that waits in a cluster the cluster knows."""
    if run.state != State.QUEUED or run.job:
        return None
    if store.paused and not run.immediate:
        return "The queue is paused: nothing new starts until it goes on, under All runs."
    order = [each.id for each in store.list_queued()]
    return (
        f"Place {order.index(run.id) + 1} of {len(order)} in the queue."
        if run.id in order
        else None
    )


def _between_steps(run: Run, store: RunStore) -> str | None:
    """What an active run said last, before its first step and after its last one."""
    if not run.active or 0 < run.step < (run.total_steps or math.inf):
        return None
    events = store.events(run.id)
    return events[-1].text if events else None


def _show_error_metric(run: Run) -> None:
    mae, baseline = metric(run, "eval_mae"), metric(run, "eval_baseline_mae")
    if mae is None:
        st.metric("Validation MAE", "not measured", width="content")
    elif baseline is None:
        st.metric("Validation MAE", f"{mae:.2f} Å", width="content")
    else:
        st.metric(
            "Validation MAE",
            f"{mae:.2f} Å",
            f"{mae - baseline:+.2f} Å to separation only",
            delta_color="inverse",
            width="content",
        )


def show_steps(run: Run, store: RunStore) -> None:
    """The table of logged steps, thinned with its extremes kept."""
    names = ["loss", "grad_norm", "learning_rate"]
    rows = store.table(run.id, names, rows=200)
    if not rows:
        st.info("Nothing has been logged yet.", icon=":material/hourglass_empty:")
        return
    st.dataframe(
        [{name: row[name] for name in ("step", "epoch", *names)} for row in rows],
        hide_index=True,
        width="stretch",
        column_config={
            "step": st.column_config.NumberColumn("Step", format="localized"),
            "epoch": st.column_config.NumberColumn("Epoch", format="%.2f"),
            "loss": st.column_config.NumberColumn("Loss", format="%.4f"),
            "grad_norm": st.column_config.NumberColumn("Gradient norm", format="%.3f"),
            "learning_rate": st.column_config.NumberColumn("Learning rate", format="%.2e"),
        },
    )


def show_settings(run: Run) -> None:
    """The run's own settings, the machine and the software, and the state of the code."""
    left, right = st.columns(2, gap="large")
    with left:
        _show_own_settings(run)
    with right:
        st.markdown("**Environment**")
        st.json(json.loads(json.dumps(dict(run.environment), default=str)), expanded=True)
        st.markdown("**What the trainer said before the first step**")
        st.json(json.loads(json.dumps(dict(run.facts), default=str)), expanded=True)


def _show_own_settings(run: Run) -> None:
    """By what they mean, those that aren't at their default first."""
    usual = TrainingConfig().as_dict()
    rows = [
        {
            "Setting": one.label,
            "Value": show_setting(run.settings[name]),
            "Default": show_setting(usual[name]),
            "Name": name,
        }
        for name, one in settings().items()
        if name in run.settings
    ]
    changed = [row for row in rows if row["Value"] != row["Default"]]
    st.markdown(f"**{len(changed)} settings that aren't at their default**")
    st.dataframe(changed, hide_index=True, width="stretch")
    with st.expander("All settings"):
        st.dataframe(rows, hide_index=True, width="stretch")


def show_log(run: Run) -> None:
    """The end of what its processes wrote."""
    lines = tail(run.log, LOG_LINES)
    if not lines:
        st.info("The log is empty so far.", icon=":material/hourglass_empty:")
        return
    # At its end, where the newest line is.
    with st.container(height=480, autoscroll=True, key="log"):
        st.code("\n".join(lines), language=None, wrap_lines=True)
    st.download_button(
        "Download the whole log",
        lambda: run.log.read_bytes() if run.log.is_file() else b"",
        file_name=f"{run.id}.log.txt",
        icon=":material/download:",
    )


def show_events(run: Run, store: RunStore) -> None:
    """What happened, the newest first."""
    events = store.events(run.id)
    st.dataframe(
        [{"When": moment(event.time), "What": event.text} for event in reversed(events)],
        hide_index=True,
        width="stretch",
    )
