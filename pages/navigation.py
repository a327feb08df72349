"""What every page has in common: its place in the navigation, its look."""

import streamlit as st

from distmat.access import may_change
from distmat.ui.server import open_to_visitor, run_page, show_visitor
from distmat.ui.style import name_tab, show_style

st.set_page_config(page_icon="🧬", layout="wide")
show_style()
open_to_visitor()
pages = [
    st.Page("home.py", title="Home", default=True),
    st.Page("predict.py", title="Predict"),
    st.Page("maps.py", title="Maps"),
    st.Page("evaluate.py", title="Evaluate"),
    st.Page("train.py", title="Train"),
    st.Page("runs.py", title="Runs"),
    st.Page("data.py", title="Data"),
]
if not may_change():
    pages = [page for page in pages if page.title != "Train"]
page = st.navigation(pages, position="top")
name_tab(*([] if page.title == "Home" else [page.title]))
show_visitor()
run_page(page.run)
