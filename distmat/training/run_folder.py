"""A run's folder: checkpoints that are whole or not there, and what each of them remembers.

OUTPUT/training_config.json      the settings
OUTPUT/checkpoint-N/             weights, optimizer, schedule, random numbers, settings, data, sums
OUTPUT/.checkpoint-N.writing/    one that is being written, or was when the run was killed
OUTPUT/config.json, …            the final weights, once the run has ended
"""

import json
import os
import re
import shutil
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path

from distmat.documents import DocumentError, parse_json, read_json
from distmat.errors import ConfigError, Remedy, RunError
from distmat.settings import SHAPE, names_with_mark
from distmat.training.config import (
    CONFIG_FILE,
    TrainingConfig,
    config_text,
    read_config,
)
from distmat.workspace import checkpoint_path, dataset_path, replace_file

DATA_FILE = "training_data.json"
"""In each checkpoint: fingerprints of the chains it was trained on and chosen by."""

FINAL_FILE = "distmat.json"
"""In a run's own folder once it has ended."""

SUMS_FILE = "checksums.json"
"""In each checkpoint: CRC-32 of every other file, as it was written."""

LAST_FILE = "trainer_state.json"
"""A checkpoint of the transformers Trainer without this file was cut short."""

_LONGEST_HEADER = 100 * 2**20
"""Bytes of a safetensors header; its own library reads no more."""

_CHECKPOINT = re.compile(r"checkpoint-(\d+)")
_WRITING = re.compile(r"\.checkpoint-\d+\.(writing|replaced)")


def check_inputs(config: TrainingConfig) -> None:
    """See, before PyTorch is loaded, whether what a run begins with is there.

    Raises
    ------
    DatasetError
        If a dataset isn't.
    CheckpointError
        If the checkpoint that it starts from isn't.
    """
    for name in (config.train, config.val):
        # The trainer makes this one if it isn't there.
        if name != "synthetic":
            dataset_path(name)
    if config.init_from:
        checkpoint_path(config.init_from)


def checkpoints(output: Path) -> dict[int, Path]:
    """The whole checkpoints of a run by their step, rising."""
    found = {}
    for folder in Path(output).glob("checkpoint-*"):
        match = _CHECKPOINT.fullmatch(folder.name)
        if match and (folder / LAST_FILE).is_file() and (folder / CONFIG_FILE).is_file():
            found[int(match[1])] = folder
    return dict(sorted(found.items()))


def checkpoint_to_resume(
    output: Path, resume: bool | str | Path, say: Callable[[str], None] = lambda text: None
) -> Path | None:
    """The checkpoint that a run goes on from; None if it starts anew.

    Parameters
    ----------
    output : Path
        The run's folder.
    resume : bool, str or Path
        The newest whole one in the folder, or this one.
    say : callable
        Told of each newer one that is damaged, a sentence at a time.

    Raises
    ------
    RunError
        If there is none to resume, or the folder of a new run already holds one.
    """
    there = checkpoints(output)
    if resume is False:
        if there or (Path(output) / FINAL_FILE).is_file():
            raise RunError(
                f"{output} already holds a run; choose another output.",
                Remedy.RESUME if there else None,
            )
        return None
    if resume is True:
        return _newest_whole(output, there, say)
    folder = Path(resume)
    if not (folder / LAST_FILE).is_file() or not (folder / CONFIG_FILE).is_file():
        raise RunError(
            f"{folder} is no whole checkpoint of a run; give a folder such as "
            f"{Path(output) / 'checkpoint-500'}."
        )
    if (broken := find_damaged_file(folder)) is not None:
        raise RunError(
            f"{folder} is damaged, see its {broken}; give another checkpoint.", Remedy.NEWEST
        )
    return folder


def _newest_whole(output: Path, there: dict[int, Path], say: Callable[[str], None]) -> Path:
    for folder in reversed(there.values()):
        broken = find_damaged_file(folder)
        if broken is None:
            return folder
        say(f"{folder.name} is damaged, see its {broken}; going on from the one before it")
    if there:
        raise RunError(
            f"Every checkpoint in {output} is damaged; start a new run, or copy one back."
        )
    raise RunError(f"There is no checkpoint in {output} to resume from; start a new run.")


def find_damaged_file(checkpoint: Path) -> str | None:
    """The first file of a checkpoint that is gone, cut or changed; None if none is.

    Every byte is compared with what was written. In checkpoints without sums, as earlier versions
    wrote them, weights are known by their headers and archives of tensors by their ends.
    """
    if (checkpoint / SUMS_FILE).is_file():
        try:
            sums = dict(read_json(checkpoint / SUMS_FILE))
        except (OSError, DocumentError, ValueError, TypeError):
            return SUMS_FILE
        return next((name for name in sums if _sum(checkpoint / name) != sums[name]), None)
    for path in sorted(checkpoint.glob("*")):
        whole = _WHOLE.get(path.suffix)
        if whole is not None and path.is_file() and not whole(path):
            return path.name
    return None


def _sum(path: Path) -> int | None:
    """CRC-32 of a file's bytes; None if it can't be read."""
    found = 0
    try:
        with path.open("rb") as file:
            while piece := file.read(2**20):
                found = zlib.crc32(piece, found)
    except OSError:
        return None
    return found


