"""What was left out of a dataset, and why."""

import pandas as pd
import streamlit as st

from distmat.dataset.catalogue import Summary
from distmat.ui.markdown import escape


def show_rejects(dataset: Summary) -> None:
    """Every chain and file that was left out, with its reason."""
    path = dataset.path.with_name(f"{dataset.name}.rejects.csv")
    if not path.exists():
        st.info("There is no list of what was left out of this dataset.", icon=":material/info:")
        return
    rejects = pd.read_csv(path, dtype=str, keep_default_na=False)
    if rejects.empty:
        st.success("Nothing was left out.", icon=":material/check_circle:")
        return
    counts = rejects["reason"].value_counts()
    chosen = st.pills(
        "Reason",
        counts.index.tolist(),
        selection_mode="multi",
        format_func=lambda reason: f"{reason} ({counts[reason]:,})",
        key=f"reasons-{dataset.name}",
    )
    shown = rejects[rejects["reason"].isin(chosen)] if chosen else rejects
    st.dataframe(
        shown,
        hide_index=True,
        column_order=("source", "id", "reason", "detail"),
        width="stretch",
        column_config={
            "id": st.column_config.TextColumn(
                "Chain", help="Empty where a whole file was left out"
            ),
            "source": "File or entry",
            "reason": "Reason",
            "detail": st.column_config.TextColumn("In a sentence", width="large"),
        },
    )
    st.download_button(
        "All of them, CSV",
        path.read_bytes(),
        path.name,
        "text/csv",
        on_click="ignore",
        icon=":material/download:",
    )
    st.caption(f"{len(shown):,} of {len(rejects):,}, from {escape(path.name)}.")
