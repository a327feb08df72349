"""The last predictions: search them, and open one again."""

import time

import streamlit as st

from distmat.access import may_change
from distmat.errors import DistmatError
from distmat.history import MOST, Remembered, forget, history, make_entry, remember
from distmat.ui.markdown import show_error
from distmat.ui.predict.link import LONGEST_IN_ADDRESS, set_address
from distmat.ui.predict.request import (
    PredictionRequest,
    open_request,
    recall_request,
    request_address,
)
from distmat.ui.predict.view import PredictionView

_ROWS_HEIGHT = 300


def keep_in_history(view: PredictionView) -> None:
    """Remember what is shown, once, and say in the address where it is found again."""
    request, comparison = view.request, view.prediction.comparison
    entry = make_entry(
        request.title,
        request.sequence,
        request.truth,
        view.checkpoint,
        request.alignment,
        *(() if comparison is None else (comparison.model.mae, comparison.baseline.mae)),
    )
    if st.session_state.get("remembered") != view.key:
        st.session_state["remembered"] = view.key
        _keep(entry, request)
    parts = request_address(request)
    if not parts and may_change():
        parts = {"history": entry.id}
    set_address(parts)
    if not parts:
        st.caption(
            "A link to this can't be given here: it has a structure or an alignment of its own, "
            f"or more than {LONGEST_IN_ADDRESS} residues, and this server keeps nothing of what "
            "is asked."
        )


def _keep(entry: Remembered, request: PredictionRequest) -> None:
    if not may_change():
        own = _own()
        own[:] = [(entry, request), *((e, r) for e, r in own if e.id != entry.id)][:MOST]
        return
    try:
        remember(entry, request.truth, request.alignment)
    except DistmatError as error:
        show_error(error)
    except OSError as error:
        st.caption(f"This prediction couldn't be kept in the history ({error.strerror}).")


def _own() -> list[tuple[Remembered, PredictionRequest]]:
    """Of this visit alone, where the server keeps nothing."""
    own: list[tuple[Remembered, PredictionRequest]]
    own = st.session_state.setdefault("own-history", [])
    return own


def show_history() -> None:
    """A table of the last predictions, to search and to open from."""
    entries = [entry for entry, _ in _own()] if not may_change() else history()
    if not entries:
        return
    with st.expander(f"History ({len(entries):,})", icon=":material/history:"):
        text = st.text_input(
            "Search",
            key="history-search",
            placeholder="a name, a checkpoint, or a piece of sequence",
            icon=":material/search:",
            width=380,
        )
        found = [entry for entry in entries if entry.matches(text)]
        if not found:
            st.info("No prediction fits.", icon=":material/search_off:")
            return
        chosen = st.dataframe(
            [_row(entry) for entry in found],
            hide_index=True,
            height=min(_ROWS_HEIGHT, 38 + 35 * len(found)),
            on_select="rerun",
            selection_mode="single-row",
            key="history-table",
            placeholder="–",
        )["selection"]["rows"]
        rows = [row for row in chosen if row < len(found)]
        _show_actions(found[rows[0]] if rows else None)
        st.caption(
            "Of this visit alone: this server keeps nothing of what is asked."
            if not may_change()
            else f"The last {MOST} predictions of this workspace, for everybody who uses it."
        )


def _row(entry: Remembered) -> dict[str, object]:
    return {
        "Protein": entry.title,
        "Residues": len(entry.sequence),
        "Checkpoint": entry.checkpoint,
        "MAE (Å)": entry.mae,
        "separation only (Å)": entry.baseline_mae,
        "When": time.strftime("%Y-%m-%d %H:%M", time.localtime(entry.when)),
        "Sequence": entry.sequence[:60],
    }


def _show_actions(entry: Remembered | None) -> None:
    with st.container(horizontal=True):
        if st.button(
            "Open",
            key="history-open",
            type="primary",
            disabled=entry is None,
            help="Click at the left of a row first.",
        ):
            assert entry is not None  # noqa: S101  the button is disabled otherwise
            _open(entry)
        if may_change() and st.button("Forget", key="history-forget", disabled=entry is None):
            assert entry is not None  # noqa: S101  as above
            forget(entry.id)
            st.rerun()


def _open(entry: Remembered) -> None:
    try:
        request = (
            next(r for e, r in _own() if e.id == entry.id)
            if not may_change()
            else recall_request(entry.id)
        )
    except DistmatError as error:
        show_error(error)
        return
    open_request(request)
    st.rerun()
