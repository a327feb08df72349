"""The checkpoints in a run's folder: their files and scores, and what may be done with them.

checkpoint-N/   written by the trainer, which deletes all but the best and the newest
kept-N/         a copy that nobody deletes but a person; it shares the files, not the disk
"""

import math
import os
import re
import secrets
import shutil
from dataclasses import dataclass
from pathlib import Path

from distmat.access import check_may_change
from distmat.documents import read_json
from distmat.errors import RunError
from distmat.runs.run import Run
from distmat.training.run_folder import checkpoints, is_whole_safetensors
from distmat.workspace import STEP_FOLDER

_WRITING = re.compile(r"\.checkpoint-(\d+)\.writing")


@dataclass(frozen=True)
class CheckpointFiles:
    """A folder with its files.

    Parameters
    ----------
    name : str
        Of the folder.
    step : int
    path : Path
    files : tuple of (str, int)
        Names and sizes in bytes, the largest first.
    complete : bool
        Whether it was written to its end.
    kept : bool
        Whether it stays until a person deletes it.
    written : float
        Seconds since 1970.
    scores : dict of str to float
        Evaluation metrics of its step, ``eval_mae`` and so on; empty if it wasn't evaluated.
    """

    name: str
    step: int
    path: Path
    files: tuple[tuple[str, int], ...]
    complete: bool
    kept: bool
    written: float
    scores: dict[str, float]

    @property
    def size(self) -> int:
        """Bytes of all its files."""
        return sum(size for _, size in self.files)


def list_checkpoints(folder: Path) -> list[CheckpointFiles]:
    """All checkpoints of a run, by step; also the one that is being written.

    Parameters
    ----------
    folder : Path
        The run's.
    """
    whole = set(checkpoints(folder).values())
    found = []
    for path in _subfolders(folder):
        match = STEP_FOLDER.fullmatch(path.name)
        writing = _WRITING.fullmatch(path.name)
        if match:
            kept = match[1] == "kept"
            complete = kept or path in whole
            found.append(_describe(path, int(match[2]), complete=complete, kept=kept))
        elif writing:
            found.append(_describe(path, int(writing[1]), complete=False, kept=False))
    return sorted(found, key=lambda checkpoint: (checkpoint.step, checkpoint.name))


def final_files(folder: Path) -> tuple[tuple[str, int], ...]:
    """Names and sizes in bytes of the final model's files; empty before the run has finished."""
    if not (folder / "config.json").is_file():
        return ()
    return _files(folder, deep=False)


def unreadable_file(checkpoint: CheckpointFiles) -> str | None:
    """The first file of weights that isn't what its own header says; None if all are.

    Only the header is read, so this is quick for models of any size.
    """
    for name, _ in checkpoint.files:
        try:
            if name.endswith(".safetensors") and not is_whole_safetensors(checkpoint.path / name):
                return name
        except FileNotFoundError:
            continue  # Deleted by the trainer while we look.
    return None


def keep(folder: Path, name: str) -> Path:
    """Keep a checkpoint from being deleted by the trainer.

    Returns
    -------
    Path
        Of the copy. Its files are the same ones on the disk, so it takes no room of its own.

    Raises
    ------
    RunError
        If there is no such whole checkpoint.
    """
    check_may_change("keep checkpoints")
    source = _find(folder, name)
    step = int(source.name.rpartition("-")[2])
    target = folder / f"kept-{step}"
    if target.exists():
        return target
    if source not in checkpoints(folder).values():
        raise RunError(f"{name} isn't whole; only a checkpoint written to its end can be kept.")
    copy = folder / f".kept-{step}.{secrets.token_hex(4)}"
    try:
        shutil.copytree(source, copy, copy_function=_link)
        os.replace(copy, target)
    except FileNotFoundError:
        raise RunError(f"{name} was deleted by the trainer meanwhile; keep a newer one.") from None
    finally:
        shutil.rmtree(copy, ignore_errors=True)
    return target


def delete_checkpoint(run: Run, name: str) -> None:
    """Delete a checkpoint; the newest one of a running run, which it would go on from, stays.

    Raises
    ------
    RunError
        If it isn't there or is needed.
    """
    check_may_change("delete checkpoints")
    path = _find(run.folder, name)
    whole = list(checkpoints(run.folder).values())
    if run.active and (path.name.startswith(".") or (whole and path == whole[-1])):
        raise RunError(f"{name} is the newest checkpoint of a running run; stop the run first.")
    grave = run.folder / f".deleted-{secrets.token_hex(4)}"
    os.replace(path, grave)
    shutil.rmtree(grave, ignore_errors=True)


def _find(folder: Path, name: str) -> Path:
    """The checkpoint's folder; a name from outside reaches nothing else."""
    if (
        not (STEP_FOLDER.fullmatch(name) or _WRITING.fullmatch(name))
        or not (folder / name).is_dir()
    ):
        raise RunError(f"There is no checkpoint '{name[:100]}' in {folder}.")
    return folder / name


def _describe(path: Path, step: int, *, complete: bool, kept: bool) -> CheckpointFiles:
    try:
        written = path.stat().st_mtime
    except OSError:
        written = math.nan
    scores = _scores(path, step) if complete else {}
    return CheckpointFiles(path.name, step, path, _files(path), complete, kept, written, scores)


def _files(folder: Path, deep: bool = True) -> tuple[tuple[str, int], ...]:
    sizes = []
    for path in folder.rglob("*") if deep else folder.glob("*"):
        try:
            if path.is_file() and not path.name.startswith("."):
                sizes.append((str(path.relative_to(folder)), path.stat().st_size))
        except OSError:
            continue  # Deleted while we look.
    return tuple(sorted(sizes, key=lambda entry: (-entry[1], entry[0])))


def _scores(folder: Path, step: int) -> dict[str, float]:
    try:
        history = read_json(folder / "trainer_state.json")["log_history"]
        return {
            name: float(value)
            for entry in history
            if entry.get("step") == step
            for name, value in entry.items()
            if name.startswith("eval_") and isinstance(value, (int, float))
        }
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return {}


def _subfolders(folder: Path) -> list[Path]:
    try:
        return [path for path in folder.iterdir() if path.is_dir() and not path.is_symlink()]
    except OSError:
        return []


def _link(source: str, target: str) -> None:
    try:
        os.link(source, target)
    except OSError:
        # A file system without hard links.
        shutil.copy2(source, target)
