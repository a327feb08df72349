"""The app: `streamlit run app.py`."""

import streamlit as st

# Named by its script, so that Streamlit doesn't take the folder `pages` beside this file for pages
# that it may run by themselves, without the navigation.
app = st.App("pages/navigation.py")
