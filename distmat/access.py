"""What a server lets those do who reach it."""

import ipaddress
import os

from distmat.errors import AccessError

READ_ONLY = "DISTMAT_READ_ONLY"
"""Environment: 1 leaves nothing but looking and predicting."""

I_KNOW = "DISTMAT_I_KNOW"
"""Environment: 1 says that everybody who reaches the server may do everything."""


def is_read_only() -> bool:
    """Whether this process leaves nothing but looking and predicting."""
    return _is_set(READ_ONLY)


def check_may_change(deed: str) -> None:
    """Refuse what changes the workspace, where it is read-only.

    Called by the functions that act, so that no page, link or hidden button gets around it.

    Parameters
    ----------
    deed : str
        What is refused, such as ``"start jobs"``.

    Raises
    ------
    AccessError
    """
    if is_read_only():
        raise AccessError(
            f"This distmat is read-only: it lets nobody {deed}. Look and predict here, or install "
            "your own."
        )


def check_exposure(address: str, has_login: bool = False) -> None:
    """Refuse to be open to a network by accident.

    Parameters
    ----------
    address : str
        Where the server listens; empty for everywhere.
    has_login : bool
        Whether those who come are asked who they are.

    Raises
    ------
    AccessError
        If others than this machine's people could do everything, and nobody said that this is
        meant.
    """
    if _is_own(address) or has_login or is_read_only() or _is_set(I_KNOW):
        return
    raise AccessError(
        f"Everybody who reaches {address or 'any address of this machine'} could start trainings, "
        "delete runs and have files of this machine read. Start it with --read-only for looking "
        "and predicting alone, or with --i-know if that is meant (DISTMAT_READ_ONLY=1 and "
        "DISTMAT_I_KNOW=1 in the environment)."
    )


def _is_own(address: str) -> bool:
    """Whether an address is reached from this machine alone."""
    if address == "localhost":
        return True
    try:
        return ipaddress.ip_address(address.strip("[]")).is_loopback
    except ValueError:
        return False


def _is_set(name: str) -> bool:
    return os.environ.get(name, "") not in ("", "0")
