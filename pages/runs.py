"""Watch, stop, resume and compare training runs."""

import streamlit as st

from distmat.errors import DistmatError
from distmat.ui.markdown import show_error
from distmat.ui.run_store import open_store
from distmat.ui.runs.compare import show_comparison
from distmat.ui.runs.list import show_runs, show_way_back
from distmat.ui.runs.page import show_run

try:
    store = open_store()
    if "run" in st.query_params:
        show_run(store, st.query_params["run"])
    elif "compare" in st.query_params:
        show_comparison(store, st.query_params["compare"].split(","))
    else:
        show_runs(store)
except DistmatError as error:
    show_error(error)
    show_way_back()
