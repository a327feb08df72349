"""Where datasets, runs and checkpoints live on this machine, and how files get there whole.

    DISTMAT_HOME, else ./workspace/
        datasets/NAME.parquet
        checkpoints/NAME/
        runs/NAME/
        libraries/NAME.parquet

Names are looked up there first, then among what ships with the project.
"""

import json
import os
import re
import secrets
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from distmat import hub
from distmat.access import check_may_read
from distmat.errors import CheckpointError, DatasetError

_PACKAGE = Path(__file__).parent

STEP_FOLDER = re.compile(r"(checkpoint|kept)-(\d+)")
"""Of a run's folder: what was saved after a step, by the trainer, or to be kept."""

LIBRARY_FILE = "library.parquet"
"""A library of known structures in a checkpoint's folder."""

AUTO = "auto"
"""In place of a checkpoint's name: of those that ship, the one made for chains as long as this."""

SHIPPED_CHECKPOINTS = (_PACKAGE.parent / "checkpoints", _PACKAGE / "_checkpoints")
"""In a checkout, and in an installed wheel."""


def workspace() -> Path:
    """The folder of this user's datasets, runs and checkpoints; it may not exist yet."""
    return Path(os.environ.get("DISTMAT_HOME") or "workspace")


def own_folders() -> tuple[Path, ...]:
    """What anybody may use who reaches a server: the workspace, and what ships."""
    return (workspace(), *SHIPPED_CHECKPOINTS)


def shipped_file(place: str) -> Path:
    """A file that ships, such as ``"benchmark/chains.csv"``, in a checkout or a wheel.

    Raises
    ------
    DatasetError
        If this installation lacks it.
    """
    for path in (_PACKAGE.parent / place, _PACKAGE / f"_{place}"):
        if path.is_file():
            return path
    raise DatasetError(f"This installation lacks {place}; install distmat again.")


def list_checkpoints() -> list[str]:
    """Names of the checkpoints that can be opened: what ships first, then the user's own."""
    own = (workspace() / "checkpoints", workspace() / "runs")
    return _checkpoints_in((*SHIPPED_CHECKPOINTS, *own))


def shipped_checkpoint() -> str | None:
    """Name of the checkpoint that comes with the project; None where it was left out."""
    return next(iter(_checkpoints_in(SHIPPED_CHECKPOINTS)), None)


def trained_lengths() -> dict[str, int]:
    """Names of the shipped checkpoints, and residues of the longest stretch each was trained on.

    The one that was trained on the shortest comes first.
    """
    found: dict[str, int] = {}
    for root in SHIPPED_CHECKPOINTS:
        for name in _checkpoints_in([root]):
            config = json.loads((root / name / "config.json").read_text(encoding="utf-8"))
            found.setdefault(name, config["max_trained_length"])
    return dict(sorted(found.items(), key=lambda item: item[1]))


def is_automatic(name: str | Path) -> bool:
    """Whether a name leaves the choice to the chain's length.

    `AUTO` does, unless a checkpoint of the workspace is called so: that one is meant then, as with
    every name.
    """
    return str(name) == AUTO and not any(
        (workspace() / place / AUTO).exists() for place in ("checkpoints", "runs")
    )


def checkpoint_for(name: str | Path, residues: int) -> str:
    """The checkpoint that predicts a chain.

    Parameters
    ----------
    name : str or Path
        `AUTO`, or a checkpoint, which is taken whatever the length.
    residues : int
        Of the chain. One that is longer than any shipped checkpoint was trained for gets the one
        that was trained on the longest.

    Returns
    -------
    str
        A name, or the folder as it was given.

    Raises
    ------
    CheckpointError
        If it is to be chosen, and none ships.
    """
    if not is_automatic(name):
        return str(name)
    lengths = trained_lengths()
    if not lengths:
        raise _no_checkpoint(AUTO)
    made = (one for one, longest in lengths.items() if longest >= residues)
    return next(made, [*lengths][-1])


