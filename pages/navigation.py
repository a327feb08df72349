"""What every page has in common: its place in the navigation, its look."""

import streamlit as st

from distmat.access import is_read_only
from distmat.ui.server import refuse_exposure, run_page, show_read_only
from distmat.ui.style import show_style

st.set_page_config(page_title="distmat", page_icon="🧬", layout="wide")
show_style()
refuse_exposure()
pages = [
    st.Page("predict.py", title="Predict", default=True),
    st.Page("maps.py", title="Maps"),
    st.Page("evaluate.py", title="Evaluate"),
    st.Page("train.py", title="Train"),
    st.Page("runs.py", title="Runs"),
    st.Page("data.py", title="Data"),
]
if is_read_only():
    pages = [page for page in pages if page.title != "Train"]
page = st.navigation(pages, position="top")
show_read_only()
run_page(page.run)
