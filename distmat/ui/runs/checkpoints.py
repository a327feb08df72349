"""A run's checkpoints: files, sizes and scores, to keep, delete or predict with."""

import streamlit as st

from distmat.errors import DistmatError
from distmat.runs import checkpoints, operations
from distmat.runs.run import Run
from distmat.runs.store import RunStore
from distmat.ui.markdown import escaped, show_error
from distmat.ui.run_store import size


def show_checkpoints(run: Run, store: RunStore) -> None:
    """Each with what can be done with it."""
    found = checkpoints.list_checkpoints(run.folder)
    st.caption(f"{size(operations.disk_used(run))} on disk in {escaped(str(run.folder))}")
    if not found:
        st.info(
            "No checkpoint yet. One is written at every evaluation, and when the run is stopped.",
            icon=":material/save:",
        )
        return
    for checkpoint in found:
        with st.container(border=True):
            _show(run, checkpoint)


def _show(run: Run, checkpoint: checkpoints.CheckpointFiles) -> None:
    words = [size(checkpoint.size)]
    if checkpoint.kept:
        words.append("kept")
    if not checkpoint.complete:
        words.append("incomplete")
    mae, baseline = (checkpoint.scores.get(name) for name in ("eval_mae", "eval_baseline_mae"))
    if mae is not None:
        beside = "" if baseline is None else f" (separation only {baseline:.2f} Å)"
        words.append(f"validation MAE {mae:.2f} Å{beside}")
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(f"**{escaped(checkpoint.name)}** · {escaped(' · '.join(words))}")
        if checkpoint.complete and st.button(
            "Predict with it", key=f"open-{checkpoint.name}", icon=":material/genetics:"
        ):
            st.session_state["checkpoint-to-open"] = str(run.folder / checkpoint.name)
            st.switch_page("predict.py")
        if not checkpoint.kept and st.button(
            "Keep",
            key=f"keep-{checkpoint.name}",
            icon=":material/bookmark:",
            help="Training deletes all but the newest and the best; a kept one stays.",
        ):
            _do(lambda: checkpoints.keep(run.folder, checkpoint.name))
        if st.button("Delete", key=f"delete-{checkpoint.name}", icon=":material/delete:"):
            _confirm(run, checkpoint.name)
    with st.expander(f"{len(checkpoint.files)} files"):
        st.dataframe(
            [{"File": name, "Size": size(bytes_)} for name, bytes_ in checkpoint.files],
            hide_index=True,
        )


@st.dialog("Delete this checkpoint?")
def _confirm(run: Run, name: str) -> None:
    st.markdown(f"**{escaped(name)}** of {escaped(run.name)} will be gone.")
    if st.button("Delete", type="primary", icon=":material/delete:", key="really-delete-one"):
        _do(lambda: checkpoints.delete_checkpoint(run, name))


def _do(action) -> None:
    try:
        action()
    except DistmatError as error:
        show_error(error)
        return
    st.rerun()
