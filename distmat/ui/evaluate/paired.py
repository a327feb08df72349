"""Two or more evaluations of the same chains, side by side."""

from itertools import combinations
from typing import Any

import streamlit as st

from distmat.scoring.paired import PairedDifference, compare_paired
from distmat.ui.markdown import escape

_SAID = {
    "better": ":green[better]",
    "worse": ":red[worse]",
    "same": "can't be told",
}


def show_paired(named: dict[str, dict[str, Any]]) -> None:
    """For each two of them the mean differences, with what chance alone would make of them.

    Parameters
    ----------
    named : dict of str to dict
        What each evaluation is called, and its content.
    """
    st.header("Side by side", anchor=False)
    for (one, first), (two, second) in combinations(named.items(), 2):
        st.subheader(f"{escape(two)} against {escape(one)}", anchor=False)
        found = compare_paired(first["per_chain"], second["per_chain"])
        if not found:
            st.info("They have no chain in common.", icon=":material/info:")
            continue
        st.table(
            [_row(each, one, two) for each in found.values()], hide_index=True, border="horizontal"
        )
    st.caption(
        "Over the chains that both have. The difference lies in brackets with 95 % confidence "
        "(chains drawn again and again); where they hold zero, none can be told."
    )


def _row(found: PairedDifference, one: str, two: str) -> dict[str, str]:
    score = found.score

    def signed(value: float) -> str:
        return f"{value:+.{score.digits}f}".replace("-", "−")

    return {
        "score": score.column,
        "first": score.number(found.first),
        "second": score.number(found.second),
        "difference": f"**{signed(found.difference)}** "
        f"({signed(found.low)} – {signed(found.high)})",
        "the second is": _SAID[found.verdict],
        "better on": f"{found.wins:,} of {found.chains:,} chains",
    }
