"""One SQLite file that many processes have open; everything that is particular to SQLite.

Writing is in short transactions with a write-ahead log, so that readers never wait and a killed
writer leaves nothing half-done.
"""

import errno
import os
import sqlite3
import threading
import weakref
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from distmat.errors import Remedy, RunError

if TYPE_CHECKING:
    import numpy as np

Row = sqlite3.Row
Values = Sequence[Any] | dict[str, Any]

PATIENCE = 30.0
"""Seconds to wait for another process that writes."""


class Database:
    """An open database; threads of this process take turns.

    Parameters
    ----------
    path : Path
        The file; it is made if it isn't there.
    migrations : sequence of str
        Scripts that lead from each version to the next; no text in them holds a semicolon.

    Raises
    ------
    RunError
        If it is damaged, or of another version that can't be brought to this one, or can't be
        made. One that is there, on a disk or in a folder that can't be written, is only read.
    """

    def __init__(self, path: Path, migrations: Sequence[str]) -> None:
        self.path = path
        self._lock = threading.RLock()
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise RunError(
                f"The workspace {path.parent} can't be made: {error.strerror}; set DISTMAT_HOME to "
                "a folder that can be written."
            ) from None
        if _is_cut(path):
            raise RunError(f"{path} was cut off.", Remedy.REBUILD)
        with self._explain_errors():
            self._connection = sqlite3.connect(
                _address(path),
                timeout=PATIENCE,
                isolation_level=None,
                check_same_thread=False,
                uri=True,
            )
            # Also where nobody closes it: a cache that drops a store, a store of another version.
            self._close = weakref.finalize(self, self._connection.close)
            self._connection.row_factory = Row
            self._migrate(migrations)

    def check(self) -> None:
        """Look at every page.

        Raises
        ------
        RunError
            If any is damaged.
        """
        if self.rows("PRAGMA quick_check(1)")[0][0] != "ok":
            raise RunError(f"{self.path} is damaged.", Remedy.REBUILD)

    def close(self) -> None:
        """Give the file back."""
        with self._lock:
            self._close()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All that is written inside is stored, or nothing if an exception leaves."""
        with self._transaction("BEGIN IMMEDIATE"):
            yield

    @contextmanager
    def snapshot(self) -> Iterator[None]:
        """All reads inside see the same moment."""
        with self._transaction("BEGIN"):
            yield

    def execute(self, sql: str, values: Values = ()) -> sqlite3.Cursor:
        """Run one statement."""
        with self._lock, self._explain_errors():
            return self._connection.execute(sql, _storable(values))

    def execute_many(self, sql: str, values: Iterable[Sequence[Any]]) -> None:
        """Run one statement with each row of values."""
        with self._lock, self._explain_errors():
            self._connection.executemany(sql, values)

    def rows(self, sql: str, *values: Any) -> list[Row]:
        """What a query finds; values by position, or one dict of them by name."""
        bound = values[0] if len(values) == 1 and isinstance(values[0], dict) else values
        with self._lock, self._explain_errors():
            return self._connection.execute(sql, _storable(bound)).fetchall()

    def array(self, sql: str, values: Sequence[Any] = (), columns: int = 2) -> "np.ndarray":
        """Numbers that a query finds, shape=(n, columns); NaN for NULL."""
        import numpy as np

        with self._lock, self._explain_errors():
            cursor = self._connection.cursor()
            # Plain tuples cost half of rows with names.
            cursor.row_factory = None
            found = cursor.execute(sql, values).fetchall()
        return np.array(found, dtype=float).reshape(-1, columns)

    def one(self, sql: str, *values: Any) -> Row:
        """The first row of what a query finds.

        Raises
        ------
        RunError
            If there is none.
        """
        found = self.rows(sql, *values)
        if not found:
            raise RunError("The run was deleted meanwhile; `distmat runs list` shows the others.")
        return found[0]

    @contextmanager
    def _transaction(self, begin: str) -> Iterator[None]:
        with self._lock, self._explain_errors():
            if self._connection.in_transaction:
                # Joined: the outer one decides.
                yield
                return
            # A signal may raise between any two lines; none of them leaves a transaction open.
            try:
                self._connection.execute(begin)
                yield
                self._connection.execute("COMMIT")
            except BaseException:
                # SQLite has done so itself where the disk is full.
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
                raise

    def _migrate(self, migrations: Sequence[str]) -> None:
        version = self._version()
        if version > len(migrations):
            raise RunError(
                f"{self.path} was written by a newer distmat (version {version} of the store); "
                "update this one."
            )
        if version == len(migrations) and _is_read_only(self.path):
            return
        self._connection.execute("PRAGMA journal_mode = WAL")
        # A killed process loses nothing, and the log needn't wait for the disk.
        self._connection.execute("PRAGMA synchronous = NORMAL")
        if version == len(migrations):
            return
        with self.transaction():
            # Another process may have been faster.
            for script in migrations[self._version() :]:
                for statement in _statements(script):
                    self._connection.execute(statement)
            self._connection.execute(f"PRAGMA user_version = {len(migrations)}")

    def _version(self) -> int:
        version: int = self._connection.execute("PRAGMA user_version").fetchone()[0]
        return version

    @contextmanager
    def _explain_errors(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.DatabaseError as error:
            code = getattr(error, "sqlite_errorcode", 0) & 0xFF
            if code == sqlite3.SQLITE_FULL:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(self.path)) from None
            sentences = {
                sqlite3.SQLITE_BUSY: "is kept busy by another process; try again.",
                sqlite3.SQLITE_READONLY: "can't be written; check its permissions.",
                sqlite3.SQLITE_CANTOPEN: "can't be opened; check its permissions.",
                sqlite3.SQLITE_NOTADB: "is no database any more.",
                sqlite3.SQLITE_CORRUPT: "is damaged.",
            }
            lost = code in (sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT)
            if code in sentences:
                remedy = Remedy.REBUILD if lost else None
                raise RunError(f"{self.path} {sentences[code]}", remedy) from None
            raise


def _address(path: Path) -> str:
    """As SQLite takes it, with how it may be opened."""
    address = path.resolve().as_uri()
    if not _is_read_only(path):
        return address
    # A log that another process keeps is read; without one nothing can change (sqlite.org/wal.html,
    # "Read-Only Databases").
    log = path.with_name(f"{path.name}-wal")
    return f"{address}?{'mode=ro' if log.is_file() and log.stat().st_size else 'immutable=1'}"


def _is_read_only(path: Path) -> bool:
    """Whether it is there, and its folder isn't to be written in."""
    return path.is_file() and not os.access(path.parent, os.W_OK)


