"""Files that were given to a page, where a job finds them."""

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from distmat.ui.file_name import file_stem


def keep_files(folder: Path, files: Iterable[Any]) -> list[Path]:
    """Write uploaded files into a folder, which is made if it isn't there.

    Returns
    -------
    list of Path
        Absolute; only what is harmless of a file's name is in them.
    """
    found = []
    for number, file in enumerate(files, start=1):
        stem, *suffixes = re.split(r"(?=\.)", file.name)
        ending = "".join(re.sub(r"[^A-Za-z0-9.]", "", suffix) for suffix in suffixes[-2:])
        # Two files of one name would be one.
        path = folder / f"{number:03d}" / f"{file_stem(stem)}{ending}"
        path.parent.mkdir(parents=True)
        path.write_bytes(file.getbuffer())
        found.append(path.absolute())
    return found
