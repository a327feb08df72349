"""Build a dataset from the page: what from, which filters, and how far it is."""

from typing import Any

import streamlit as st

from distmat.dataset.build import BuildSettings
from distmat.dataset.catalogue import list_datasets
from distmat.dataset.filters import KEPT, Filters
from distmat.dataset.jobs import KINDS, submit_build
from distmat.dataset.presets import PRESETS
from distmat.dataset.splitting import Shares
from distmat.dataset.synthetic import NAME as SYNTHETIC
from distmat.dataset.synthetic import ensure_synthetic
from distmat.errors import DatasetError, DistmatError
from distmat.jobs.job import Job
from distmat.settings import Setting, describe
from distmat.ui.data.uploads import inputs_folder, keep_for
from distmat.ui.job_list import show_jobs, watch_job
from distmat.ui.markdown import escape, show_error
from distmat.ui.run_store import open_store

_UPLOADS = ["pdb", "ent", "cif", "mmcif", "bcif", "gz", "zip", "tar", "tgz", "xz", "txt", "csv"]
_SOURCES = ("Files on this machine", "PDB ids", "Upload", "Ready-made")


def show_build_form(expanded: bool) -> None:
    """Everything that a build can be asked for; nothing starts before the button is pressed."""
    with st.expander("Build a dataset", expanded=expanded, icon=":material/add_circle:"):
        source = st.segmented_control(
            "From",
            _SOURCES,
            default=_SOURCES[0],
            required=True,
            key="build-source",
            label_visibility="collapsed",
        )
        if source == "Ready-made":
            _show_ready_made()
            return
        with st.form("build", border=False):
            inputs = _ask_inputs(source or _SOURCES[0])
            name = st.text_input("Name", key="build-name", placeholder="my_set", width=320)
            filters = _ask_filters()
            options = _ask_split()
            pressed = st.form_submit_button("Build", type="primary", icon=":material/play_arrow:")
        if pressed:
            _start(name.strip(), inputs, filters, options)


def _ask_inputs(source: str) -> dict[str, Any]:
    if source == "PDB ids":
        text = st.text_area(
            "Entries or chains",
            key="build-ids",
            placeholder="1abc\n2xyz_A",
            help="One or more a line: 1abc for all chains of an entry, 1abc_A for one.",
        )
        st.caption("Downloaded from the Protein Data Bank as BinaryCIF, and kept for later.")
        return {"ids": text}
    if source == "Upload":
        files = st.file_uploader(
            "Structure files, archives or lists of ids",
            _UPLOADS,
            accept_multiple_files=True,
            key="build-files",
        )
        return {"files": files}
    text = st.text_area(
        "Folders, files or patterns",
        key="build-paths",
        placeholder="/data/pdbbind/*/*_protein.pdb\n/data/my_crystals",
        help="One a line. Folders are searched through; * stands for anything in a name, ** for "
        "folders; ZIP and tar archives, lists of PDB ids (.txt, .csv), JSON files of the "
        "published pipeline and Parquet datasets are read, too.",
    )
    return {"paths": text}


def _ask_filters() -> dict[str, Any]:
    given = {}
    with st.expander(KEPT, icon=":material/filter_alt:"):
        columns = st.columns(5)
        for place, (name, one) in enumerate(describe(Filters).items()):
            with columns[place % 5]:
                given[name] = _ask_filter(one)
    return given


def _ask_filter(one: Setting) -> Any:
    key = f"filter-{one.name}"
    if one.kind is str:
        return st.text_input(one.label, one.default, key=key, help=one.help)
    # As many digits as the default has.
    digits = 0 if one.kind is int else max(1, len(f"{one.default:g}".partition(".")[2]))
    return st.number_input(
        one.label,
        value=one.default,
        min_value=one.kind(one.low),
        max_value=one.kind(one.high),
        step=None if one.kind is int else 10.0**-digits,
        format=f"%.{digits}f" if digits else "%d",
        key=key,
        help=one.help,
    )


