"""`distmat app`: the pages, in a browser."""

import argparse
import contextlib
import os
import sys
import tomllib
from pathlib import Path

from distmat.access import I_KNOW, READ_ONLY, check_exposure
from distmat.errors import DistmatError
from distmat.limits import LIMITS

_PACKAGE = Path(__file__).parents[1]

SCRIPTS = (_PACKAGE.parent / "app.py", _PACKAGE / "_app" / "app.py")
"""The app's script in a checkout, and in an installed wheel."""


def add_app(commands) -> None:
    """The command `distmat app`."""
    command = commands.add_parser(
        "app",
        help="open the pages in a browser",
        description="Serve the pages: predict, train, watch runs, build datasets. Ctrl-C ends "
        "the server; runs in the background go on.",
    )
    command.add_argument("--port", type=int, default=8501, help="(default 8501)")
    command.add_argument(
        "--address",
        default="127.0.0.1",
        help="where it listens (default 127.0.0.1, for this machine alone; 0.0.0.0 for all)",
    )
    command.add_argument(
        "--read-only",
        action="store_true",
        help="look and predict alone: no training, building or deleting",
    )
    command.add_argument(
        "--i-know",
        action="store_true",
        help="let everybody who reaches another address than this machine's do everything",
    )
    command.add_argument("--no-browser", action="store_true", help="don't open a browser")
    command.set_defaults(run=_serve)


def _serve(options: argparse.Namespace) -> None:
    if not 1 <= options.port <= 65_535:
        raise DistmatError(f"The port is {options.port}; give one from 1 to 65535.")
    if options.read_only:
        os.environ[READ_ONLY] = "1"
    if options.i_know:
        os.environ[I_KNOW] = "1"
    for limit in LIMITS:
        limit.value()
    check_exposure(options.address, _has_login())
    sys.stdout.flush()
    # In place of this process, so that Ctrl-C and signals reach the server itself.
    os.execv(sys.executable, _server_command(options))  # noqa: S606  nothing is from outside


def _has_login() -> bool:
    """Whether one of the files that Streamlit takes for secrets names an OpenID provider."""
    for folder in (Path.home(), Path.cwd()):
        with contextlib.suppress(OSError, ValueError):
            if "auth" in tomllib.loads((folder / ".streamlit" / "secrets.toml").read_text("utf-8")):
                return True
    return False


def _server_command(options: argparse.Namespace) -> list[str]:
    script = next(path for path in SCRIPTS if path.is_file())
    return [
        *(sys.executable, "-m", "streamlit", "run", str(script)),
        f"--server.port={options.port}",
        f"--server.address={options.address}",
        # Nobody edits the pages of this server; who does starts it by `streamlit run app.py`.
        "--server.fileWatcherType=none",
        f"--server.headless={'true' if options.no_browser else 'false'}",
    ]
