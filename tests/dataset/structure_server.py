"""A server with the PDB's layout, which can be silent, cut off, busy or wrong on demand."""

import gzip
import io
import threading
import time
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from biotite.structure.io.pdbx import (
    BinaryCIFBlock,
    BinaryCIFCategory,
    BinaryCIFFile,
    CIFFile,
)

from distmat.protein.structure.write import write_mmcif


def bcif(chain, chain_id="A"):
    """A BinaryCIF file of a chain, packed."""
    text = CIFFile.read(io.StringIO(write_mmcif(chain.sequence, chain.ca.astype(float), chain_id)))
    (block,) = text.values()
    binary = BinaryCIFFile()
    binary["1abc"] = BinaryCIFBlock(
        {
            name: BinaryCIFCategory({key: column.as_array() for key, column in table.items()})
            for name, table in block.items()
        }
    )
    file = io.BytesIO()
    binary.write(file)
    return gzip.compress(file.getvalue(), mtime=0)


@contextmanager
def serving(files, faults=None):
    """Serve these contents by entry.

    Parameters
    ----------
    files : dict of str to bytes
    faults : dict of str to list of str, optional
        What the first answers of an entry are: "silent", "cut", "short", "busy", "broken".

    Yields
    ------
    address, asked : str, list
        The server's address, and the time and entry of every request so far.
    """
    faults = {entry: list(kinds) for entry, kinds in (faults or {}).items()}
    asked = []
    closing = threading.Event()

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *args):
            pass

        def do_GET(self):
            entry = self.path.removeprefix("/").removesuffix(".bcif.gz")
            asked.append((time.monotonic(), entry))
            fault = faults[entry].pop(0) if faults.get(entry) else ""
            data = files.get(entry)
            if fault == "silent":
                closing.wait(30)
                return
            if fault == "busy":
                self.send_response(503)
                self.send_header("Retry-After", "0")
                self.end_headers()
                return
            if data is None:
                self.send_error(404)
                return
            self.send_response(200)
            if fault == "broken":
                data = b"<html>maintenance</html>"
            # Without a length, a cut connection looks like the end of the file.
            if fault != "short":
                self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data[: len(data) // 2] if fault in ("cut", "short") else data)

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", asked
    finally:
        closing.set()
        server.shutdown()
        server.server_close()
