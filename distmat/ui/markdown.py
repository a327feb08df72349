"""Text that isn't ours, made safe to show where Streamlit expects Markdown."""

import re

import streamlit as st

from distmat.errors import DistmatError, Remedy

_SPECIAL = re.compile(r"([\\`*_{}\[\]()#+\-.!|<>~:$&^=])")


_LINKED = re.compile(r"(https?(?=:)|www(?=\.)|@)", re.IGNORECASE)
"""What Markdown's dialect of the web makes a link of, though nobody asked for one."""

_WORD_JOINER = "\u2060"
"""Has no width, and parts what would be a link."""


def escape(text: str) -> str:
    """The same text, whatever it holds, as Markdown that shows it letter by letter."""
    parted = _LINKED.sub(rf"\1{_WORD_JOINER}", " ".join(text.split()))
    return _SPECIAL.sub(r"\\\1", parted)


def show_error(error: DistmatError) -> None:
    """A sentence for the person who can mend it."""
    st.error(escape(str(error)), icon=":material/error:")
    if error.remedy == Remedy.REBUILD:
        st.button(
            "Make the list of jobs anew",
            help="From the folders of the jobs; what is left of the old list is kept beside it.",
            on_click=_rebuild,
        )


def _rebuild() -> None:
    from distmat.jobs.rebuild import rebuild

    try:
        done = rebuild()
    except DistmatError as error:
        st.toast(escape(str(error)), icon=":material/error:")
        return
    unknown = f" {len(done.unknown)} folders stay without one." if done.unknown else ""
    st.toast(f"{len(done.found)} jobs are back.{unknown}", icon=":material/check:")
