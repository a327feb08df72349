"""Everything to take home."""

import json
from collections.abc import Callable

import streamlit as st

from distmat.protein.map_file import contacts_text, csv_text, npy_bytes
from distmat.protein.structure.write import write_mmcif, write_pdb
from distmat.ui.file_name import file_stem
from distmat.ui.predict.view import PredictionView


def show_downloads(view: PredictionView) -> None:
    """Files of the trace, the map, the contacts and the scores, each made when asked for."""
    st.subheader("Downloads", anchor="downloads")
    stem = file_stem(view.request.title)
    with st.container(horizontal=True):
        for label, suffix, kind, hint, content in _files(view):
            st.download_button(
                label,
                content,
                f"{stem}{suffix}",
                kind,
                key=f"download-{suffix}-{view.key}",
                help=hint,
                on_click="ignore",
                icon=":material/download:",
            )
    st.caption("The camera over a figure saves it as SVG.")


def _files(view: PredictionView) -> list[tuple[str, str, str, str, Callable[[], str | bytes]]]:
    """Label, ending, media type, explanation and maker of each file."""
    prediction = view.prediction
    predicted, coords = prediction.map, prediction.backbone.coords
    text = "text/plain"
    return [
        (
            "Trace, PDB",
            ".pdb",
            "chemical/x-pdb",
            "Cα atoms, bonded as one chain.",
            lambda: write_pdb(predicted.sequence, coords),
        ),
        (
            "Trace, mmCIF",
            ".cif",
            "chemical/x-mmcif",
            "Cα atoms, as mmCIF.",
            lambda: write_mmcif(predicted.sequence, coords),
        ),
        (
            "Map, NPY",
            ".npy",
            "application/octet-stream",
            "N×N distances in Å for numpy.load.",
            lambda: npy_bytes(predicted.distances),
        ),
        (
            "Map, CSV",
            ".csv",
            "text/csv",
            "One line for each pair: distance, deviation, probability of contact.",
            lambda: csv_text(predicted),
        ),
        (
            "Map, SVG",
            ".svg",
            "image/svg+xml",
            "The predicted map above the diagonal and, where it is known, the true one below; for "
            "print.",
            lambda: _svg(view),
        ),
        (
            "Contacts, RR",
            ".rr",
            text,
            "CASP's format, likeliest contact first; of Cα atoms.",
            lambda: contacts_text(predicted),
        ),
        (
            "Scores, JSON",
            ".json",
            "application/json",
            "All numbers of this page.",
            lambda: json.dumps(prediction.as_dict(), indent=2),
        ),
    ]


def _svg(view: PredictionView) -> str:
    from distmat.figures.printed import halves_svg

    predicted, truth = view.prediction.map.distances, view.request.truth
    return halves_svg(predicted, predicted if truth is None else truth.distances, "residue")
