"""Processes that outlive whoever started them, told apart from later ones of the same number."""

import contextlib
import os
import signal
import subprocess
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

from distmat.errors import RunError

_TICK = 0.05
"""Seconds by which two looks at a creation time may differ; no system gives the same process number
twice as soon."""

_SINCE_1970 = 1e9
"""What is later than this was written by version 0.1, which counted from 1970."""

_children: dict[int, subprocess.Popen[bytes]] = {}
"""Of this very process: only a parent learns how a process ended."""


@dataclass(frozen=True)
class ProcessIdentity:
    """A process, also after its number has gone to another.

    Parameters
    ----------
    pid : int
    created : float
        Seconds since the machine was started: whoever sets its clock doesn't change that.
    """

    pid: int
    created: float


def start(
    arguments: Sequence[str], log: Path, environment: Mapping[str, str] | None = None
) -> ProcessIdentity:
    """Start a process in a session of its own, so that it goes on when this one ends.

    Parameters
    ----------
    arguments : sequence of str
        The program and its arguments; no shell sees them.
    log : Path
        What the process writes to stdout and stderr is added to this file.
    environment : mapping, optional
        Variables besides those of this process.

    Raises
    ------
    RunError
        If there is no such program, or the log can't be written.
    """
    try:
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("ab") as file:
            child = subprocess.Popen(  # noqa: S603  (no shell; the caller's own program)
                list(arguments),
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=subprocess.STDOUT,
                env={**os.environ, **(environment or {})},
                start_new_session=True,
            )
    except OSError as error:
        raise RunError(
            f"'{arguments[0]}' can't be started with the log {log}: "
            f"{error.strerror or error}; check the disk and the installation."
        ) from None
    _children[child.pid] = child
    # Someone must take note of its end, or a dead child stays in the process table.
    threading.Thread(target=child.wait, name=f"wait for {child.pid}", daemon=True).start()
    # One that has ended already is no process that runs now.
    return identify(child.pid) or ProcessIdentity(child.pid, -1.0)


def start_talking(arguments: Sequence[str]) -> "subprocess.Popen[bytes]":
    """Start a process that is asked through its standard input and answers through its output.

    What it writes to stderr goes where this process's goes. Its input ends when this process does.
    """
    return subprocess.Popen(  # noqa: S603  as above
        list(arguments),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        # Ctrl-C in a terminal is for this process alone.
        start_new_session=True,
    )


def identify(pid: int | None = None) -> ProcessIdentity | None:
    """The process that has this number now (by default this one), or None."""
    try:
        process = psutil.Process(pid)
        return ProcessIdentity(process.pid, _creation_time(process))
    except psutil.NoSuchProcess:
        return None


def is_running(identity: ProcessIdentity) -> bool:
    """Whether this very process runs; one that has ended and awaits its parent doesn't."""
    return _process(identity) is not None


def exit_code(identity: ProcessIdentity) -> int | None:
    """How a child of this process ended: its code, or minus the signal that killed it.

    None while it runs, and for processes that others started: nobody but a parent is told.
    """
    child = _children.get(identity.pid)
    return None if child is None else child.poll()


def final_code(identity: ProcessIdentity) -> int | None:
    """The same for a child that has just ended: waits for the thread that takes note of it."""
    for _ in range(100):
        code = exit_code(identity)
        if code is not None or identity.pid not in _children:
            return code
        time.sleep(0.02)
    return None


def ask_to_stop(identity: ProcessIdentity) -> None:
    """SIGTERM to the process and its group; returns at once."""
    if is_running(identity):
        _signal_group(identity.pid, signal.SIGTERM)


def stop(identity: ProcessIdentity, grace: float = 30.0) -> None:
    """End a process with all that it started: SIGTERM, and SIGKILL after the grace period.

    Returns as soon as it has ended, at the latest `grace` seconds (and a moment) later.
    """
    process = _process(identity)
    if process is None:
        return
    _signal_group(identity.pid, signal.SIGTERM)
    deadline = time.monotonic() + grace
    family = _descendants(process)
    while is_running(identity) and time.monotonic() < deadline:
        time.sleep(min(0.05, max(0.0, deadline - time.monotonic())))
        family |= _descendants(process)
    _kill(identity, family)


def kill(identity: ProcessIdentity) -> None:
    """SIGKILL to a process and to all that it started, also to what outlived it."""
    process = _process(identity)
    _kill(identity, _descendants(process) if process else set())


def _kill(identity: ProcessIdentity, family: set[psutil.Process]) -> None:
    process = _process(identity)
    for member in {*([process] if process else []), *family, *_session(identity)}:
        # Checks the creation time first.
        with contextlib.suppress(psutil.NoSuchProcess):
            member.kill()
    deadline = time.monotonic() + 2
    while is_running(identity) and time.monotonic() < deadline:
        time.sleep(0.01)


def _session(identity: ProcessIdentity) -> set[psutil.Process]:
    """What is left of the session that the process led, also after its end."""
    with contextlib.suppress(psutil.NoSuchProcess):
        if not _is_same(psutil.Process(identity.pid), identity.created):
            return set()  # A stranger leads the session of this number now.
    members = set()
    for process in psutil.process_iter():
        with contextlib.suppress(ProcessLookupError, PermissionError, psutil.NoSuchProcess):
            if os.getsid(process.pid) == identity.pid:
                members.add(process)
    return members


def _process(identity: ProcessIdentity) -> psutil.Process | None:
    try:
        process = psutil.Process(identity.pid)
        same = _is_same(process, identity.created)
        return process if same and process.status() != psutil.STATUS_ZOMBIE else None
    except psutil.NoSuchProcess:
        return None


def _is_same(process: psutil.Process, created: float) -> bool:
    """Whether a process is the one that was started then."""
    if created > _SINCE_1970:
        return bool(abs(process.create_time() - created) < 2.0)
    return abs(_creation_time(process) - created) < _TICK


def _creation_time(process: psutil.Process) -> float:
    """Seconds from the machine's start to the process's."""
    while True:
        started = psutil.boot_time()
        created: float = psutil.Process(process.pid).create_time() - started
        # Both count from 1970 by a clock that may be set between the two.
        if psutil.boot_time() == started:
            return created


def _descendants(process: psutil.Process) -> set[psutil.Process]:
    try:
        return set(process.children(recursive=True))
    except psutil.NoSuchProcess:
        return set()


def _signal_group(pid: int, number: signal.Signals) -> None:
    # A leader's number is its group's; a group that is empty by now is what we wanted.
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, number)
