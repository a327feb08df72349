"""What the machine did while a run ran."""

import streamlit as st

from distmat.figures.curves import Line, metric_figure
from distmat.runs.run import Run
from distmat.runs.store import RunStore

_CHARTS = (
    ("gpu", "GPU use (%)", 1.0),
    ("gpu_memory", "GPU memory (GB)", 1e-9),
    ("gpu_temperature", "GPU temperature (°C)", 1.0),
    ("gpu_power", "GPU power (W)", 1.0),
    ("cpu", "CPU use (%; 100 is one core)", 1.0),
    ("memory", "memory of the run (GB)", 1e-9),
    ("machine_memory", "memory in use on the machine (%)", 1.0),
)


def show_hardware(run: Run, store: RunStore) -> None:
    """Use, memory, temperature and power over the time."""
    samples = store.hardware(run.id)
    if not samples:
        st.info("Nothing has been sampled yet.", icon=":material/memory:")
        return
    if not any(name.startswith("gpu") for name in samples):
        st.caption("This run uses no GPU that can be asked; CPU and memory are of its processes.")
    columns = st.columns(2)
    shown = [chart for chart in _CHARTS if chart[0] in samples]
    for number, (name, title, scale) in enumerate(shown):
        curve = samples[name]
        line = Line(title, (curve.times - run.created) / 60, curve.values * scale)
        with columns[number % 2]:
            st.plotly_chart(
                metric_figure([line], "minutes", title, height=230),
                width="stretch",
                key=f"hardware-{name}",
                alt=f"{title} over time",
            )
