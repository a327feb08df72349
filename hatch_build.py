"""Fetches the JavaScript of the 3D view while the package is installed.

The viewer's files come by npm in the versions of package-lock.json and land in `static/`,
which git ignores. Without npm or without a network the package installs all the same: the page
then takes the viewer from its CDN, or draws the trace on a plain canvas.
"""

import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

FILES = {"node_modules/3dmol/build/3Dmol-min.js": "3Dmol-min.js"}
"""Files that npm brings, and their names in `static/`."""

PATIENCE = 120
"""Seconds until a network that doesn't answer is given up."""


class CustomBuildHook(BuildHookInterface):
    """Runs before a wheel or an editable install is built."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Bring the files; `version` is ``"standard"`` or ``"editable"``."""
        if self.target_name != "wheel":
            return
        root = Path(self.root)
        missing = fetch(root, for_tests=version == "editable")
        if missing:
            self.app.display_warning(f"The 3D view will load 3Dmol.js from its CDN: {missing}")
        if version != "editable":
            files = {
                str(root / "static" / name): f"distmat/_static/{name}"
                for name in FILES.values()
                if (root / "static" / name).is_file()
            }
            build_data["force_include"].update(files)


def fetch(root: Path, for_tests: bool = True) -> str | None:
    """Copy the viewer's files to `root`/static.

    Parameters
    ----------
    root : Path
    for_tests : bool
        Also bring what only the tests need.

    Returns
    -------
    str or None
        Why they could not be had; None if they are there.
    """
    npm = shutil.which("npm")
    if npm is None:
        return "npm is not installed."
    without = [] if for_tests else ["--omit=dev"]
    try:
        # npm's own output would land in the middle of pip's.
        subprocess.run(
            [npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund", *without],
            cwd=root,
            check=True,
            capture_output=True,
            timeout=PATIENCE,
        )
        (root / "static").mkdir(exist_ok=True)
        for source, name in FILES.items():
            shutil.copyfile(root / source, root / "static" / name)
    except (subprocess.SubprocessError, OSError) as error:
        return f"npm ci failed ({error})."
    return None


if __name__ == "__main__":
    sys.exit(fetch(Path(__file__).parent))
