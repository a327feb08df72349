"""Many sequences at once: upload, start, watch, take home."""

import csv
import shutil
import tempfile
from itertools import islice
from pathlib import Path

import streamlit as st

from distmat.batch import PREDICTION
from distmat.errors import DistmatError, SequenceError
from distmat.jobs.job import Job
from distmat.protein.query import SEQUENCE_SUFFIXES, STRUCTURE_SUFFIXES
from distmat.ui.file_name import file_stem
from distmat.ui.job_list import show_jobs, watch_job
from distmat.ui.markdown import show_error
from distmat.ui.run_store import open_store
from distmat.ui.uploads import keep_files

_PACKED = ["gz", "csv", "tsv", "parquet", "zip", "tar", "tgz"]
_FORMATS = {"npy": "maps (NPY)", "pdb": "traces (PDB)", "cif": "traces (mmCIF)", "rr": "contacts"}
_ROWS = 1000
"""Of a table that are shown."""


def show_many(checkpoint: str | None) -> None:
    """Predict many chains in the background with this checkpoint, and what came of it."""
    if not checkpoint:
        return
    try:
        store = open_store()
    except DistmatError as error:
        show_error(error)
        return
    jobs = store.jobs(kinds=[PREDICTION])
    with st.expander("Many sequences", icon=":material/format_list_bulleted:", expanded=bool(jobs)):
        _show_form(checkpoint)
        show_jobs(store, [PREDICTION], show_result=_show_result)


def _show_form(checkpoint: str) -> None:
    with st.form("many", border=False, clear_on_submit=True):
        files = st.file_uploader(
            "FASTA, a table with a column 'sequence', or a ZIP of structure files",
            [*SEQUENCE_SUFFIXES, *STRUCTURE_SUFFIXES, *_PACKED],
            accept_multiple_files=True,
            key="many-files",
        )
        formats = st.multiselect(
            "To take home of each chain, besides a table of all",
            list(_FORMATS),
            default=["npy", "pdb"],
            format_func=_FORMATS.__getitem__,
            key="many-formats",
        )
        pressed = st.form_submit_button("Predict all", type="primary", icon=":material/play_arrow:")
    if not pressed:
        return
    try:
        _submit(checkpoint, files or [], formats)
    except DistmatError as error:
        show_error(error)
        return
    st.rerun()


def _submit(checkpoint: str, files: list, formats: list[str]) -> None:
    if not files:
        raise SequenceError("Upload a file with the chains first.")
    from distmat.batch.inputs import read_inputs
    from distmat.batch.job import submit_predictions

    with tempfile.TemporaryDirectory(prefix="distmat-many-") as place:
        kept = keep_files(Path(place), files)
        with st.spinner("Reading"):
            # Whoever waits for a place in the queue wants to know now.
            queries, _ = read_inputs(kept)

        def inputs(folder: Path) -> list[Path]:
            moved = [folder / "inputs" / path.relative_to(place) for path in kept]
            for old, new in zip(kept, moved, strict=True):
                new.parent.mkdir(parents=True, exist_ok=True)
                shutil.move(old, new)
            return moved

        called = files[0].name if len(files) == 1 else f"{files[0].name} and more"
        (job,) = submit_predictions(
            open_store(),
            inputs,
            checkpoint=checkpoint,
            library=st.session_state.get("library") or "none",
            formats=formats,
            with_archive=True,
            name=f"{called}: {len(queries):,} chains",
        )
    watch_job(job)


def _show_result(job: Job) -> None:
    from distmat.batch.job import archive_path, table_path

    table, archive = table_path(job), archive_path(job)
    if not table.exists():
        st.caption("The results are no longer there.")
        return
    with open(table, encoding="utf-8", newline="") as file:
        rows = list(islice(csv.DictReader(file), _ROWS))
    columns = [name for name in rows[0] if any(row[name] for row in rows)] if rows else []
    with st.expander("Table"):
        st.dataframe([{name: row[name] for name in columns} for row in rows], hide_index=True)
    if archive.exists():
        st.download_button(
            "Download all, ZIP",
            archive.read_bytes,
            f"{file_stem(job.name)}.zip",
            "application/zip",
            key=f"many-{job.id}",
            on_click="ignore",
            icon=":material/download:",
        )