def _checkpoints_in(roots: Iterable[Path]) -> list[str]:
    names = [
        folder.name
        for root in roots
        for folder in sorted(root.glob("*"))
        if (folder / "config.json").is_file() or (folder / "model.pt").is_file()
    ]
    return list(dict.fromkeys(names))


def list_datasets() -> list[str]:
    """Names of the datasets in the workspace."""
    return [path.stem for path in sorted((workspace() / "datasets").glob("*.parquet"))]


def checkpoint_path(name_or_path: str | Path) -> Path:
    """The folder of a checkpoint.

    Parameters
    ----------
    name_or_path : str or Path
        A folder, or a name in the workspace or among the shipped ones; of a run's steps one is
        named as ``RUN/checkpoint-500``, and of the model hub as ``hf://user/name``.

    Raises
    ------
    HubError
        If it can't be had from there.
    CheckpointError
        If there is none, or it is left to a chain's length; the sentence lists those that there
        are.
    """
    name = str(name_or_path)
    if is_automatic(name):
        raise CheckpointError(
            f"'{AUTO}' chooses a checkpoint by the length of a chain, and here is none to choose "
            f"by; give a folder or one of: {_known_checkpoints()}."
        )
    if hub.is_address(name):
        return hub.fetch(name)
    roots = (workspace() / "checkpoints", workspace() / "runs", *SHIPPED_CHECKPOINTS)
    run, slash, step = name.partition("/")
    if slash and STEP_FOLDER.fullmatch(step):
        found = _find(run, [(root, f"/{step}") for root in roots])
        # Of a path with a folder of that name it is the last part.
        found = Path(name) if found == Path(run) else found
    else:
        found = _find(name, [(root, "") for root in roots])
    if found is None or not found.is_dir():
        raise _no_checkpoint(name)
    return found


def _no_checkpoint(name: str) -> CheckpointError:
    return CheckpointError(
        f"There is no checkpoint {name[:200]!r}; give a folder or one of: {_known_checkpoints()}."
    )


def _known_checkpoints() -> str:
    return ", ".join(list_checkpoints()) or "none yet"


def checkpoint_identity(name_or_path: str | Path) -> str:
    """Tells a checkpoint from others, and from itself before it was trained on."""
    return file_identity(checkpoint_path(name_or_path))


def file_identity(path: Path) -> str:
    """Tells a file, or a folder's files, from others and from what was there before.

    Place, sizes and times: quick for files of any size.
    """
    files = sorted(path.iterdir()) if path.is_dir() else [path]
    facts = [(file.name, stat.st_size, stat.st_mtime_ns) for file in files if (stat := file.stat())]
    return repr((str(path.resolve()), facts))


def dataset_path(name_or_path: str | Path) -> Path:
    """The Parquet file of a dataset.

    Raises
    ------
    DatasetError
        If there is none; the sentence lists those in the workspace.
    """
    name = str(name_or_path)
    folder = workspace() / "datasets"
    found = _find(name, [(folder, ".parquet"), (folder, "")])
    if found is None or not found.is_file():
        known = ", ".join(list_datasets()) or "none yet"
        raise DatasetError(
            f"There is no dataset {name[:200]!r}; give a Parquet file or one of: {known}."
        )
    return found


def list_libraries() -> list[str]:
    """Names of the libraries of known structures in the workspace."""
    return [path.stem for path in sorted((workspace() / "libraries").glob("*.parquet"))]


