"""The app: `streamlit run app.py`."""

import streamlit as st
from starlette.middleware import Middleware

from distmat.ui.explorer import viewer_routes
from distmat.ui.lifespan import WarmUp, lifespan
from distmat.ui.live_plot import plot_routes

# Named by its script, so that Streamlit doesn't take the folder `pages` beside this file for pages
# that it may run by themselves, without the navigation.
app = st.App(
    "pages/navigation.py",
    routes=[*viewer_routes(), *plot_routes()],
    middleware=[Middleware(WarmUp)],
    lifespan=lifespan,
)