def _ask_split() -> dict[str, Any]:
    with st.expander("How they are split", icon=":material/call_split:"):
        columns = st.columns(5)
        given: dict[str, Any] = {}
        for column, (split, share) in zip(
            columns, (("train", 80), ("val", 10), ("test", 10)), strict=False
        ):
            with column:
                given[split] = st.number_input(
                    f"{split} (%)", 0, 100, share, key=f"build-{split}", step=5
                )
        with columns[3]:
            given["seed"] = st.number_input("Seed", 0, 2**31, 0, key="build-seed")
        with columns[4]:
            given["identity"] = st.number_input(
                "Relatives from (%)",
                20,
                100,
                30,
                key="build-identity",
                help="Chains with so many identical residues over half of the shorter are "
                "relatives, and share a split.",
            )
        known = [one.name for one in list_datasets() if not one.fault]
        given["exclude"] = st.multiselect(
            "Keep away from",
            known,
            key="build-exclude",
            help="Leave out all relatives of these datasets' chains, such as a test set's.",
        )
        given["keep_duplicates"] = st.checkbox(
            "Keep chains with one and the same sequence", key="build-duplicates"
        )
        given["overwrite"] = st.checkbox("Replace a dataset of this name", key="build-overwrite")
    return given


def _start(
    name: str, inputs: dict[str, Any], filters: dict[str, Any], options: dict[str, Any]
) -> None:
    try:
        if not name:
            raise DatasetError("Give the dataset a name.")
        settings = _settings(filters, options)
        if not options["overwrite"] and name in {one.name for one in list_datasets()}:
            raise DatasetError(
                f"There is a dataset '{name}' already; give another name, or choose to replace it."
            )
        given = _inputs(name, inputs)
        if not given:
            raise DatasetError("Say what to build from: at least one file, folder or PDB id.")
        job = submit_build(open_store(), given, name, settings, overwrite=options["overwrite"])
    except DistmatError as error:
        show_error(error)
        return
    watch_job(job)
    st.rerun()


def _settings(filters: dict[str, Any], options: dict[str, Any]) -> BuildSettings:
    return BuildSettings(
        filters=Filters().with_settings(filters),
        shares=Shares(options["train"], options["val"], options["test"]),
        seed=int(options["seed"]),
        identity=options["identity"] / 100,
        deduplicate=not options["keep_duplicates"],
        exclude=tuple(options["exclude"]),
    )


def _inputs(name: str, inputs: dict[str, Any]) -> list[str]:
    if "paths" in inputs:
        return [line.strip() for line in inputs["paths"].splitlines() if line.strip()]
    if "ids" in inputs:
        if not inputs["ids"].strip():
            return []
        path = inputs_folder(name) / "ids.txt"
        path.write_text(inputs["ids"], encoding="utf-8")
        return [str(path.absolute())]
    return keep_for(name, inputs["files"]) if inputs["files"] else []


def _show_ready_made() -> None:
    left, right = st.columns(2, gap="large")
    with left:
        st.markdown(
            "**synthetic**: 400 made-up chains of helices, strands and loops, with sequences to "
            "match. To try a training in minutes, without data or a network."
        )
        if st.button("Make it", key="make-synthetic", icon=":material/auto_awesome:"):
            with st.spinner("Growing 400 chains"):
                ensure_synthetic()
            st.session_state["data-open"] = SYNTHETIC
            st.rerun()
    with right:
        for name, known in PRESETS.items():
            st.markdown(
                f"**{name}**: {known.words}. Downloads about {known.entries:,} entries of the "
                "Protein Data Bank."
            )
            if st.button("Build it", key=f"preset-{name}", icon=":material/cloud_download:"):
                try:
                    watch_job(submit_build(open_store(), known.inputs, name, known.settings))
                except DistmatError as error:
                    show_error(error)
                    return
                st.rerun()


def show_builds() -> None:
    """Builds that run, and what became of those that didn't end well."""
    try:
        store = open_store()
    except DistmatError as error:
        show_error(error)
        return
    show_jobs(store, KINDS, _open_dataset)


def _open_dataset(job: Job) -> None:
    st.session_state["data-message"] = f"{escape(job.name)} is built."
    st.session_state["data-open"] = job.name
