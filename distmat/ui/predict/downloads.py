"""Everything to take home."""

from functools import partial

import streamlit as st

from distmat.errors import ConfigError
from distmat.export.archive import KIND, archive
from distmat.export.formats import FORMATS, precision_words
from distmat.export.restraints import DEFAULT_THRESHOLD, THRESHOLDS, choose_pairs
from distmat.export.source import Source
from distmat.ui.explorer import read_marked_pairs
from distmat.ui.file_name import file_stem
from distmat.ui.predict.view import PredictionView, distogram_maker
from distmat.workspace import checkpoint_path


def show_downloads(view: PredictionView) -> None:
    """Files of every format, each made when asked for, and all of them in one."""
    st.subheader("Downloads", anchor="downloads")
    stem = file_stem(view.request.title)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        threshold = st.selectbox(
            "Restraints of pairs with σ up to",
            THRESHOLDS,
            THRESHOLDS.index(DEFAULT_THRESHOLD),
            format_func=lambda most: f"{most:g} Å",
            key="restraint-threshold",
            width=240,
        )
        source = _source(view, threshold)
        st.download_button(
            "All of it, ZIP",
            partial(archive, source, stem),
            f"{stem}.zip",
            KIND,
            key=f"download-all-{view.key}",
            help="Every file below, with a README of how they were made.",
            on_click="ignore",
            type="primary",
            icon=":material/folder_zip:",
        )
    pairs = len(choose_pairs(view.prediction.map, threshold)[0])
    st.caption(f"{pairs:,} pairs are as sure as that. {precision_words(source)}")
    for group in dict.fromkeys(form.group for form in FORMATS.values()):
        with st.container(horizontal=True, vertical_alignment="center"):
            st.markdown(f"**{group}**", width=90)
            for form in FORMATS.values():
                if form.group != group or not form.fits(source):
                    continue
                st.download_button(
                    form.label,
                    partial(form.content, source),
                    f"{stem}{form.suffix}",
                    form.kind,
                    key=f"download-{form.key}-{view.key}",
                    help=form.hint,
                    on_click="ignore",
                    icon=":material/download:",
                )
    st.caption("The camera over a figure saves it as SVG.")


def _source(view: PredictionView, threshold: float) -> Source:
    try:
        folder = checkpoint_path(view.checkpoint)
    except ConfigError:
        folder = None
    return Source(
        view.prediction,
        view.checkpoint,
        folder,
        distogram_maker(view),
        read_marked_pairs("explorer", view.key),
        threshold,
    )
