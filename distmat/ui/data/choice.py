"""Which dataset the page shows, and how to be rid of it."""

import streamlit as st

from distmat.access import may_change
from distmat.dataset.catalogue import Summary, delete_dataset, list_datasets
from distmat.dataset.synthetic import NAME, ensure_synthetic
from distmat.errors import DistmatError
from distmat.ui.address import name_in_address, read_address
from distmat.ui.bridges import offer_to_evaluate, offer_to_train
from distmat.ui.deletion import offer_deletion
from distmat.ui.markdown import escape

VIEWS = ("Overview", "Chains", "Left out", "Compare")


def show_title() -> None:
    """The page's title."""
    st.title("Datasets", anchor=False)
    if message := st.session_state.pop("data-message", None):
        st.success(message, icon=":material/check_circle:")


def choose_dataset() -> Summary | None:
    """The dataset that a person chose; the address names it, too."""
    known = {one.name: one for one in list_datasets()}
    if not known:
        _show_welcome()
        return None
    names = list(known)
    wanted = st.query_params.get("dataset")
    if "data-open" in st.session_state:
        wanted = st.session_state.pop("data-open")
        st.session_state["dataset"] = wanted
    if wanted and wanted not in known:
        st.warning(
            f"There is no dataset {escape(wanted[:100])}; here are those that there are.",
            icon=":material/search_off:",
        )
    if st.session_state.get("dataset") not in known:
        st.session_state["dataset"] = wanted if wanted in known else names[0]
    with st.container(horizontal=True, vertical_alignment="bottom"):
        name = st.selectbox(
            "Dataset",
            names,
            key="dataset",
            format_func=lambda name: _line(known[name]),
            width=520,
        )
        if not known[name].fault:
            offer_to_train(name)
            offer_to_evaluate(name, dataset=name)
        _offer_deletion(known[name])
    name_in_address("dataset", name)
    chosen = known[name]
    if chosen.fault:
        st.error(escape(chosen.fault), icon=":material/error:")
        return None
    return chosen


def choose_view(dataset: Summary) -> str:
    """What of it is shown."""
    chosen = st.segmented_control(
        "View",
        VIEWS,
        default=read_address("part", VIEWS, VIEWS[0]),
        required=True,
        key="data-view",
        label_visibility="collapsed",
    )
    name_in_address("part", chosen or VIEWS[0], VIEWS[0])
    return chosen or VIEWS[0]


def _line(dataset: Summary) -> str:
    splits = dataset.split_sizes()
    sizes = f" ({' / '.join(f'{size:,} {name}' for name, size in splits.items())})"
    return f"{dataset.name} — {dataset.chains:,} chains{sizes if splits else ''}"


def _show_welcome() -> None:
    if not may_change():
        st.markdown("There is no dataset here yet.")
        return
    st.markdown(
        "A dataset is a set of protein chains, split so that no relative of a test chain is in "
        "train. Build one below from structure files or PDB ids, or begin with chains that are "
        "made up:"
    )
    if st.button("Make the synthetic dataset", icon=":material/auto_awesome:", type="primary"):
        with st.spinner("Growing 400 chains of helices, strands and loops"):
            try:
                ensure_synthetic()
            except (DistmatError, OSError) as error:
                st.error(escape(str(error)), icon=":material/error:")
                return
        st.session_state["data-open"] = NAME
        st.rerun()


def _offer_deletion(dataset: Summary) -> None:
    def delete() -> None:
        delete_dataset(dataset.name)
        st.session_state["data-message"] = f"{escape(dataset.name)} was deleted."
        st.query_params.pop("dataset", None)

    offer_deletion(
        f"delete-{dataset.name}",
        "this dataset",
        f"**{escape(dataset.name)}**, its card and its list of rejects will be gone. Runs that "
        "were trained on it stay, but can't be resumed without it.",
        delete,
    )
