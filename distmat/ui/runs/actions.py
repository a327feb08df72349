"""What a person does to a run: stop, resume, duplicate, rename, tag, note, delete."""

import streamlit as st

from distmat.errors import DistmatError
from distmat.jobs.states import Cause, State
from distmat.runs import operations
from distmat.runs.run import Run
from distmat.runs.store import RunStore
from distmat.ui.markdown import escaped, show_error

_CAN_RESUME = (State.STOPPED, State.FAILED, State.CRASHED)
_WAITING = (State.QUEUED, State.STARTING, State.RUNNING)


def show_actions(store: RunStore, run: Run) -> None:
    """The buttons that fit the run's state."""
    with st.container(horizontal=True):
        if run.state in _WAITING:
            asked = run.stop_asked is not None
            if st.button(
                "Stopping…" if asked else "Stop",
                icon=":material/stop:",
                disabled=asked,
                help="Writes a checkpoint after the present step, and ends.",
            ):
                _do(lambda: operations.stop(store, run.id), "The run stops with a checkpoint.")
        if run.state in _CAN_RESUME and st.button(
            "Resume", icon=":material/play_arrow:", type="primary"
        ):
            _do(
                lambda: operations.resume(store, run.id),
                "The run goes on from its last checkpoint.",
            )
        if run.cause_kind == Cause.CHANGED_DATA and st.button(
            "Resume with the changed data",
            icon=":material/play_arrow:",
            help="Goes on from its checkpoint with the chains that the dataset holds now.",
        ):
            _do(
                lambda: operations.resume(store, run.id, accept_changed_data=True),
                "The run goes on with the dataset as it is now.",
            )
        if st.button(
            "Duplicate",
            icon=":material/content_copy:",
            help="Opens the Train page with this run's settings.",
        ):
            st.session_state["train-from"] = run.id
            st.switch_page("train.py")
        if (run.folder / "config.json").is_file() and st.button(
            "Predict with it",
            icon=":material/genetics:",
            help="Opens the Predict page with this run's final model.",
        ):
            st.session_state["checkpoint-to-open"] = run.id
            st.switch_page("predict.py")
        if run.has_ended and st.button("Delete", icon=":material/delete:"):
            _confirm_deletion(store, run)


def show_labels(store: RunStore, run: Run) -> None:
    """Name, tags and note, to be changed."""
    with st.form("run-labels", border=True):
        name = st.text_input("Name", run.name)
        tags = st.text_input("Tags", ", ".join(run.tags), help="Separated by commas.")
        notes = st.text_area("Note", run.notes)
        if st.form_submit_button("Save", icon=":material/save:"):
            _do(lambda: _label(store, run.id, name, tags, notes), "Saved.")


def _label(store: RunStore, run_id: str, name: str, tags: str, notes: str) -> None:
    store.rename(run_id, name)
    store.tag(run_id, [tag.strip() for tag in tags.split(",") if tag.strip()])
    store.note(run_id, notes)


@st.dialog("Delete this run?")
def _confirm_deletion(store: RunStore, run: Run) -> None:
    st.markdown(
        f"**{escaped(run.name)}**, its checkpoints, its log and its curves will be gone. "
        "This can't be undone."
    )
    with st.container(horizontal=True):
        if st.button("Delete", type="primary", icon=":material/delete:", key="really-delete"):
            try:
                operations.delete(store, run.id)
            except DistmatError as error:
                show_error(error)
                return
            st.query_params.clear()
            st.rerun()
        if st.button("Keep it", key="keep"):
            st.rerun()


def _do(action, said: str) -> None:
    try:
        action()
    except DistmatError as error:
        show_error(error)
        return
    st.toast(said)
    st.rerun()
