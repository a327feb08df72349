"""What the page's map can be taken home as."""

import json
from collections.abc import Callable

import streamlit as st

from distmat.csv_table import table_text
from distmat.figures.explorer import standalone_page
from distmat.given_map import given_scene, numbers, pair_columns, sequence_of
from distmat.protein.map_file import npy_bytes
from distmat.protein.structure.write import write_mmcif, write_pdb
from distmat.ui.file_name import file_stem
from distmat.ui.maps.question import Asked
from distmat.ui.maps.view import backbone_of


def show_downloads(asked: Asked) -> None:
    """Files, each made when asked for."""
    st.subheader("Downloads", anchor="downloads")
    stem = file_stem(asked.given.name.rpartition(".")[0])
    with st.container(horizontal=True):
        for label, suffix, kind, hint, content in _files(asked, stem):
            st.download_button(
                label,
                content,
                f"{stem}{suffix}",
                kind,
                key=f"given{suffix}",
                help=hint,
                on_click="ignore",
                icon=":material/download:",
            )


def _files(asked: Asked, stem: str) -> list[tuple[str, str, str, str, Callable[[], str | bytes]]]:
    """Label, ending, media type, explanation and maker of each file."""
    given, fit, against = asked.given, asked.fit, asked.against
    backbone = backbone_of(given)
    sequence = sequence_of(given, fit, against)
    files: list[tuple[str, str, str, str, Callable[[], str | bytes]]] = []
    if backbone is not None:
        coords = backbone.coords
        files += [
            (
                "Trace, PDB",
                ".pdb",
                "chemical/x-pdb",
                "The rebuilt trace.",
                lambda: write_pdb(sequence, coords),
            ),
            (
                "Trace, mmCIF",
                ".cif",
                "chemical/x-mmcif",
                "The same as mmCIF.",
                lambda: write_mmcif(sequence, coords),
            ),
        ]
    distances = given.content.distances
    if distances is not None:
        files.append(
            (
                "Map, NPY",
                ".npy",
                "application/octet-stream",
                "N×N distances in Å for numpy.load; NaN where not known.",
                lambda: npy_bytes(distances),
            )
        )
    return [
        *files,
        (
            "Pairs, CSV",
            ".csv",
            "text/csv",
            "One line for each pair: what the map says, and what it is held against.",
            lambda: table_text(pair_columns(given, fit, against)),
        ),
        (
            "Numbers, JSON",
            ".json",
            "application/json",
            "All scores of this page.",
            lambda: json.dumps(numbers(given, fit, against, asked.difference, backbone), indent=2),
        ),
        (
            "Explorer, HTML",
            ".html",
            "text/html",
            "Map and structure as here, in one file that needs no server and no network.",
            lambda: standalone_page(given_scene(given, stem, fit, against, backbone)),
        ),
    ]
