"""What a run was made with: software, machine, and the state of the source code."""

import contextlib
import importlib.metadata
import os
import platform
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import distmat
from distmat.jobs.hardware import machine

PACKAGES = ("torch", "transformers", "accelerate", "peft", "safetensors", "numpy")


def environment(directory: Path) -> dict[str, Any]:
    """For the record of a run; nothing heavy is imported.

    Parameters
    ----------
    directory : Path
        Where the run was launched; its git state is noted if it is in a repository.

    Returns
    -------
    dict
        ``distmat``, ``python``, ``system``, ``host``, ``packages``, ``machine``,
        ``variables`` (those that change how it computes), and ``git`` of the package's own source
        and of the directory (commit, branch, changed files; empty outside repositories).
    """
    return {
        "distmat": distmat.__version__,
        "python": platform.python_version(),
        "executable": sys.executable,
        "system": platform.platform(),
        "host": socket.gethostname(),
        "packages": {name: version for name in PACKAGES if (version := _version(name))},
        "machine": machine(),
        "variables": {
            name: value
            for name, value in sorted(os.environ.items())
            if name.startswith(("OMP_", "MKL_", "CUDA_", "PYTORCH_", "TORCH_"))
        },
        "git": {"package": git_state(Path(__file__).parent), "directory": git_state(directory)},
    }


def git_state(folder: Path) -> dict[str, Any]:
    """Commit, branch and the number of changed files; empty if git doesn't know the folder."""
    commit = _git(folder, "rev-parse", "HEAD")
    if commit is None:
        return {}
    changed = _git(folder, "status", "--porcelain", "--untracked-files=no")
    return {
        "commit": commit,
        "branch": _git(folder, "rev-parse", "--abbrev-ref", "HEAD"),
        "changed_files": None if changed is None else len(changed.splitlines()),
    }


def _git(folder: Path, *arguments: str) -> str | None:
    with contextlib.suppress(OSError, subprocess.SubprocessError):
        # No lock: a run mustn't stand in the way of the person who commits.
        answer = subprocess.run(  # noqa: S603
            ["git", "--no-optional-locks", *arguments],  # noqa: S607
            cwd=folder,
            capture_output=True,
            text=True,
            timeout=10,
            check=True,
        )
        return answer.stdout.strip()
    return None


def _version(package: str) -> str | None:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None
