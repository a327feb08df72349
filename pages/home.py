"""Where one arrives: what this is, a prediction beside the truth, and the doors."""

import streamlit as st

from distmat.ui.home.doors import show_doors, show_title
from distmat.ui.home.figures import show_figures
from distmat.ui.home.work import show_results, show_running
from distmat.ui.showcase import show_showcase

if st.query_params:
    # Predictions were once looked at under this address.
    st.switch_page("predict.py", query_params=st.query_params.to_dict())
show_title()
show_doors()
show_running()
picture = st.container()
show_results()
show_figures()
with picture:
    show_showcase()