def is_whole_safetensors(path: Path) -> bool:
    """Whether a file of weights is as long as its own header says.

    Raises
    ------
    FileNotFoundError
        If it was deleted meanwhile.
    """
    try:
        with path.open("rb") as file:
            length = int.from_bytes(file.read(8), "little")
            header = parse_json(file.read(min(length, _LONGEST_HEADER)), _LONGEST_HEADER)
            size = os.fstat(file.fileno()).st_size
        ends = [entry["data_offsets"][1] for key, entry in header.items() if key[:1] != "_"]
        return size == 8 + length + max(ends, default=0)
    except FileNotFoundError:
        raise
    except (OSError, ValueError, KeyError, TypeError, IndexError, AttributeError):
        return False


def _is_json(path: Path) -> bool:
    try:
        read_json(path)
    except (OSError, DocumentError):
        return False
    return True


_WHOLE: dict[str, Callable[[Path], bool]] = {
    ".safetensors": is_whole_safetensors,
    ".pt": zipfile.is_zipfile,
    ".pth": zipfile.is_zipfile,
    ".bin": zipfile.is_zipfile,
    ".json": _is_json,
}


def step_of(checkpoint: Path) -> int:
    """The step that a whole checkpoint was written after.

    Raises
    ------
    RunError
        If it doesn't say.
    """
    try:
        return int(read_json(checkpoint / LAST_FILE)["global_step"])
    except (OSError, ValueError, KeyError, TypeError, OverflowError):
        raise RunError(
            f"{checkpoint} has no readable {LAST_FILE}; resume from another checkpoint."
        ) from None


def find_changed_settings(config: TrainingConfig, checkpoint: Path) -> dict[str, tuple]:
    """What a resumed run does otherwise than its checkpoint did: name, before, now.

    Raises
    ------
    RunError
        If the weights don't fit the settings, or the checkpoint's own can't be read.
    """
    try:
        before = read_config(checkpoint / CONFIG_FILE)
    except ConfigError as error:
        raise RunError(f"{checkpoint} can't be resumed: {error}") from None
    changed = before.differences(config)
    for name in names_with_mark(TrainingConfig, SHAPE):
        if name in changed:
            old, new = changed[name]
            raise RunError(
                f"{checkpoint} has {name} {old!r}, and this run has {new!r}; its weights fit only "
                "what they were trained with."
            )
    changed.pop("output", None)
    return changed


def check_data(checkpoint: Path, fingerprints: dict[str, str], accept_changed: bool) -> list[str]:
    """The datasets that have changed since a checkpoint was written.

    Raises
    ------
    RunError
        If one has, and that isn't accepted.
    """
    try:
        before = read_json(checkpoint / DATA_FILE)
        changed = [name for name, digest in fingerprints.items() if before[name] != digest]
    except (OSError, ValueError, KeyError, TypeError):
        raise RunError(
            f"{checkpoint} has no readable {DATA_FILE}; resume from another checkpoint."
        ) from None
    if changed and not accept_changed:
        raise RunError(
            f"The chains of '{changed[0]}' aren't those that {checkpoint.name} was trained with; "
            "give the same dataset.",
            Remedy.ACCEPT_CHANGED_DATA,
        )
    return changed


def write_config(config: TrainingConfig, folder: Path) -> None:
    """Write the settings into a folder, which is made if it isn't there."""
    with replace_file(Path(folder) / CONFIG_FILE, "w") as file:
        file.write(config_text(config))


def write_data(fingerprints: dict[str, str], folder: Path) -> None:
    """Write what the chains are known by into a checkpoint."""
    with replace_file(Path(folder) / DATA_FILE, "w") as file:
        json.dump(fingerprints, file, indent=2)


def writing_place(output: Path, step: int) -> Path:
    """Where the checkpoint of a step is written before it gets its name."""
    return Path(output) / f".checkpoint-{step}.writing"


def publish(written: Path, output: Path, step: int) -> Path:
    """Note the sums of a checkpoint's files and give it its name, in the place of an earlier one
    of the same step.
    """
    sums = {path.name: _sum(path) for path in sorted(written.iterdir()) if path.is_file()}
    with replace_file(written / SUMS_FILE, "w") as file:
        json.dump(sums, file, indent=2)
    final = Path(output) / f"checkpoint-{step}"
    if final.exists():
        earlier = Path(output) / f".checkpoint-{step}.replaced"
        shutil.rmtree(earlier, ignore_errors=True)
        os.replace(final, earlier)
        os.replace(written, final)
        shutil.rmtree(earlier, ignore_errors=True)
    else:
        os.replace(written, final)
    return final


def keep(output: Path, most: int, best_step: int | None) -> None:
    """Delete all but the best checkpoint and so many of the newest others."""
    there = checkpoints(output)
    others = [step for step in there if step != best_step]
    for step in others[: max(len(others) - most, 0)]:
        shutil.rmtree(there[step], ignore_errors=True)


def clean(output: Path) -> list[str]:
    """Delete checkpoints that were being written when a run was killed; returns their names."""
    removed = []
    for folder in sorted(Path(output).glob(".checkpoint-*")):
        if _WRITING.fullmatch(folder.name) and folder.is_dir():
            shutil.rmtree(folder, ignore_errors=True)
            removed.append(folder.name)
    return removed
