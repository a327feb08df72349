"""Why a run ended, in a sentence and a word."""

import errno
import shutil
from pathlib import Path

from distmat.errors import DistmatError, DivergedError, OutOfMemoryError, Remedy
from distmat.jobs.log import last_words
from distmat.jobs.states import Cause

_ALMOST_FULL = 4 * 2**20
"""Bytes left on a disk that no checkpoint fits on."""

_WRITING = ("write", "inline_container", "unexpected pos", "i/o error", "iostream error")
"""What libraries say of a full disk without naming it: PyTorch that a position in its archive
isn't the one it expected."""

_SIGNALS = {
    1: "SIGHUP (its terminal was closed)",
    2: "SIGINT",
    3: "SIGQUIT",
    4: "SIGILL",
    6: "SIGABRT (a library gave up)",
    7: "SIGBUS",
    8: "SIGFPE",
    11: "SIGSEGV (a fault in compiled code)",
    15: "SIGTERM",
}


def classify_error(
    error: BaseException, folder: Path, advice: str = "Close other programs"
) -> tuple[Cause, str]:
    """What an exception that ended a training means.

    Parameters
    ----------
    folder : Path
        Of the run, to see whether its disk is full.
    """
    if _is_disk_full(error, folder):
        return Cause.DISK_FULL, (
            f"The disk that holds {folder} is full; free some space and resume, "
            "the checkpoints written so far are whole."
        )
    if isinstance(error, DivergedError):
        return Cause.NAN, str(error)
    if isinstance(error, OutOfMemoryError):
        return Cause.OUT_OF_MEMORY, str(error)
    if isinstance(error, MemoryError):
        return Cause.OUT_OF_MEMORY, (f"The machine's memory isn't enough. {advice}, and resume.")
    if isinstance(error, DistmatError):
        changed = error.remedy == Remedy.ACCEPT_CHANGED_DATA
        return Cause.CHANGED_DATA if changed else Cause.INPUT, str(error)
    return Cause.BUG, (
        f"{type(error).__name__}: {str(error)[:500]} (a fault of the program; the log says where)"
    )


def classify_exit(
    log: Path,
    code: int | None,
    memory_kills: int | None,
    advice: str = "Close other programs",
) -> tuple[Cause, str]:
    """What became of a process that ended without a word.

    Parameters
    ----------
    log : Path
        What it wrote.
    code : int or None
        Its exit code, or minus the signal that killed it; None if nobody saw.
    memory_kills : int or None
        Processes that the kernel killed for memory during the run; None if it doesn't tell.
    advice : str
        What helps against a lack of memory.
    """
    words = last_words(log)
    tail = f" The log ends with: {words}" if words else " The log is empty."
    if code == -9 or (code is None and memory_kills):
        evidence = (
            f"the kernel killed {memory_kills} process{'es' * (memory_kills != 1)} for memory"
            if memory_kills
            else "unless somebody sent that signal by hand"
        )
        return Cause.OUT_OF_MEMORY, (
            f"Killed (SIGKILL), most likely because the machine ran out of memory: {evidence}. "
            f"{advice}, and resume.{tail}"
        )
    if code is not None and code < 0:
        return Cause.SIGNAL, f"Killed by {_SIGNALS.get(-code, f'signal {-code}')}.{tail}"
    if code is not None:
        return Cause.BUG, f"The process ended with code {code} before it could say why.{tail}"
    return Cause.LOST, (
        "The process is gone, and nobody saw how: killed, out of memory, or the machine was "
        f"restarted.{tail}"
    )


def _is_disk_full(error: BaseException, folder: Path) -> bool:
    seen: BaseException | None = error
    while seen is not None:
        if getattr(seen, "errno", None) in (errno.ENOSPC, errno.EDQUOT):
            return True
        if "No space left on device" in str(seen) or "os error 28" in str(seen):
            return True
        seen = seen.__cause__ or seen.__context__
    text = str(error).lower()
    return any(word in text for word in _WRITING) and _free(folder) < _ALMOST_FULL


def _free(folder: Path) -> int:
    try:
        return shutil.disk_usage(folder).free
    except OSError:
        return _ALMOST_FULL
