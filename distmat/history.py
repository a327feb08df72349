"""The last predictions of a workspace: what was asked, so that it can be asked again.

Of each a small file tells title, sequence and scores, and beside it lie the coordinates of its
structure and the rows of its alignment, where there are any. Maps aren't kept: predicting again
takes a second and follows the checkpoint as it is. A server that is read-only keeps nothing, so
that nobody sees there what another person asked.
"""

import hashlib
import io
import json
import math
import re
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np

from distmat.access import check_may_change
from distmat.documents import DocumentError, read_json
from distmat.errors import DistmatError, SequenceError
from distmat.protein.alignment import GAP, Alignment
from distmat.protein.chain import Chain
from distmat.protein.sequence import check_letters
from distmat.workspace import replace_file, workspace

MOST = 100
"""Predictions that are kept; the oldest go first."""

_ID = re.compile(r"[0-9a-f]{12}")
_LONGEST_TITLE = 200


@dataclass(frozen=True)
class Remembered:
    """A prediction of before.

    Parameters
    ----------
    id : str
        The same for the same chain and title.
    title : str
        May hold anything.
    sequence : str
    checkpoint : str
        That predicted it last.
    when : float
        Seconds since 1970.
    has_truth : bool
        Whether its structure is known.
    mae, baseline_mae : float or None
        Å, where it is.
    has_alignment : bool
        Whether it came with an alignment.
    """

    id: str
    title: str
    sequence: str
    checkpoint: str
    when: float
    has_truth: bool = False
    mae: float | None = None
    baseline_mae: float | None = None
    has_alignment: bool = False

    def matches(self, text: str) -> bool:
        """Whether title, checkpoint or sequence hold a text, in any case of letters."""
        wanted = text.strip().casefold()
        return any(
            wanted in part.casefold() for part in (self.title, self.checkpoint, self.sequence)
        )


def history_id(
    title: str, sequence: str, truth: Chain | None = None, alignment: Alignment | None = None
) -> str:
    """What a chain is known by."""
    coords = b"" if truth is None else np.asarray(truth.ca, dtype="<f8").tobytes()
    rows = b"" if alignment is None else alignment.rows.tobytes()
    return hashlib.sha256(repr((title, sequence)).encode() + coords + rows).hexdigest()[:12]


def make_entry(
    title: str,
    sequence: str,
    truth: Chain | None,
    checkpoint: str,
    alignment: Alignment | None = None,
    mae: float = math.nan,
    baseline_mae: float = math.nan,
) -> Remembered:
    """What is to be kept of a prediction made now."""
    title = title[:_LONGEST_TITLE]
    known = truth is not None and math.isfinite(mae) and math.isfinite(baseline_mae)
    return Remembered(
        history_id(title, sequence, truth, alignment),
        title,
        sequence,
        checkpoint,
        time.time(),
        truth is not None,
        round(mae, 3) if known else None,
        round(baseline_mae, 3) if known else None,
        alignment is not None,
    )


def remember(entry: Remembered, truth: Chain | None, alignment: Alignment | None = None) -> None:
    """Keep a prediction in the workspace, and let go of the oldest beyond `MOST`.

    Raises
    ------
    AccessError
        If the workspace is read-only.
    """
    check_may_change("keep a history")
    arrays: dict[str, np.ndarray] = {}
    if truth is not None:
        arrays["ca"] = np.asarray(truth.ca)
        arrays["numbers"] = np.array(truth.residue_numbers or [""] * len(truth))
        arrays["chain"] = np.array(truth.chain_id)
        if truth.plddt is not None:
            arrays["plddt"] = np.asarray(truth.plddt)
    if alignment is not None:
        arrays["rows"] = alignment.rows
    if arrays:
        buffer = io.BytesIO()
        np.savez_compressed(buffer, **arrays)  # type: ignore[arg-type]
        with replace_file(_folder() / f"{entry.id}.npz") as file:
            file.write(buffer.getvalue())
    with replace_file(_folder() / f"{entry.id}.json", "w") as file:
        json.dump(asdict(entry), file)
    for old in history()[MOST:]:
        forget(old.id)


def forget(entry_id: str) -> None:
    """Let go of a prediction.

    Raises
    ------
    AccessError
        If the workspace is read-only.
    """
    check_may_change("delete from the history")
    if _ID.fullmatch(entry_id):
        for suffix in (".json", ".npz"):
            (_folder() / f"{entry_id}{suffix}").unlink(missing_ok=True)


def history() -> list[Remembered]:
    """What is kept, the last one first; what is damaged is passed over."""
    found = (_read(path) for path in _folder().glob("*.json"))
    return sorted((one for one in found if one is not None), key=lambda one: -one.when)


def recall(entry_id: str) -> tuple[Remembered, Chain | None, Alignment | None]:
    """A prediction of before, with its structure and its alignment where there are any.

    Raises
    ------
    SequenceError
        If it isn't kept, or not any more.
    """
    path = _folder() / f"{entry_id}.json"
    entry = _read(path) if _ID.fullmatch(entry_id) else None
    if entry is None:
        raise SequenceError(
            f"The link names a prediction '{entry_id[:20]}' that isn't kept here: the last {MOST} "
            "are. Paste its sequence again."
        )
    if not (entry.has_truth or entry.has_alignment):
        return entry, None, None
    try:
        with np.load(_folder() / f"{entry.id}.npz", allow_pickle=False) as arrays:
            truth = _truth(entry, arrays) if entry.has_truth else None
            return entry, truth, _alignment(entry, arrays) if entry.has_alignment else None
    # What NumPy's reader raises of a damaged file is of any kind; nothing of ours is run here.
    except Exception:
        raise SequenceError(
            f"What '{entry.title[:40]}' came with isn't kept whole; upload it again."
        ) from None


def _truth(entry: Remembered, arrays: Mapping[str, np.ndarray]) -> Chain:
    ca = np.asarray(arrays["ca"], dtype=float)
    numbers = tuple(str(number) for number in arrays["numbers"])
    plddt = np.asarray(arrays["plddt"], dtype=float) if "plddt" in arrays else None
    return Chain(entry.title, entry.sequence, ca, numbers, str(arrays["chain"]), plddt)


def _alignment(entry: Remembered, arrays: Mapping[str, np.ndarray]) -> Alignment:
    rows = np.asarray(arrays["rows"], dtype=np.uint8)
    if rows.ndim != 2 or rows.shape[1] != len(entry.sequence) or rows.max() > GAP:
        raise ValueError("rows of another chain")
    return Alignment(rows)


def _folder() -> Path:
    return workspace() / "history"


def _read(path: Path) -> Remembered | None:
    try:
        content = read_json(path, 2**20)
        entry = Remembered(**content)
        texts = (entry.id, entry.title, entry.checkpoint)
        whole = all(isinstance(text, str) for text in texts) and entry.id == path.stem
        flags = isinstance(entry.has_truth, bool) and isinstance(entry.has_alignment, bool)
        fine = whole and isinstance(entry.when, int | float) and flags
        scores = [
            value if isinstance(value, int | float) else None
            for value in (entry.mae, entry.baseline_mae)
        ]
        letters = check_letters(entry.sequence)
        return (
            replace(entry, sequence=letters, mae=scores[0], baseline_mae=scores[1])
            if fine
            else None
        )
    except (OSError, DocumentError, DistmatError, TypeError):
        return None
