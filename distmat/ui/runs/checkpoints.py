"""A run's checkpoints: files, sizes and scores, to keep, delete or predict with."""

import streamlit as st

from distmat.errors import DistmatError
from distmat.runs import checkpoints, operations
from distmat.runs.run import Run
from distmat.runs.store import RunStore
from distmat.ui.bridges import offer_to_evaluate, validation_dataset
from distmat.ui.deletion import offer_deletion
from distmat.ui.markdown import escape, show_error
from distmat.ui.run_store import size


def show_checkpoints(run: Run, store: RunStore) -> None:
    """Each with what can be done with it."""
    found = _once_each(checkpoints.list_checkpoints(run.folder))
    st.caption(f"{size(operations.disk_used(run))} on disk in {escape(str(run.folder))}")
    if not found:
        st.info(
            "No checkpoint yet. One is written at every evaluation, and when the run is stopped.",
            icon=":material/save:",
        )
        return
    best = min(
        (one for one in found if "eval_mae" in one.scores),
        key=lambda one: one.scores["eval_mae"],
        default=None,
    )
    for checkpoint in found:
        with st.container(border=True):
            _show(run, checkpoint, is_best=checkpoint is best)


def _once_each(
    found: list[checkpoints.CheckpointFiles],
) -> list[checkpoints.CheckpointFiles]:
    """One of each step: the copy that is kept stands for the one that it was made of."""
    kept = {checkpoint.step for checkpoint in found if checkpoint.kept}
    return [one for one in found if one.kept or not one.complete or one.step not in kept]


def _delete_step(run: Run, checkpoint: checkpoints.CheckpointFiles) -> None:
    """Both the trainer's own and the copy that is kept of it."""
    for one in checkpoints.list_checkpoints(run.folder):
        if one.step == checkpoint.step and one.complete == checkpoint.complete:
            checkpoints.delete_checkpoint(run, one.name)


def _show(run: Run, checkpoint: checkpoints.CheckpointFiles, is_best: bool) -> None:
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
        st.markdown(f"**{escape(checkpoint.name)}** · {escape(' · '.join(words))}")
        if is_best:
            st.badge("lowest validation MAE", color="green", icon=":material/star:")
        if checkpoint.complete and st.button(
            "Predict with it", key=f"open-{checkpoint.name}", icon=":material/genetics:"
        ):
            st.switch_page("predict.py", query_params={"checkpoint": f"{run.id}/{checkpoint.name}"})
        if checkpoint.complete:
            offer_to_evaluate(
                f"{run.id}-{checkpoint.name}",
                [f"{run.id}/{checkpoint.name}"],
                validation_dataset(run),
                "Evaluate it",
                "Opens the Evaluate page with this checkpoint.",
            )
        if not checkpoint.kept and st.button(
            "Keep",
            key=f"keep-{checkpoint.name}",
            icon=":material/bookmark:",
            help="Training deletes all but the newest and the best; a kept one stays.",
        ):
            _do(lambda: checkpoints.keep(run.folder, checkpoint.name))
        offer_deletion(
            f"delete-{checkpoint.name}",
            "this checkpoint",
            f"**{escape(checkpoint.name)}** of {escape(run.name)} will be gone.",
            lambda: _delete_step(run, checkpoint),
        )
    with st.expander(f"{len(checkpoint.files)} files"):
        st.dataframe(
            [{"File": name, "Size": size(bytes_)} for name, bytes_ in checkpoint.files],
            hide_index=True,
        )


def _do(action) -> None:
    try:
        action()
    except DistmatError as error:
        show_error(error)
        return
    st.rerun()
