"""Structures of the PDB by id, as BinaryCIF, kept once they are here.

The place is the one that biotite fetches from; biotite itself waits for ever on a connection
that has gone silent, and a list of ten thousand ids meets some.
"""

import gzip
import threading
import time
import zlib
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path

from distmat.errors import DatasetError
from distmat.protein.structure.sniff import MAX_BYTES
from distmat.workspace import replace_file, workspace

SERVER = "https://models.rcsb.org"
"""Serves ``/1abc.bcif.gz``."""


@dataclass(frozen=True)
class DownloadPolicy:
    """How a server is asked.

    Parameters
    ----------
    connections : int
        Open at a time.
    per_second : float
        Requests at most, over all connections.
    attempts : int
        For each file, before it is given up.
    pause : float
        Seconds before the second attempt; twice as long before each further one.
    silence : float
        Seconds without a byte after which an attempt is given up.
    patience : float
        Seconds after which an attempt is given up however it goes.
    give_up_after : int
        Files that fail in a row before the server counts as out of reach.
    """

    connections: int = 4
    per_second: float = 10.0
    attempts: int = 4
    pause: float = 1.0
    silence: float = 20.0
    patience: float = 300.0
    give_up_after: int = 12


def cached_path(entry: str) -> Path:
    """Where the structure of a PDB entry is kept in the workspace."""
    return workspace() / "cache" / "structures" / entry[1:3] / f"{entry}.bcif.gz"


def download(
    entries: Iterable[str],
    server: str = SERVER,
    policy: DownloadPolicy | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> dict[str, str]:
    """Fetch what isn't there yet.

    Parameters
    ----------
    entries : iterable of str
        PDB ids in lower case.
    server : str
        Address without the file's name.
    policy : DownloadPolicy, optional
    progress : callable, optional
        Called with how many are there, and of how many.

    Returns
    -------
    dict
        For each entry that couldn't be had, a sentence why; the others are at `cached_path`.

    Raises
    ------
    DatasetError
        If the server is out of reach; what has been fetched is kept.
    """
    entries = list(dict.fromkeys(entries))
    wanted = [entry for entry in entries if not cached_path(entry).exists()]
    done = len(entries) - len(wanted)
    failed: dict[str, str] = {}
    if progress:
        progress(done, len(entries))
    if not wanted:
        return failed
    client = RateLimitedClient(server.rstrip("/"), policy or DownloadPolicy())
    in_a_row = 0
    with ThreadPoolExecutor(client.policy.connections, "download") as pool:
        futures = {pool.submit(client.fetch, entry): entry for entry in wanted}
        try:
            for future in as_completed(futures):
                fault = future.result()
                in_a_row = in_a_row + 1 if fault and not fault.final else 0
                if fault:
                    failed[futures[future]] = fault.words
                if in_a_row >= client.policy.give_up_after:
                    raise DatasetError(
                        f"{server} can't be reached ({fault.words if fault else ''}) Check the "
                        "network and start again: what has been fetched is kept."
                    )
                done += 1
                if progress:
                    progress(done, len(entries))
        finally:
            client.closed.set()
            for future in futures:
                future.cancel()
    return failed


@dataclass(frozen=True)
class _Fault:
    """Why a file couldn't be had, and whether the server has said so for good."""

    words: str
    final: bool


class RateLimitedClient:
    """Connections to one server, which all wait their turn."""

    def __init__(self, server: str, policy: DownloadPolicy) -> None:
        self.server, self.policy = server, policy
        self.closed = threading.Event()
        self._turn, self._next = threading.Lock(), 0.0
        self._local = threading.local()

    def fetch(self, entry: str) -> _Fault | None:
        """Fetch one file, with second and further attempts."""
        fault: _Fault | None = None
        pause = self.policy.pause
        for attempt in range(self.policy.attempts):
            if attempt and self.closed.wait(pause):
                break
            self._wait()
            if self.closed.is_set():
                break
            try:
                fault = self._attempt(entry)
            except OSError as error:
                # A full disk is no fault of the server's.
                if error.errno is not None and not _of_network(error):
                    raise
                fault = _Fault(f"The connection broke ({type(error).__name__}).", False)
            if fault is None or fault.final:
                return fault
            pause *= 2
        return fault or _Fault("It was not fetched.", False)

    def _wait(self) -> None:
        with self._turn:
            now = time.monotonic()
            start = max(now, self._next)
            self._next = start + 1.0 / self.policy.per_second
        self.closed.wait(start - now)

    def _attempt(self, entry: str) -> _Fault | None:
        import requests

        if not hasattr(self._local, "session"):
            self._local.session = requests.Session()
            self._local.session.headers["User-Agent"] = "distmat"
        with self._local.session.get(
            f"{self.server}/{entry}.bcif.gz",
            # The file is packed; nothing is to be packed on the way besides.
            headers={"Accept-Encoding": "identity"},
            timeout=(self.policy.silence, self.policy.silence),
            stream=True,
        ) as answer:
            if answer.status_code in (404, 410):
                return _Fault(f"The PDB has no entry {entry} as BinaryCIF.", True)
            if answer.status_code in (429, 503):
                # The server's own wish, within reason.
                asked = answer.headers.get("Retry-After", "")
                self.closed.wait(min(float(asked), 60.0) if asked.isdecimal() else 0.0)
            if answer.status_code != 200:
                return _Fault(f"The server answered {answer.status_code}.", False)
            data = self._body(answer)
        if data is None:
            return _Fault("The file is too large, or came too slowly.", False)
        return self._keep(entry, data)

    def _body(self, answer) -> bytes | None:
        until = time.monotonic() + self.policy.patience
        parts, size = [], 0
        for part in answer.iter_content(2**16):
            size += len(part)
            if size > MAX_BYTES or time.monotonic() > until or self.closed.is_set():
                return None
            parts.append(part)
        return b"".join(parts)

    def _keep(self, entry: str, data: bytes) -> _Fault | None:
        """Keep a file that came whole: its checksum tells."""
        try:
            packer = zlib.decompressobj(wbits=31)
            unpacked = packer.decompress(data, MAX_BYTES)
            if not packer.eof or b"dataBlocks" not in unpacked:
                return _Fault("What came is no whole BinaryCIF file.", False)
        except (zlib.error, gzip.BadGzipFile):
            return _Fault("What came is no gzipped BinaryCIF file.", False)
        with replace_file(cached_path(entry)) as file:
            file.write(data)
        return None


def _of_network(error: OSError) -> bool:
    import requests

    return isinstance(error, requests.RequestException | ConnectionError | TimeoutError)
