"""What a server shows to whom, and what it says of its own faults."""

import logging
import secrets
from collections.abc import Callable

import streamlit as st

from distmat.access import check_exposure, is_read_only
from distmat.errors import AccessError, DistmatError, is_of_the_disk, system_sentence
from distmat.ui.markdown import escaped, show_error

_log = logging.getLogger(__name__)


def refuse_exposure() -> None:
    """Show nothing to a network to which nobody meant to open everything."""
    try:
        check_exposure(st.get_option("server.address") or "", "auth" in _secrets())
    except AccessError as error:
        show_error(error)
        st.stop()


def _secrets() -> tuple[str, ...]:
    try:
        return tuple(st.secrets)
    except FileNotFoundError:
        return ()


def show_read_only() -> None:
    """Say what can't be done here, where that is so."""
    if is_read_only():
        st.caption(":material/visibility: Read-only: look and predict.")


def run_page(page: Callable[[], None]) -> None:
    """A page; a fault of the program is told by a number, which the server's log has."""
    try:
        page()
    except DistmatError as error:
        show_error(error)
    # Nothing is hidden: the log gets the traceback, and a visitor what to quote of it.
    except Exception as error:
        if isinstance(error, OSError) and is_of_the_disk(error):
            _log.warning("%s", error)
            st.error(escaped(system_sentence(error)), icon=":material/hard_drive:")
            return
        number = secrets.token_hex(4)
        _log.exception("Fault %s", number)
        st.error(
            f"This is a fault of the program, not of what you gave it. The server's log tells "
            f"more under **{number}**; please report it.",
            icon=":material/bug_report:",
        )
