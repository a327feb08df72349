"""The app: `streamlit run app.py`."""

import streamlit as st

from distmat.ui.explorer import viewer_routes
from distmat.ui.lifespan import lifespan
from distmat.ui.live_plot import plot_routes

# Named by its script, so that Streamlit doesn't take the folder `pages` beside this file for pages
# that it may run by themselves, without the navigation.
app = st.App("pages/navigation.py", routes=[*viewer_routes(), *plot_routes()], lifespan=lifespan)
