"""Which checkpoint predicts, and whether known structures speak beside it."""

from collections.abc import Sequence
from pathlib import Path

import streamlit as st

from distmat.errors import CheckpointError
from distmat.ui.address import name_in_address
from distmat.workspace import (
    AUTO,
    STEP_FOLDER,
    is_automatic,
    library_of,
    library_path,
    list_checkpoints,
    list_libraries,
    trained_lengths,
    workspace,
)

LONGEST_NAME = 60
"""Letters of a name that are shown."""


def offered_checkpoints() -> list[str]:
    """What a person may choose: by the length, those there are, and steps that a link named."""
    known = list_checkpoints()
    opened = st.session_state.setdefault("opened-checkpoints", [])
    automatic = [AUTO] if is_automatic(AUTO) and trained_lengths() else []
    wanted = st.query_params.get("checkpoint")
    if wanted and wanted != st.session_state.get("chosen-checkpoint"):
        st.session_state["chosen-checkpoint"] = wanted
        if wanted in [*automatic, *known] or _is_step(wanted):
            st.session_state["checkpoint"] = wanted
            opened += [] if wanted in [*automatic, *known] else [wanted]
        else:
            st.session_state["problem"] = CheckpointError(
                f"The link names the checkpoint '{wanted[:LONGEST_NAME]}', which there isn't; "
                f"take one of: {', '.join(known)}."
            )
    offered = list(dict.fromkeys([*automatic, *known, *opened]))
    # Streamlit forgets the widgets of a page that was left.
    chosen = st.session_state.get("chosen-checkpoint")
    if "checkpoint" not in st.session_state and chosen in offered:
        st.session_state["checkpoint"] = chosen
    if chosen in offered:
        _say(chosen)
    return offered


def _is_step(name: str) -> bool:
    """Whether it is a step of one of the workspace's runs, not just any folder."""
    run, _, step = name.partition("/")
    return bool(STEP_FOLDER.fullmatch(step)) and (workspace() / "runs" / run / step).is_dir()


def ask_checkpoint(offered: Sequence[str]) -> str:
    """Let a person choose one of these, and whether templates are used."""
    lengths = [f"{name} up to {most:,} residues" for name, most in trained_lengths().items()]
    made = f" Automatic takes one that ships: {', '.join(lengths)}." if lengths else ""
    checkpoint = st.selectbox(
        "Checkpoint",
        offered,
        key="checkpoint",
        format_func=_label,
        on_change=_remember,
        help=f"A trained model: those that ship with the project, then your own.{made}",
        width=320,
    )
    _show_library(checkpoint)
    return checkpoint


def _remember() -> None:
    """A reload, or whoever is given the address, meets the same model again."""
    st.session_state["chosen-checkpoint"] = st.session_state["checkpoint"]
    _say(st.session_state["checkpoint"])


def _say(checkpoint: str) -> None:
    """In the address, unless it is as usual."""
    name_in_address("checkpoint", "" if is_automatic(checkpoint) else checkpoint)


def _label(checkpoint: str) -> str:
    if is_automatic(checkpoint):
        return "Automatic, by the chain's length"
    return named_checkpoint(checkpoint)


def named_checkpoint(checkpoint: str) -> str:
    """As a person would say it: a run's step by its number."""
    run, slash, step = checkpoint.partition("/")
    return f"{run}, step {int(step.rpartition('-')[2]):,}" if slash else run


def _show_library(checkpoint: str) -> None:
    """The switch for templates; a checkpoint without a library of its own may take another's."""
    own = library_of(checkpoint)
    names = list_libraries()
    if own is None and not names:
        st.session_state["library"] = ""
        return
    key = f"templates-{checkpoint}"
    choices = [*([str(own)] if own else []), *(str(library_path(name)) for name in names)]
    by_name = {_library_name(path, own): path for path in choices}
    # A link says whether known structures are used, where that isn't the usual.
    linked = st.query_params.get("templates")
    if linked != st.session_state.get("templates-address"):
        st.session_state[key] = own is not None if linked is None else linked != "off"
        if linked in by_name:
            st.session_state[f"library-{checkpoint}"] = by_name[linked]
    st.session_state.setdefault(key, own is not None)
    used = st.toggle(
        "Use known structures of relatives (templates)",
        key=key,
        help="Looks the sequence up in a library of known structures and lets those of relatives "
        "speak, where there are any. Off: the map is predicted from the sequence alone.",
    )
    chosen = choices[0]
    owned = "of those that ship" if is_automatic(checkpoint) else f"of {checkpoint}"
    if used and len(choices) > 1:
        chosen = st.selectbox(
            "Library",
            choices,
            format_func=lambda path: owned if path == str(own) else Path(path).stem,
            key=f"library-{checkpoint}",
            width=320,
        )
    st.session_state["library"] = chosen if used else ""
    usual = choices[0] if own else ""
    said = None
    if st.session_state["library"] != usual:
        said = _library_name(chosen, own) if used else "off"
    name_in_address("templates", said or "")
    st.session_state["templates-address"] = said


def _library_name(path: str, own: Path | None) -> str:
    """What an address calls a library."""
    return "on" if path == str(own) else Path(path).stem
