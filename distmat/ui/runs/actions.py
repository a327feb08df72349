"""What a person does to a run: stop, resume, duplicate, rename, tag, note, delete."""

import streamlit as st

from distmat.errors import DistmatError
from distmat.jobs.states import Cause, State
from distmat.runs import operations
from distmat.runs.checkpoints import list_checkpoints
from distmat.runs.run import Run
from distmat.runs.store import RunStore
from distmat.ui.bridges import offer_to_evaluate, validation_dataset
from distmat.ui.deletion import offer_deletion
from distmat.ui.markdown import escape, show_error
from distmat.ui.runs.list import forget_runs
from distmat.workspace import shipped_checkpoint

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
        if run.state in _CAN_RESUME:
            _offer_resume(store, run)
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
            st.switch_page("predict.py", query_params={"checkpoint": run.id})
        _offer_evaluation(run)
        if run.has_ended:
            _offer_deletion(store, run)
        show_labels(store, run)


def _offer_evaluation(run: Run) -> None:
    """Alone, and beside the model that ships, on the data that it was validated on.

    Of a run that has no final model, as one that was stopped, its newest checkpoint.
    """
    model = run.id
    if not (run.folder / "config.json").is_file():
        whole = [one for one in list_checkpoints(run.folder) if one.complete]
        if not run.has_ended or not whole:
            return
        model = f"{run.id}/{whole[-1].name}"
    dataset = validation_dataset(run)
    offer_to_evaluate(
        run.id,
        [model],
        dataset,
        "Evaluate it",
        f"Opens the Evaluate page with the checkpoint {model}.",
    )
    if (shipped := shipped_checkpoint()) is not None:
        offer_to_evaluate(
            f"{run.id}-compared",
            [model, shipped],
            dataset,
            f"Compare with {shipped}",
            f"Opens the Evaluate page with the checkpoints {model} and {shipped}.",
        )


def _offer_resume(store: RunStore, run: Run) -> None:
    """Going on, where there is something to go on from; else from the beginning."""
    if any(checkpoint.complete for checkpoint in list_checkpoints(run.folder)):
        label, said = "Resume", "The run goes on from its last checkpoint."
    else:
        label, said = "Start again", "The run begins again: it had no checkpoint to go on from."
    if st.button(label, icon=":material/play_arrow:", type="primary", help=said):
        _do(lambda: operations.resume(store, run.id), said)


def show_labels(store: RunStore, run: Run) -> None:
    """Name, tags and note, to be changed."""
    with (
        st.popover("Name, tags, note", icon=":material/edit:"),
        st.form("run-labels", border=False),
    ):
        name = st.text_input("Name", run.name)
        tags = st.text_input("Tags", ", ".join(run.tags), help="Separated by commas.")
        notes = st.text_area("Note", run.notes)
        if st.form_submit_button("Save", icon=":material/save:"):
            _do(lambda: _label(store, run.id, name, tags, notes), "Saved.")


def _label(store: RunStore, run_id: str, name: str, tags: str, notes: str) -> None:
    store.rename(run_id, name)
    store.tag(run_id, [tag.strip() for tag in tags.split(",") if tag.strip()])
    store.note(run_id, notes)


def _offer_deletion(store: RunStore, run: Run) -> None:
    def delete() -> None:
        operations.delete(store, run.id)
        forget_runs()

    offer_deletion(
        "delete-run",
        "this run",
        f"**{escape(run.name)}**, its checkpoints, its log and its curves will be gone.",
        delete,
    )


def _do(action, said: str) -> None:
    try:
        action()
    except DistmatError as error:
        show_error(error)
        return
    st.toast(said)
    st.rerun()
