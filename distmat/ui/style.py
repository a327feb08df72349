"""What all pages look like, beyond Streamlit's theme."""

from pathlib import Path

import streamlit as st


def show_style() -> None:
    """Apply `page.css` to this page."""
    st.html(Path(__file__).with_name("page.css"))
