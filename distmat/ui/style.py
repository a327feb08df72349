"""What all pages look like, beyond Streamlit's theme."""

from pathlib import Path

import streamlit as st


def show_style() -> None:
    """Apply `page.css` to this page."""
    st.html(Path(__file__).with_name("page.css"))


def name_tab(*names: str) -> None:
    """What the browser's tab says: what is open, the closest first; a later call counts."""
    st.set_page_config(page_title=" · ".join([*names, "distmat"]))
