"""The chains of a dataset: a table to sort, filter and search, and one chain as a whole."""

import re
from typing import Any

import numpy as np
import pandas as pd
import streamlit as st

from distmat.dataset.catalogue import Summary
from distmat.dataset.store import read_chain
from distmat.errors import DistmatError
from distmat.protein.chain import Chain
from distmat.protein.entry_id import normal_id
from distmat.protein.structure.write import write_pdb
from distmat.ui.address import follow_address, name_followed
from distmat.ui.bridges import offer_to_predict
from distmat.ui.data.card import facts_of
from distmat.ui.explorer import LONGEST_MAP, chain_scene, show_explorer
from distmat.ui.file_name import file_stem
from distmat.ui.markdown import escape, show_error

_LINE = 60
"""Letters of a sequence's line."""


def show_chains(dataset: Summary) -> None:
    """The table, and below it the chain that was chosen in it."""
    try:
        facts = facts_of(dataset)
    except DistmatError as error:
        show_error(error)
        return
    found = _filter(facts)
    if found.empty:
        st.info("No chain fits.", icon=":material/search_off:")
        return
    st.caption(
        f"{len(found):,} of {len(facts):,} chains. A click on a column's name sorts by it, one at "
        "the left of a row shows the chain."
    )
    names, table = list(found["id"]), f"chains-{dataset.name}"
    if follow_address("chain", f"{table}-open", names, names[0]):
        row = names.index(st.session_state[f"{table}-open"])
        st.session_state[table] = {"selection": {"rows": [row], "columns": [], "cells": []}}
    event = st.dataframe(
        found[[column for column in _COLUMNS if column in found]],
        hide_index=True,
        width="stretch",
        height=320,
        on_select="rerun",
        selection_mode="single-row",
        key=table,
        column_config=_COLUMNS,
        placeholder="–",
    )
    chosen = [row for row in event["selection"]["rows"] if row < len(found)]
    place = chosen[0] if chosen else 0
    name_followed("chain", f"{table}-open", names[place], names[0])
    row = int(found.index[place])
    try:
        _show_chain(dataset, read_chain(dataset.path, row), facts.loc[row])
    except DistmatError as error:
        show_error(error)


def _filter(facts: pd.DataFrame) -> pd.DataFrame:
    """The rows that a person asks for; the address says it, too."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        text = st.text_input(
            "Search",
            key="search",
            bind="query-params",
            placeholder="an id, words of the title, or a piece of sequence",
            icon=":material/search:",
            width=380,
        )
        keep = pd.Series(True, index=facts.index)
        if "split" in facts:
            there = [s for s in ("train", "val", "test") if (facts["split"] == s).any()]
            splits = st.pills(
                "Split", there, selection_mode="multi", key="splits", bind="query-params"
            )
            if splits:
                keep &= facts["split"].isin(splits)
        if "rep" in facts and st.toggle(
            "One of each cluster",
            key="representatives",
            bind="query-params",
            help="The best observed chain of each cluster of similar sequences.",
        ):
            keep &= facts["rep"].astype(bool)
        shortest, longest = int(facts["length"].min()), int(facts["length"].max())
        if shortest < longest:
            first, last = st.slider(
                "Residues",
                shortest,
                longest,
                (shortest, longest),
                key="residues",
                bind="query-params",
                width=260,
            )
            keep &= facts["length"].between(first, last)
    return facts[keep & _match(facts, normal_id(text.strip()))]


def _match(facts: pd.DataFrame, text: str) -> pd.Series:
    """Rows whose id, title or sequence holds the text, taken letter by letter."""
    found = pd.Series(not text, index=facts.index)
    if not text:
        return found
    for column in ("id", "title", "source"):
        if column in facts:
            found |= facts[column].fillna("").str.contains(text, case=False, regex=False)
    letters = re.sub(r"\s+", "", text).upper()
    # A shorter piece is in nearly every chain.
    if len(letters) >= 4 and letters.isalpha():
        found |= facts["sequence"].str.contains(letters, regex=False)
    return found


_COLUMNS: dict[str, Any] = {
    "id": st.column_config.TextColumn("Chain", pinned=True),
    "length": st.column_config.NumberColumn("Residues"),
    "split": "Split",
    "resolution": st.column_config.NumberColumn("Resolution (Å)", format="%.2f"),
    "helix": st.column_config.NumberColumn("Helix", format="percent"),
    "strand": st.column_config.NumberColumn("Strand", format="percent"),
    "missing": st.column_config.NumberColumn("Unobserved", help="Residues without a Cα"),
    "breaks": st.column_config.NumberColumn("Breaks", help="Neighbours too far apart for a bond"),
    "rg": st.column_config.NumberColumn("Radius of gyration (Å)", format="%.1f"),
    "cluster": st.column_config.NumberColumn("Cluster", help="Chains of similar sequence"),
    "group": st.column_config.NumberColumn("Group", help="Relatives, which share a split"),
    "rep": st.column_config.CheckboxColumn("Best of cluster"),
    "method": "Method",
    "title": "Title",
    "source": "From",
}


def _show_chain(dataset: Summary, chain: Chain, facts: pd.Series) -> None:
    st.subheader(escape(chain.name), anchor=False)
    st.caption(" · ".join(_words(chain, facts)))
    offer_to_predict(chain, f"{dataset.name}-{chain.name}")
    if len(chain) > LONGEST_MAP:
        st.info(f"The map of more than {LONGEST_MAP:,} residues isn't drawn.")
    else:
        show_explorer(chain_scene(chain), f"chain-{dataset.name}")
    st.markdown("**Sequence**")
    st.code(number_residues(chain), language=None)
    if chain.observed.all():
        st.caption("Every residue was observed.")
    else:
        st.caption("Small letters were not observed.")
    with st.container(horizontal=True):
        st.download_button(
            "Trace, PDB",
            lambda: write_pdb(chain.sequence, chain.ca.astype(float)),
            f"{file_stem(chain.name)}.pdb",
            "chemical/x-pdb",
            on_click="ignore",
            icon=":material/download:",
        )
        st.download_button(
            "Sequence, FASTA",
            f">{chain.name}\n{chain.sequence}\n",
            f"{file_stem(chain.name)}.fasta",
            "text/plain",
            on_click="ignore",
            icon=":material/download:",
        )


def _words(chain: Chain, facts: pd.Series) -> list[str]:
    words = [f"{len(chain):,} residues, {int(chain.observed.sum()):,} observed"]
    if (split := facts.get("split")) and isinstance(split, str):
        words.append(split)
    for column in ("method", "title"):
        value = facts.get(column)
        if isinstance(value, str) and value:
            words.append(escape(value))
    resolution = facts.get("resolution")
    if resolution is not None and np.isfinite(float(resolution)):
        words.append(f"{float(resolution):.2f} Å")
    return words


def number_residues(chain: Chain) -> str:
    """The sequence in lines that begin with the first residue's number; small if unobserved."""
    letters = "".join(
        letter if seen else letter.lower()
        for letter, seen in zip(chain.sequence, chain.observed, strict=True)
    )
    lines = []
    for start in range(0, len(letters), _LINE):
        line = letters[start : start + _LINE]
        tens = " ".join(line[k : k + 10] for k in range(0, len(line), 10))
        lines.append(f"{start + 1:>5}  {tens}")
    return "\n".join(lines)
