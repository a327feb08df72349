"""What is wrong or right with a run, in sentences."""

import streamlit as st

from distmat.runs.diagnosis import diagnose
from distmat.runs.run import Run
from distmat.runs.store import RunStore
from distmat.ui.markdown import escaped

_SIGNS = {
    "bad": ":red[:material/error:]",
    "note": ":orange[:material/info:]",
    "good": ":green[:material/check_circle:]",
}
"""Sign of each tone, the most urgent first."""


def show_diagnosis(run: Run, store: RunStore) -> None:
    """What is bad or worth a note at once, what is fine behind a fold."""
    findings = diagnose(store, run)
    for tone in ("bad", "note"):
        for finding in findings:
            if finding.tone == tone:
                st.markdown(f"{_SIGNS[tone]} {escaped(finding.sentence)}")
    good = [finding for finding in findings if finding.tone == "good"]
    if good:
        with st.expander(f"{len(good)} checks passed"):
            for finding in good:
                st.markdown(f"{_SIGNS['good']} {escaped(finding.sentence)}")
