"""The app: `streamlit run app.py`."""

import streamlit as st

from distmat.ui.style import show_style

st.set_page_config(page_title="distmat", page_icon="🧬", layout="wide")
show_style()
st.navigation(
    [
        st.Page("app_pages/predict.py", title="Predict", default=True),
        st.Page("app_pages/train.py", title="Train"),
        st.Page("app_pages/runs.py", title="Runs"),
        st.Page("app_pages/data.py", title="Data"),
    ],
    position="top",
).run()
