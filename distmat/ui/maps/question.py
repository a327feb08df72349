"""Which map to look at, and what to hold it against."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar

import streamlit as st

from distmat.access import may_change
from distmat.errors import DistmatError, MapChoiceError, MapOptionError
from distmat.given_map import ATOMS, Fit, GivenMap, compare_given, fit_structure, open_map
from distmat.kept_files import keep_file, read_kept_file
from distmat.protein.query import STRUCTURE_SUFFIXES
from distmat.protein.structure.read import read_structure_bytes
from distmat.scoring.map_comparison import MapDifference
from distmat.ui.address import name_in_address
from distmat.ui.markdown import escape, show_error

T = TypeVar("T")

_LARGEST = 400
"""MB; a distogram of 1,000 residues has 128."""


@dataclass(frozen=True)
class Asked:
    """What the page shows.

    Parameters
    ----------
    given : GivenMap
    fit : Fit or None
        The structure beside it.
    against : GivenMap or None
        The other map, and how the two differ.
    difference : MapDifference or None
    """

    given: GivenMap
    fit: Fit | None = None
    against: GivenMap | None = None
    difference: MapDifference | None = None


def ask() -> Asked | None:
    """Ask for a map, and for a structure or another map to hold it against."""
    with st.container(border=True):
        first, second, third = st.columns(3, gap="medium")
        with first:
            given = _ask_map("Map", "map")
        if given is None:
            return None
        with second:
            fit = _ask_structure(given)
        with third:
            against = _ask_map("Another map of the chain, if you like", "against")
            difference = (
                None if against is None else _attempt(partial(compare_given, given, against))
            )
    return Asked(given, fit, against if difference else None, difference)


def _attempt(act: Callable[[], T]) -> T | None:
    """What comes of it, or nothing and a sentence on the page."""
    try:
        return act()
    except DistmatError as error:
        show_error(error)
        return None


def _ask_file(
    label: str, key: str, types: tuple[str, ...] | None, hint: str
) -> tuple[str, bytes] | None:
    """An uploaded file, which stays when the page is left and come back to, and by its address."""

    def take() -> None:
        file = st.session_state[key]
        _open(key, file and (file.name, file.getvalue()))

    here = st.file_uploader(
        label, types, key=key, help=hint, on_change=take, max_upload_size=_LARGEST
    )
    said = st.query_params.get(key, "")
    if said != st.session_state.get(f"{key}-id", ""):
        # A link, a reload or the browser's Back: what the page holds is another one.
        st.session_state[f"{key}-id"] = said
        st.session_state[f"{key}-kept"] = _attempt(partial(read_kept_file, said)) if said else None
    kept: tuple[str, bytes] | None = st.session_state.get(f"{key}-kept")
    if kept and (here is None or here.name != kept[0]):
        st.caption(f"Still open: {escape(kept[0])}")
        if st.button("Close it", key=f"{key}-close"):
            _open(key, None)
            st.rerun()
    return kept


def _open(key: str, file: tuple[str, bytes] | None) -> None:
    """Look at this file, or at none; the address names it, where files may be kept."""
    file_id = ""
    if file and may_change():
        # On a full disk the page works all the same, and has no link.
        with suppress(DistmatError, OSError):
            file_id = keep_file(*file)
    st.session_state.update({f"{key}-kept": file, f"{key}-id": file_id})
    st.query_params.pop("view", None)
    name_in_address(key, file_id or "")


def _ask_map(label: str, key: str) -> GivenMap | None:
    file = _ask_file(
        label,
        key,
        None,
        "Distograms of AlphaFold 3, ESMFold, Boltz and trRosetta (NPZ), AlphaFold 3's confidences "
        "(JSON), CASP's RR, lists of contacts or scores, NPY, NPZ, CSV or text with N×N numbers, "
        "and what "
        "distmat writes. Told apart by what they hold.",
    )
    if file is None:
        return None
    name, data = file
    said: dict[str, Any] = {}
    while True:
        try:
            with st.spinner("Reading the map"):
                given = _opened(data, name, **said)
            break
        except MapChoiceError as error:
            said["array"] = st.selectbox(
                "Which of its arrays", error.arrays, key=f"{key}-array", bind="query-params"
            )
        except MapOptionError as error:
            answer = _ask_option(error, key)
            if answer is None:
                return None
            said[error.option] = answer
        except DistmatError as error:
            show_error(error)
            return None
    if given.content.atom:
        return given
    atom = st.segmented_control(
        "Between which atoms? The file doesn't say",
        ATOMS,
        default=ATOMS[0],
        required=True,
        key=f"{key}-atom",
        bind="query-params",
    )
    return _opened(data, name, atom=atom or ATOMS[0], **said)


def _ask_option(error: MapOptionError, key: str) -> Any:
    """What the numbers mean, where the file can be read in two ways; None without an answer."""
    st.warning(f"{escape(error.fault.rpartition(';')[0] or error.fault)}.", icon=":material/help:")
    if error.option == "unit":
        return st.segmented_control(
            "The numbers are in", ["Å", "nm", "pm"], key=f"{key}-unit", bind="query-params"
        )
    answer = st.segmented_control(
        "A zero between two residues says",
        ["not known", "0 Å apart"],
        key=f"{key}-zeros",
        bind="query-params",
    )
    return None if answer is None else answer == "not known"


_opened = st.cache_resource(max_entries=6, show_spinner=False)(open_map)


def _ask_structure(given: GivenMap) -> Fit | None:
    file = _ask_file(
        "Structure to compare with, if you like",
        "structure",
        (*STRUCTURE_SUFFIXES, "gz"),
        "PDB, mmCIF or BinaryCIF, each also gzipped; the chain of the map's length is taken, and "
        "the atoms that the map speaks of.",
    )
    if file is None:
        return None
    name, data = file
    chains = _attempt(lambda: read_structure_bytes(data, name))
    if chains is None:
        return None
    fitting = [
        chain.chain_id for chain in chains if len(given) in (len(chain), int(chain.observed.sum()))
    ]
    chain_id = None
    if len(fitting) > 1:
        chain_id = st.selectbox("Its chain", fitting, key="structure-chain", bind="query-params")
    with st.spinner("Comparing with the structure"):
        return _attempt(lambda: _fit(given, given.key, data, name, chain_id))


@st.cache_resource(max_entries=6, show_spinner=False)
def _fit(_given: GivenMap, key: str, data: bytes, name: str, chain_id: str | None) -> Fit:
    return fit_structure(_given, data, name, chain_id)
