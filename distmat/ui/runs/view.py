"""One run: how far it is, how it goes, and what it is made of."""

import json
import time

import streamlit as st

from distmat.jobs.log import tail
from distmat.jobs.states import State
from distmat.runs.run import Run
from distmat.runs.store import RunStore
from distmat.ui.markdown import escaped
from distmat.ui.run_store import duration, metric, moment, show_state

LOG_LINES = 200
"""Of the log's end that are shown."""


def show_title(run: Run) -> None:
    """Name, state and what it runs on."""
    with st.container(horizontal=True, vertical_alignment="center"):
        st.title(escaped(run.name), anchor=False, width="content")
        show_state(run.state)
    facts = [escaped(run.id), f"made {moment(run.created)}"]
    for name in ("device", "precision"):
        if run.facts.get(name):
            facts.append(escaped(str(run.facts[name])))
    if run.facts.get("trainable_parameters"):
        facts.append(f"{run.facts['trainable_parameters']:,} trainable parameters")
    if run.facts.get("train_chains"):
        facts.append(f"{run.facts['train_chains']:,} chains")
    facts += [escaped(tag) for tag in run.tags]
    st.caption(" · ".join(facts))
    if run.cause and run.state != State.FINISHED:
        show = st.error if run.state in (State.FAILED, State.CRASHED) else st.info
        show(escaped(run.cause))
    if run.notes:
        st.markdown(escaped(run.notes))


def show_progress(run: Run, store: RunStore) -> None:
    """Steps, time and the error in Å, with the baseline beside it."""
    if run.total_steps:
        st.progress(min(1.0, run.step / run.total_steps))
    speed = metric(run, "residues_per_second")
    total = f" / {run.total_steps:,}" if run.total_steps else ""
    cells = [
        ("Step", f"{run.step:,}{total}"),
        ("Epoch", f"{run.epoch:.2f}"),
        ("Time so far", duration(run.elapsed(time.time())) if run.started else "–"),
        ("Time left", duration(store.remaining(run))),
        ("Residues per second", "–" if speed is None else f"{speed:,.0f}"),
    ]
    *columns, last = st.columns(len(cells) + 1)
    for column, (label, value) in zip(columns, cells, strict=True):
        column.metric(label, value)
    with last:
        _show_error_metric(run)


def _show_error_metric(run: Run) -> None:
    mae, baseline = metric(run, "eval_mae"), metric(run, "eval_baseline_mae")
    if mae is None:
        st.metric("Validation MAE", "not measured")
    elif baseline is None:
        st.metric("Validation MAE", f"{mae:.2f} Å")
    else:
        st.metric(
            "Validation MAE",
            f"{mae:.2f} Å",
            f"{mae - baseline:+.2f} Å to separation only",
            delta_color="inverse",
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
        st.markdown("**Settings**")
        st.json(dict(run.settings), expanded=True)
    with right:
        st.markdown("**Environment**")
        st.json(json.loads(json.dumps(dict(run.environment), default=str)), expanded=True)
        st.markdown("**What the trainer said before the first step**")
        st.json(json.loads(json.dumps(dict(run.facts), default=str)), expanded=True)


def show_log(run: Run) -> None:
    """The end of what its processes wrote."""
    lines = tail(run.log, LOG_LINES)
    if not lines:
        st.info("The log is empty so far.", icon=":material/hourglass_empty:")
        return
    st.code("\n".join(lines), language=None, wrap_lines=True, height=480)
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
