"""Add natural relatives of its training chains to a dataset, from the page."""

from pathlib import Path

import streamlit as st

from distmat.dataset.catalogue import Summary, list_datasets
from distmat.dataset.jobs import submit_homologues
from distmat.dataset.sequence_bank import check_sequences
from distmat.errors import DatasetError, DistmatError
from distmat.protein.query import SEQUENCE_SUFFIXES
from distmat.ui.data.uploads import keep_for
from distmat.ui.job_list import watch_job
from distmat.ui.markdown import escape, show_error
from distmat.ui.run_store import open_store


def show_homologues_form(dataset: Summary) -> None:
    """Where to take sequences from, and whom to keep away from."""
    known = list_datasets()
    with (
        st.expander("Add homologues", icon=":material/diversity_3:"),
        st.form("homologues", border=False),
    ):
        st.markdown(
            "Relatives of a chain fold alike. Searched for in a file of natural sequences and laid "
            "on the chain residue for residue, they are more to learn from: a training then shows "
            f"a chain of **{escape(dataset.name)}** now and then with the sequence of one. No "
            "relative of a val or test chain is taken."
        )
        path = st.text_input(
            "File of sequences on this machine",
            key="homologues-path",
            placeholder="/data/uniref50.fasta",
            help="FASTA, gzipped or not, or Parquet with a column 'sequence'.",
        )
        uploaded = st.file_uploader(
            "or upload one", [*SEQUENCE_SUFFIXES, "gz", "parquet"], key="homologues-file"
        )
        left, middle, right = st.columns([2, 1, 2], vertical_alignment="bottom")
        name = left.text_input(
            "Name of the new dataset", f"{dataset.name}-homologues", key="homologues-name"
        )
        most = middle.number_input("Of each chain at most", 1, 1000, 10, key="homologues-most")
        others = [one.name for one in known if not one.fault and one.name != dataset.name]
        exclude = right.multiselect(
            "Keep away from",
            others,
            key="homologues-exclude",
            help="Take no relatives of these datasets' chains either, such as a test set's.",
        )
        if not st.form_submit_button("Add", type="primary", icon=":material/play_arrow:"):
            return
    name = name.strip()
    try:
        if name in {one.name for one in known}:
            raise DatasetError(f"There is a dataset '{name}' already; give another name.")
        if uploaded is not None:
            (path,) = keep_for(name, [uploaded])
        if not path.strip():
            raise DatasetError("Say where the sequences are: give a path, or upload a file.")
        sequences = Path(path.strip()).expanduser().absolute()
        check_sequences(sequences)
        job = submit_homologues(
            open_store(), dataset.name, sequences, name, exclude=exclude, most=int(most)
        )
    except DistmatError as error:
        show_error(error)
        return
    watch_job(job)
    st.rerun()
