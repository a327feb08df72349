"""How the server asks the system for memory, so that it gives back what it no longer needs."""

import ctypes

_ARENA_MAX, _MMAP_THRESHOLD = -8, -3
"""Numbers of glibc's ``mallopt``, from its malloc.h."""

LARGE = 2**18
"""Bytes from which a block is asked for by itself, and given back when it is freed."""


def return_large_blocks() -> bool:
    """Have glibc give back each large block as soon as it is freed; False where there is no glibc.

    By itself it begins to keep blocks of up to 32 MiB once one of that size was freed, in pools of
    many threads, where small objects that live on hold them: one map of 1,000 residues after the
    other made the server grow.
    """
    try:
        set_option = ctypes.CDLL("libc.so.6").mallopt
    except (OSError, AttributeError):
        return False
    return bool(set_option(_MMAP_THRESHOLD, LARGE) and set_option(_ARENA_MAX, 2))
