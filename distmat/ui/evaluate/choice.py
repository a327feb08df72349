"""What is to be evaluated, and which evaluations are looked at."""

from pathlib import Path

import streamlit as st

from distmat.dataset.catalogue import list_datasets
from distmat.dataset.store import read_facts
from distmat.errors import DistmatError
from distmat.jobs.job import Job
from distmat.training.evaluation_job import (
    EVALUATION,
    find_evaluation,
    list_finished_evaluations,
    submit_evaluations,
)
from distmat.ui.address import name_in_address
from distmat.ui.bridges import EVALUATED
from distmat.ui.job_list import show_jobs, watch_job
from distmat.ui.markdown import escape, show_error
from distmat.ui.predict.checkpoint import named_checkpoint
from distmat.ui.run_store import moment, open_store
from distmat.workspace import list_checkpoints, list_libraries

_OWN, _NONE = "the checkpoint's own", "none"
_SPLITS = ("test", "val", "train", "all")


def show_title() -> None:
    """The page's title, and what the last click led to."""
    st.title("Evaluate", anchor=False)
    if message := st.session_state.pop("evaluate-message", None):
        st.success(message, icon=":material/check_circle:")


def show_form(expanded: bool) -> None:
    """Choose checkpoints, chains and library, and start."""
    datasets = {one.name: one for one in list_datasets() if not one.fault}
    asked = st.session_state.get("evaluate-checkpoints", [])
    checkpoints = list(dict.fromkeys([*list_checkpoints(), *asked]))
    expanded = expanded or st.session_state.get(EVALUATED, False)
    with st.expander("Evaluate a checkpoint", expanded=expanded, icon=":material/straighten:"):
        if not datasets:
            st.info("There is no dataset yet; build one on the Data page.", icon=":material/info:")
            if st.button("Build a dataset", icon=":material/database:"):
                st.switch_page("data.py")
            return
        with st.container(horizontal=True, vertical_alignment="bottom"):
            dataset = datasets[st.selectbox("Dataset", list(datasets), key="evaluate-dataset")]
            splits = _splits_of(str(dataset.path), dataset.path.stat().st_mtime_ns)
            split = st.selectbox("Split", splits, key=f"evaluate-split-{dataset.name}", width=120)
            rep_only = st.toggle(
                "One of each cluster",
                value=True,
                key="evaluate-rep",
                help="The best observed chain of each cluster of similar sequences.",
            )
            longest = st.number_input(
                "Longest chain", 10, 10_000, 256, key="evaluate-longest", width=140
            )
        st.session_state.setdefault("evaluate-checkpoints", checkpoints[:1])
        chosen = st.multiselect(
            "Checkpoints",
            checkpoints,
            key="evaluate-checkpoints",
            format_func=named_checkpoint,
            help="Of two or more the same chains are compared.",
        )
        library = st.selectbox(
            "Library of known structures",
            [_NONE, _OWN, *list_libraries()],
            key="evaluate-library",
            help="Where templates are looked up; never a chain's own entry.",
        )
        if split in ("train", "all"):
            st.warning(
                "Of chains that a model was trained on its scores say nothing.",
                icon=":material/warning:",
            )
        if not st.button("Start", type="primary", icon=":material/play_arrow:"):
            return
        st.session_state.pop(EVALUATED, None)
    settings = {
        "dataset": dataset.name,
        "split": None if split == "–" else split,
        "rep_only": rep_only,
        "max_length": int(longest),
    }
    _start(chosen, settings, library)


def _start(checkpoints: list[str], settings: dict, library: str) -> None:
    if not checkpoints:
        st.error("Choose a checkpoint.", icon=":material/error:")
        return
    found = []
    try:
        for checkpoint in checkpoints:
            used = checkpoint if library == _OWN else library
            wanted = {**settings, "checkpoint": checkpoint, "library": used}
            job = find_evaluation(open_store(), wanted)
            if job is None:
                (job,) = submit_evaluations(open_store(), wanted)
            watch_job(job)
            if job.has_ended:
                found.append(job)
    except DistmatError as error:
        show_error(error)
        return
    if found:
        st.session_state["evaluate-message"] = "This was evaluated before; here it is."
        _open(found)
    st.rerun()


def show_evaluating() -> None:
    """Evaluations that run, wait or failed; one that has finished opens by itself."""
    show_jobs(open_store(), (EVALUATION,), on_finish=lambda job: _open([job]))


def choose_evaluations() -> list[Job]:
    """Those that the address names, or that a person chooses; by default the newest."""
    known = {job.id: job for job in list_finished_evaluations(open_store())}
    if not known:
        return []
    wanted = [name for name in st.query_params.get("evaluation", "").split(",") if name]
    lost = [name for name in wanted if name not in known]
    if lost:
        st.warning(
            f"There is no evaluation {escape(lost[0][:60])}; here are those that there are.",
            icon=":material/search_off:",
        )
    if "evaluate-open" in st.session_state:
        wanted = st.session_state.pop("evaluate-open")
        st.session_state["evaluations"] = wanted
    elif wanted != st.session_state.get("evaluations-addressed"):
        # At first, or as the browser's Back has it.
        st.session_state["evaluations"] = [n for n in wanted if n in known] or [next(iter(known))]
    chosen = st.multiselect(
        "Evaluations",
        list(known),
        key="evaluations",
        format_func=lambda name: _line(known[name]),
        help="Two or more are compared chain by chain.",
    )
    st.session_state["evaluations-addressed"] = chosen
    name_in_address("evaluation", ",".join(chosen))
    return [known[name] for name in chosen]


def _open(jobs: list[Job]) -> None:
    st.session_state["evaluate-open"] = [job.id for job in jobs]


def _line(job: Job) -> str:
    said = job.settings
    split = f" · {said['split']}" if said.get("split") else ""
    library = said.get("library") or _NONE
    used = "" if library == _NONE else f" · library {library}"
    return f"{said['checkpoint']} on {said['dataset']}{split}{used} · {moment(job.ended)}"


@st.cache_data(max_entries=50, show_spinner=False)
def _splits_of(path: str, changed: int) -> list[str]:
    """Those that the file has, test first; a dash where it isn't split."""
    facts = read_facts(Path(path))
    there = set(facts["split"].dropna()) if "split" in facts else set()
    return [split for split in _SPLITS if split in there or split == "all"] if there else ["–"]
