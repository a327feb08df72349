"""Files of a person that the workspace keeps, so that an address can name them by their content.

What is opened on the page Maps is kept here, as it came; the oldest go first. A server that is
read-only keeps nothing, so that nobody sees there what another person brought.
"""

import hashlib
import json
import re
from pathlib import Path

from distmat.access import check_may_change
from distmat.documents import DocumentError, read_json
from distmat.errors import KeptFileError
from distmat.workspace import replace_file, workspace

MOST = 50
"""Files that are kept."""

MOST_BYTES = 2 * 2**30
"""Of all of them together."""

_ID = re.compile(r"[0-9a-f]{16}")


def keep_file(name: str, data: bytes) -> str:
    """Keep a file, and let go of the oldest beyond `MOST` and `MOST_BYTES`; returns its id.

    Parameters
    ----------
    name : str
        May hold anything.
    data : bytes

    Raises
    ------
    AccessError
        If the workspace is read-only.
    """
    check_may_change("keep files")
    name = Path(name).name[-200:]
    file_id = hashlib.sha256(name.encode() + b"\0" + data).hexdigest()[:16]
    with replace_file(_folder() / file_id) as file:
        file.write(data)
    with replace_file(_folder() / f"{file_id}.json", "w") as file:
        json.dump({"name": name}, file)
    _let_go(file_id)
    return file_id


def read_kept_file(file_id: str) -> tuple[str, bytes]:
    """Name and content of a file that was kept.

    Raises
    ------
    KeptFileError
        If it isn't kept, or not any more.
    """
    try:
        if not _ID.fullmatch(file_id):
            raise FileNotFoundError
        name = read_json(_folder() / f"{file_id}.json", 2**16)["name"]
        return str(name), (_folder() / file_id).read_bytes()
    except (OSError, DocumentError, KeyError, TypeError):
        raise KeptFileError(
            f"The link names a file '{file_id[:20]}' that isn't kept here: the last {MOST} are. "
            "Open it again."
        ) from None


def _let_go(newest: str) -> None:
    """Delete the oldest of what is too much, but never the newest."""
    files = [path for path in _folder().iterdir() if _ID.fullmatch(path.name)]
    files.sort(key=lambda path: (path.name != newest, -path.stat().st_mtime_ns))
    size = 0
    for place, path in enumerate(files):
        size += path.stat().st_size
        if place and (place >= MOST or size > MOST_BYTES):
            path.unlink(missing_ok=True)
            path.with_name(f"{path.name}.json").unlink(missing_ok=True)


def _folder() -> Path:
    return workspace() / "opened"
