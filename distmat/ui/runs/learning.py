"""The maps of a few validation chains as the model learned them, evaluation by evaluation."""

import numpy as np
import streamlit as st

from distmat.errors import DistmatError
from distmat.runs.run import Run
from distmat.scoring.verdict import judge
from distmat.training.watched_maps import (
    WatchedChain,
    WatchedMap,
    list_watched_steps,
    read_step,
    read_truth,
)
from distmat.ui.file_name import file_stem
from distmat.ui.map_pair import show_map_pair
from distmat.ui.markdown import escape, show_error


def show_learning(run: Run) -> None:
    """Predicted beside true, with a slider over the steps; at the newest one until it is moved."""
    try:
        chains, steps = read_truth(run.folder), list_watched_steps(run.folder)
        if not chains or not steps:
            st.info(
                "No map yet: at each evaluation those of a few validation chains are kept.",
                icon=":material/hourglass_empty:",
            )
            return
        chain, step = _ask(run, chains, steps)
        found = read_step(run.folder, step).get(chain.name)
    except DistmatError as error:
        show_error(error)
        return
    if found is not None:
        _show(run, chain, step, found)


def _ask(run: Run, chains: tuple[WatchedChain, ...], steps: list[int]) -> tuple[WatchedChain, int]:
    """A chain and a step."""
    named = {chain.name: chain for chain in chains}
    with st.container(horizontal=True, vertical_alignment="bottom"):
        name = st.segmented_control(
            "Validation chain",
            list(named),
            default=next(iter(named)),
            required=True,
            key=f"learning-chain-{run.id}",
            format_func=lambda name: f"{escape(name)}, {len(named[name].sequence)} residues",
        )
        step = steps[-1]
        if len(steps) > 1:
            step = _ask_step(run, steps)
    return named[name or next(iter(named))], step


def _ask_step(run: Run, steps: list[int]) -> int:
    key, newest = f"learning-step-{run.id}", f"learning-newest-{run.id}"
    seen = st.session_state.get(key)
    # Whoever looks at the newest map sees each new one; whoever went back stays there.
    if seen not in steps or seen == st.session_state.get(newest):
        st.session_state[key] = steps[-1]
    st.session_state[newest] = steps[-1]
    return st.select_slider(
        "After so many steps", steps, key=key, format_func=lambda step: f"{step:,}"
    )


def _show(run: Run, chain: WatchedChain, step: int, found: WatchedMap) -> None:
    words = show_map_pair(
        chain.sequence,
        found.distances,
        chain.true,
        # One scale for all steps, too.
        float(np.nanmax(chain.true)),
        title=f"Predicted after {step:,} steps",
        key=f"learning-{run.id}",
        file=f"{file_stem(chain.name)}-{{}}-{step}",
        protein=chain.name,
    )
    with words:
        st.markdown(escape(judge(found.mae, found.baseline_mae).sentence()))
        st.caption("The same chains of the validation data at every evaluation.")
