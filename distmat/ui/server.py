"""What a server shows to whom, and what it says of its own faults."""

import logging
import secrets
from collections.abc import Callable

import streamlit as st

from distmat.access import Visitor, check_exposure, check_may_look, may_change, serve
from distmat.errors import AccessError, DistmatError, is_of_the_disk, system_sentence
from distmat.ui.markdown import escape, show_error

_log = logging.getLogger(__name__)


def open_to_visitor() -> None:
    """Tell the functions that act who asks, and show nothing to whom nothing is meant for."""
    serve(_address(), _visitor)
    try:
        check_exposure(_address(), _has_login())
    except AccessError as error:
        show_error(error)
        st.stop()
    if _has_login():
        _ask_who()


def _ask_who() -> None:
    """Go on only with somebody who is on a list."""
    if not st.user.is_logged_in:
        st.title("distmat")
        st.markdown("Log in to go on.")
        st.button("Log in", type="primary", icon=":material/login:", on_click=st.login)
        st.stop()
    try:
        check_may_look()
    except AccessError as error:
        show_error(error)
        st.button("Log out", icon=":material/logout:", on_click=st.logout)
        st.stop()


def _address() -> str:
    return str(st.get_option("server.address") or "")


def _has_login() -> bool:
    """Whether Streamlit's secrets name an OpenID provider."""
    try:
        return "auth" in st.secrets
    except FileNotFoundError:
        return False


def _visitor() -> Visitor:
    if not _has_login():
        return Visitor()
    # A thread without a person is nobody's.
    known = st.user.to_dict() if st.user else {}
    # What the provider says it hasn't checked may be anybody's address.
    checked = known.get("is_logged_in") and known.get("email_verified", True)
    return Visitor(str(known.get("email") or "") if checked else "", logs_in=True)


def show_visitor() -> None:
    """Who is logged in, and that they may only look where that is so."""
    name = _visitor().name
    if may_change() and not name:
        return
    with st.container(horizontal=True, vertical_alignment="center"):
        who = f"{escape(name)}. " if name else ""
        only = "" if may_change() else "Read-only: look and predict."
        st.caption(f":material/visibility: {who}{only}" if only else f":material/person: {who}")
        if name:
            st.button("Log out", type="tertiary", on_click=st.logout)


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
            st.error(escape(system_sentence(error)), icon=":material/hard_drive:")
            return
        number = secrets.token_hex(4)
        _log.exception("Fault %s", number)
        st.error(
            f"This is a fault of the program, not of what you gave it. The server's log tells "
            f"more under **{number}**; please report it.",
            icon=":material/bug_report:",
        )
