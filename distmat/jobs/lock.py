"""A file that at most one process holds; the system lets it go when that process ends."""

import fcntl
import os
import time
from pathlib import Path


class ProcessLock:
    """A lock that no death leaves behind.

    Threads of one process don't keep each other out, and opening the same file twice in a
    process gives the lock up: hold one object a process.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._descriptor: int | None = None

    def take(self, patience: float = 0.0) -> bool:
        """Whether this process holds it now; tries for so many seconds."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        deadline = time.monotonic() + patience
        descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        while True:
            try:
                fcntl.lockf(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                if time.monotonic() >= deadline:
                    os.close(descriptor)
                    return False
                time.sleep(0.02)
            else:
                os.ftruncate(descriptor, 0)
                os.write(descriptor, str(os.getpid()).encode())
                self._descriptor = descriptor
                return True

    def release(self) -> None:
        """Let others have it."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def is_held(self) -> bool:
        """Whether another process holds it; not to be asked by the one that does."""
        try:
            descriptor = os.open(self.path, os.O_RDWR | os.O_CLOEXEC)
        except FileNotFoundError:
            return False
        try:
            fcntl.lockf(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return True
        else:
            return False
        finally:
            os.close(descriptor)

    def holder(self) -> int | None:
        """The number of the process that holds it; not to be asked by that one."""
        try:
            return int(self.path.read_text(encoding="ascii")) if self.is_held() else None
        except (OSError, ValueError):
            return None