def library_path(name_or_path: str | Path) -> Path:
    """The Parquet file of a library of known structures.

    Parameters
    ----------
    name_or_path : str or Path
        A file, the name of a library in the workspace, or that of a checkpoint that has one.

    Raises
    ------
    DatasetError
        If there is none; the sentence lists those in the workspace.
    """
    name = str(name_or_path)
    places = [(workspace() / "libraries", ".parquet")]
    found = _find(name, places)
    if found is not None and found.is_dir():
        found = found / LIBRARY_FILE
    if found is None or not found.is_file():
        found = _find(name, [(root, f"/{LIBRARY_FILE}") for root in SHIPPED_CHECKPOINTS])
    if found is None or not found.is_file():
        known = ", ".join([*list_libraries(), "none"])
        raise DatasetError(
            f"There is no library {name[:200]!r}; give a file that 'distmat library build' wrote, "
            f"or one of: {known}."
        )
    return found


def new_library_path(name: str) -> Path:
    """Where a library of this name is written.

    Raises
    ------
    DatasetError
        If the name is no file name.
    """
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,79}", name) or name == "none":
        raise DatasetError(
            f"A library can't be called {name[:80]!r}; use letters, digits, dots and dashes."
        )
    return workspace() / "libraries" / f"{name}.parquet"


def library_of(checkpoint: str | Path) -> Path | None:
    """The library that a checkpoint's predictions use unless told otherwise.

    That of ``DISTMAT_LIBRARY``, a name or ``none``, else the one in the checkpoint's folder;
    checkpoints that ship together share one, which is that of `AUTO`, too.

    Raises
    ------
    DatasetError
        If the variable names a library that isn't there.
    """
    named = os.environ.get("DISTMAT_LIBRARY")
    if named:
        return None if named == "none" else library_path(named)
    found: list[Path] = []
    roots: tuple[Path, ...] = SHIPPED_CHECKPOINTS
    if not is_automatic(checkpoint):
        folder = checkpoint_path(checkpoint)
        found.append(folder / LIBRARY_FILE)
        roots = tuple(root for root in roots if root == folder.parent)
    for root in roots:
        found += sorted(root.glob(f"*/{LIBRARY_FILE}"))
    return next(filter(Path.is_file, found), None)


def library_cache() -> Path:
    """Where what is made of libraries is kept: this user's cache, for all workspaces."""
    home = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(home) / "distmat" / "libraries"


def _find(name: str, places: list[tuple[Path, str]]) -> Path | None:
    """An existing path that may be read; or, if this is a plain name, where it is found first."""
    try:
        if name and Path(name).name == name and name not in (".", ".."):
            for root, suffix in places:
                if (root / f"{name}{suffix}").exists():
                    return root / f"{name}{suffix}"
        if name and (Path(name).is_absolute() or Path(name).exists()):
            check_may_read(Path(name), own_folders())
        return Path(name) if name and Path(name).exists() else None
    # A name with a NUL byte, or longer than any file system allows.
    except (ValueError, OSError):
        return None


def size_of(folder: Path) -> int:
    """Bytes of all files; one with several names counts once."""
    sizes = {}
    for place, _, files in os.walk(folder):
        for name in files:
            try:
                facts = os.stat(os.path.join(place, name), follow_symlinks=False)
            except OSError:
                continue  # Deleted while we look.
            sizes[facts.st_dev, facts.st_ino] = facts.st_size
    return sum(sizes.values())


@contextmanager
def replace_file(path: Path, mode: str = "wb") -> Iterator[IO]:
    """Write a file that appears whole or not at all: beside its place first, then renamed.

    Parameters
    ----------
    path : Path
        Its folder is made if it isn't there.
    mode : str
        ``"wb"``, or ``"w"`` for UTF-8 text.

    Yields
    ------
    file
        Open for writing; if an exception leaves the block, the old file stays as it was.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    # "x" for a file of the usual permissions that nobody else has opened.
    new_mode = mode.replace("w", "x")
    try:
        with open(temporary, new_mode, encoding=None if "b" in mode else "utf-8") as file:
            yield file
        os.replace(temporary, path)
    except OSError as error:
        # A full disk doesn't say which one it is.
        error.filename = error.filename or str(path)
        raise
    finally:
        temporary.unlink(missing_ok=True)
