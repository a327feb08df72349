"""What every page has in common: its place in the navigation, its look."""

import streamlit as st

from distmat.ui.style import show_style

st.set_page_config(page_title="distmat", page_icon="🧬", layout="wide")
show_style()
st.navigation(
    [
        st.Page("predict.py", title="Predict", default=True),
        st.Page("train.py", title="Train"),
        st.Page("runs.py", title="Runs"),
        st.Page("data.py", title="Data"),
    ],
    position="top",
).run()
