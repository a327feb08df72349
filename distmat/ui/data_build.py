"""Build a dataset from the page: what from, which filters, and how far it is."""

import time
from typing import Any

import streamlit as st

from distmat.dataset.catalogue import list_datasets
from distmat.dataset.filters import KEPT, Filters
from distmat.dataset.presets import PRESETS
from distmat.dataset.synthetic import NAME as SYNTHETIC
from distmat.dataset.synthetic import ensure_synthetic
from distmat.errors import DatasetError, DistmatError
from distmat.settings import Setting, describe
from distmat.ui.data_jobs import (
    Job,
    cancel_job,
    continue_job,
    inputs_folder,
    kept_for,
    list_jobs,
    put_away,
    start_job,
)
from distmat.ui.markdown import escaped, show_error

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
        Filters().with_settings(filters)
        if not options["overwrite"] and name in {one.name for one in list_datasets()}:
            raise DatasetError(
                f"There is a dataset '{name}' already; give another name, or choose to replace it."
            )
        start_job(name, _arguments(name, inputs, filters, options))
    except DistmatError as error:
        show_error(error)
        return
    st.rerun()


def _arguments(
    name: str, inputs: dict[str, Any], filters: dict[str, Any], options: dict[str, Any]
) -> list[str]:
    """The command's arguments; what a person gave comes last, where it can't be an option."""
    given = _inputs(name, inputs)
    if not given:
        raise DatasetError("Say what to build from: at least one file, folder or PDB id.")
    words = ["build", "--out", name, "--seed", str(options["seed"])]
    words += ["--identity", str(options["identity"] / 100)]
    for split in ("train", "val", "test"):
        words += [f"--{split}", str(options[split])]
    for filter_name, value in filters.items():
        words += [f"--{filter_name.replace('_', '-')}={value}"]
    for other in options["exclude"]:
        words += [f"--exclude={other}"]
    words += ["--keep-duplicates"] * options["keep_duplicates"]
    words += ["--overwrite"] * options["overwrite"]
    return [*words, "--", *given]


def _inputs(name: str, inputs: dict[str, Any]) -> list[str]:
    if "paths" in inputs:
        return [line.strip() for line in inputs["paths"].splitlines() if line.strip()]
    if "ids" in inputs:
        if not inputs["ids"].strip():
            return []
        path = inputs_folder(name) / "ids.txt"
        path.write_text(inputs["ids"], encoding="utf-8")
        return [str(path.absolute())]
    return kept_for(name, inputs["files"]) if inputs["files"] else []


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
        for name, words in PRESETS.items():
            st.markdown(
                f"**{name}**: {words}. Downloads about 7,400 entries of the Protein Data Bank."
            )
            if st.button("Build it", key=f"preset-{name}", icon=":material/cloud_download:"):
                try:
                    start_job(name, ["build", "--preset", name])
                except DistmatError as error:
                    show_error(error)
                    return
                st.rerun()


def show_builds() -> None:
    """Builds that run, and what became of those that ended."""
    if list_jobs():
        _show_live()


@st.fragment(run_every=1.0)
def _show_live() -> None:
    for job in list_jobs():
        with st.container(border=True):
            if job.running:
                _show_running(job)
            else:
                _show_ended(job)


def _show_running(job: Job) -> None:
    progress = job.progress()
    st.session_state.setdefault("data-watched", set()).add(job.name)
    words = progress.get("words", "Starting")
    total = progress.get("total") or 0
    share = min(1.0, progress.get("done", 0) / total) if total else 0.0
    counted = f": {progress['done']:,} of {total:,}" if total > 2 else ""
    left, right = st.columns([5, 1], vertical_alignment="bottom")
    with left:
        st.progress(share, f"**{escaped(job.name)}** — {words}{counted}")
        if progress.get("kept") or progress.get("rejected"):
            st.caption(
                f"{progress['kept']:,} chains kept, {progress['rejected']:,} left out so far"
            )
    with right:
        if st.button("Cancel", key=f"cancel-{job.name}", icon=":material/stop:"):
            with st.spinner("Stopping"):
                cancel_job(job)
            st.rerun(scope="fragment")


def _show_ended(job: Job) -> None:
    progress = job.progress()
    status = progress.get("status", "failed")
    watched: set[str] = st.session_state.setdefault("data-watched", set())
    if status == "finished":
        put_away(job)
        st.session_state["data-message"] = f"{escaped(job.name)} is built."
        if job.name in watched:
            st.session_state["data-open"] = job.name
        st.rerun()
    if status == "running":
        words = "was cut off, as by a restart of the machine"
    elif status == "stopped":
        words = "was stopped"
    else:
        words = "can't be built"
    reason = progress.get("error") or (job.last_words() if status == "failed" else "")
    kind = st.error if status == "failed" else st.warning
    kind(f"**{escaped(job.name)}** {words}. {escaped(reason)}", icon=":material/info:")
    with st.container(horizontal=True):
        if st.button(
            "Go on", key=f"continue-{job.name}", icon=":material/play_arrow:", type="primary"
        ):
            try:
                continue_job(job)
            except DistmatError as error:
                show_error(error)
                return
            watched.add(job.name)
            time.sleep(0.2)
            st.rerun(scope="fragment")
        if st.button("Put away", key=f"forget-{job.name}", icon=":material/close:"):
            put_away(job)
            st.rerun()