def _is_cut(path: Path) -> bool:
    """Whether a database is shorter than its first page says (sqlite.org/fileformat.html, 1.3)."""
    log = path.with_name(f"{path.name}-wal")
    if log.is_file() and log.stat().st_size:
        # Pages that are missing may be in there, or on their way from there.
        return False
    try:
        with path.open("rb") as file:
            head = file.read(100)
            size = os.fstat(file.fileno()).st_size
    except OSError:
        return False
    if len(head) < 100 or not head.startswith(b"SQLite format 3"):
        return False
    page = int.from_bytes(head[16:18], "big")
    pages = int.from_bytes(head[28:32], "big")
    # The number counts where it was written together with the last change.
    return head[24:28] == head[92:96] and size < pages * (65_536 if page == 1 else page)


def _storable(values: Values) -> Values:
    """The same values; what UTF-8 can't hold of a text, such as half a character, as its code."""
    if isinstance(values, dict):
        return {name: _whole(value) for name, value in values.items()}
    return tuple(map(_whole, values))


def _whole(value: Any) -> Any:
    # A text of ASCII, as most are, knows that it is.
    if not isinstance(value, str) or value.isascii():
        return value
    return value.encode("utf-8", "backslashreplace").decode("utf-8")


def _statements(script: str) -> list[str]:
    lines = [line for line in script.splitlines() if not line.strip().startswith("--")]
    return [text for text in "\n".join(lines).split(";") if text.strip()]
