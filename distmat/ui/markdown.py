"""Text that isn't ours, made safe to show where Streamlit expects Markdown."""

import re

import streamlit as st

from distmat.errors import DistmatError

_SPECIAL = re.compile(r"([\\`*_{}\[\]()#+\-.!|<>~:$&^=])")


def escaped(text: str) -> str:
    """The same text, whatever it holds, as Markdown that shows it letter by letter."""
    return _SPECIAL.sub(r"\\\1", " ".join(text.split()))


def show_error(error: DistmatError) -> None:
    """A sentence for the person who can mend it."""
    st.error(escaped(str(error)), icon=":material/error:")
