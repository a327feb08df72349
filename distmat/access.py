"""What a server lets those do who reach it.

A process that serves pages says so with `serve`; in any other, such as the command's, whoever runs
it may do everything that the system lets them do.
"""

import ipaddress
import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from distmat.errors import AccessError

READ_ONLY = "DISTMAT_READ_ONLY"
"""Environment: 1 leaves nothing but looking and predicting."""

I_KNOW = "DISTMAT_I_KNOW"
"""Environment: 1 says that everybody who reaches the server may do everything."""

DATA = "DISTMAT_DATA"
"""Environment: folders, separated as in PATH, whose files those may use who reach the server; by
default the home of who runs it, where only this machine reaches it, and none elsewhere."""

MAY_LAUNCH, MAY_LOOK = "DISTMAT_MAY_LAUNCH", "DISTMAT_MAY_LOOK"
"""Environment: mail addresses with commas between them, who may do everything and who may look and
predict, where people log in; ``@example.org`` for all of a domain, ``*`` for all who log in."""


_NOBODY = "Who has no verified address"


@dataclass(frozen=True)
class Visitor:
    """Who asks a server for something.

    Parameters
    ----------
    name : str
        The mail address they logged in with; empty where nobody logs in.
    logs_in : bool
        Whether those who come are asked who they are.
    """

    name: str = ""
    logs_in: bool = False

    @property
    def may_launch(self) -> bool:
        """Whether they may do everything."""
        return not self.logs_in or _is_named(self.name, MAY_LAUNCH)

    @property
    def may_look(self) -> bool:
        """Whether they may look and predict."""
        return self.may_launch or _is_named(self.name, MAY_LOOK)


@dataclass(frozen=True)
class _Server:
    address: str
    who: Callable[[], Visitor]


_server: _Server | None = None
"""What this process serves; None in one that serves nothing."""


def serve(address: str, who: Callable[[], Visitor]) -> None:
    """Say that this process acts for those who reach it, not for who runs it.

    Parameters
    ----------
    address : str
        Where it listens; empty for everywhere.
    who : callable
        Tells who is asking in the present thread.
    """
    global _server
    _server = _Server(address, who)


def leave() -> None:
    """Say that this process serves nothing any more."""
    global _server
    _server = None


def visitor() -> Visitor | None:
    """Who is asking; None where that is who runs this process."""
    return None if _server is None else _server.who()


def is_read_only() -> bool:
    """Whether this process leaves nothing but looking and predicting, whoever asks."""
    return _is_set(READ_ONLY)


def may_change() -> bool:
    """Whether who is asking may do more than look and predict."""
    asking = visitor()
    return not is_read_only() and (asking is None or asking.may_launch)


def check_may_change(deed: str) -> None:
    """Refuse what changes the workspace to those who may only look.

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
    asking = visitor()
    if asking is not None and not asking.may_launch:
        raise AccessError(
            f"{asking.name or _NOBODY} may not {deed} here, only look and predict; ask who "
            f"runs this server to add the address to {MAY_LAUNCH}."
        )


def check_may_look() -> None:
    """Refuse everything to those who are on no list.

    Raises
    ------
    AccessError
    """
    asking = visitor()
    if asking is not None and not asking.may_look:
        raise AccessError(
            f"{asking.name or _NOBODY} is on no list of this server; ask who runs "
            f"it to add the address to {MAY_LOOK} or {MAY_LAUNCH}."
        )


def check_may_read(path: Path, own: Iterable[Path] = ()) -> None:
    """Refuse files of this machine that are none of a visitor's business.

    Parameters
    ----------
    path : Path
        What they named; links are followed.
    own : iterable of Path
        Folders of distmat's own, which anybody may use.

    Raises
    ------
    AccessError
        If it lies in none of these folders, nor in one that the owner named.
    """
    if _server is None:
        return
    found = path.expanduser().resolve()
    named = _data_folders(_server.address)
    if any(found.is_relative_to(folder.resolve()) for folder in (*named, *own)):
        return
    where = ", ".join(map(str, named)) or "no folder"
    raise AccessError(
        f"{str(path)[:200]!r} can't be used from a page: files of this machine can be from "
        f"{where}. Upload it, or ask who runs this server to name its folder in {DATA}."
    )


def check_settings(settings: object, directory: Path, own: Iterable[Path] = ()) -> None:
    """Refuse settings of a job that name files which are none of a visitor's business.

    Parameters
    ----------
    settings : object
        Texts in them, however deep, that are a path or a pattern of paths.
    directory : Path
        Where relative paths start.
    own : iterable of Path
        As for `check_may_read`.

    Raises
    ------
    AccessError
    """
    if _server is None:
        return
    for text in filter(str.strip, _texts(settings)):
        # Of a pattern, the part before its first sign, which all it finds begins with.
        plain = text.strip()
        for sign in "*?[":
            plain = plain.partition(sign)[0]
        looks_like_one = plain.startswith(("/", "~")) or ".." in Path(plain).parts
        if looks_like_one or plain != text.strip() or _exists(directory / plain):
            check_may_read(directory / Path(plain).expanduser(), own)


def _texts(value: object) -> Iterable[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for one in value.values():
            yield from _texts(one)
    elif isinstance(value, (list, tuple)):
        for one in value:
            yield from _texts(one)


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    # A text that no file can be called.
    except (OSError, ValueError):
        return False


def _data_folders(address: str) -> list[Path]:
    named = os.environ.get(DATA)
    if named is not None:
        return [Path(folder).expanduser() for folder in named.split(os.pathsep) if folder.strip()]
    return [Path.home()] if _is_own(address) else []


def _is_named(name: str, variable: str) -> bool:
    """Whether a list in the environment has this address, its domain, or everybody."""
    listed = {one.strip().lower() for one in os.environ.get(variable, "").split(",")}
    mailbox, _, domain = name.lower().rpartition("@")
    return bool(mailbox) and bool(listed & {name.lower(), f"@{domain}", "*"})


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
        "and predicting alone, with a login (see SECURITY.md), or with --i-know if that is meant "
        "(DISTMAT_READ_ONLY=1 and DISTMAT_I_KNOW=1 in the environment)."
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
