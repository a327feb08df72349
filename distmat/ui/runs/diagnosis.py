"""What is wrong or right with a run, in sentences."""

import streamlit as st

from distmat.report.findings import advice
from distmat.report.i18n import Wording
from distmat.runs.diagnosis import diagnose
from distmat.runs.run import Run
from distmat.runs.store import RunStore
from distmat.ui.markdown import escape

_SIGNS = {
    "bad": ":red[:material/error:]",
    "note": ":orange[:material/info:]",
    "good": ":green[:material/check_circle:]",
}
"""Sign of each severity, the most urgent first."""


def show_diagnosis(run: Run, store: RunStore) -> None:
    """What was found, the most urgent first, each with the one thing to do about it."""
    words = Wording("en")
    findings = diagnose(store, run)
    for severity in ("bad", "note"):
        for finding in findings:
            if finding.severity == severity:
                step = advice(finding, words)
                st.markdown(
                    f"{_SIGNS[severity]} {escape(finding.sentence)}"
                    + (f" **{escape(step)}**" if step else "")
                )
    good = [finding.sentence for finding in findings if finding.severity == "good"]
    if len(good) == 1:
        st.markdown(f"{_SIGNS['good']} {escape(good[0])}")
    elif good:
        # Folded, or what is well would push the curves off the screen.
        with st.expander(f"{len(good)} things are well", icon=":material/check_circle:"):
            for sentence in good:
                st.markdown(f"{_SIGNS['good']} {escape(sentence)}")
