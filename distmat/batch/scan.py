"""A mutational scan: how far each exchange of a residue moves what the model predicts."""

import hashlib
import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from distmat import __version__
from distmat.csv_table import write_table
from distmat.documents import read_json
from distmat.errors import ConfigError
from distmat.jobs.job import Job
from distmat.jobs.kinds import JobKind
from distmat.jobs.operations import submit
from distmat.jobs.progress import Progress
from distmat.jobs.recorder import Recorder
from distmat.jobs.store import Store
from distmat.protein.sequence import ALPHABET, check_letters
from distmat.workspace import (
    AUTO,
    checkpoint_for,
    checkpoint_identity,
    checkpoint_path,
    replace_file,
)

if TYPE_CHECKING:
    from distmat.model.predictor import Predictor

SCAN = "scan"
"""The kind of job."""

MUTATIONS = {"alanine": "A", "all": ALPHABET}
"""Kinds of scan, and the residues that each position is exchanged for."""

TABLE, HEATMAP = "scan.csv", "heatmap.csv"
READOUT = "median"
"""Of mutant and wild type; see `Predictor.predict`."""

_STATE = ".in-progress"
_TOGETHER = 8
"""Positions that are predicted together, and that a killed scan does again at most."""

Report = Callable[[int, int, str], None]


def scan(
    predictor: "Predictor",
    sequence: str,
    mutations: str,
    folder: Path,
    progress: Report = lambda done, total, text: None,
    basis: str = "",
) -> np.ndarray:
    """Predict all single mutants of a sequence, and write how far each is from the wild type.

    What is compared is the distance map from the sequence alone: templates would be the same for
    a mutant as for the wild type, and hide what the exchange does. Of each pair it has the median
    that the network says: what is made of all pairs together moves them all by a little.

    Parameters
    ----------
    predictor : Predictor
    sequence : str
    mutations : str
        One of `MUTATIONS`.
    folder : Path
        Gets `TABLE`, a line for each mutant, and `HEATMAP`, a line for each position and a column
        for each residue. Started again after it was stopped, the scan goes on.
    progress : callable, optional
        Told how many mutants are done, of how many, and what is being done.
    basis : str
        All else that the predictions depend on, such as the checkpoint.

    Returns
    -------
    ndarray, shape=(N, 20), dtype=float
        Mean absolute change of the distances of all pairs, Å; by position and residue in the
        order of `ALPHABET`, 0 for the wild type's own, NaN for what wasn't predicted.

    Raises
    ------
    ConfigError, SequenceError
        If there is no such scan, or the sequence can't be predicted.
    """
    sequence = check_letters(sequence)
    letters = _letters(mutations)
    state = folder / _STATE / _fingerprint(sequence, letters, basis)
    state.mkdir(parents=True, exist_ok=True)
    total = sum(letter != own for own in sequence for letter in letters)
    progress(0, total, "Predicting the wild type")
    wild = predictor.predict(sequence, readout=READOUT)
    rows: list[dict[str, Any]] = []
    for first in range(0, len(sequence), _TOGETHER):
        path = state / f"{first:06d}.json"
        if not path.exists():
            places = range(first, min(first + _TOGETHER, len(sequence)))
            report = _counting(progress, len(rows), total)
            found = list(_changes(predictor, sequence, wild, places, letters, report))
            with replace_file(path, "w") as file:
                json.dump(found, file)
        rows += read_json(path)
        progress(len(rows), total, "Predicting mutants")
    changes = _as_array(sequence, rows)
    _write_table(folder / TABLE, rows)
    _write_heatmap(folder / HEATMAP, sequence, changes)
    shutil.rmtree(folder / _STATE, ignore_errors=True)
    return changes


def _letters(mutations: str) -> str:
    if mutations not in MUTATIONS:
        raise ConfigError(f"There is no scan '{mutations[:40]}'; there are {', '.join(MUTATIONS)}.")
    return MUTATIONS[mutations]


def _fingerprint(sequence: str, letters: str, basis: str) -> str:
    return hashlib.sha256(repr((__version__, sequence, letters, basis)).encode()).hexdigest()[:16]


def _counting(progress: Report, before: int, total: int) -> Callable[[int], None]:
    return lambda done: progress(before + done, total, "Predicting mutants")


def _changes(
    predictor: "Predictor",
    sequence: str,
    wild: Any,
    places: range,
    letters: str,
    report: Callable[[int], None],
) -> Iterator[dict[str, Any]]:
    """A row for each mutant at these places."""
    mutants = [
        (place, letter) for place in places for letter in letters if letter != sequence[place]
    ]
    sequences = [f"{sequence[:place]}{letter}{sequence[place + 1 :]}" for place, letter in mutants]
    upper = np.triu_indices(len(sequence), 1)
    found: dict[int, dict[str, Any]] = {}
    for number, predicted in predictor.predict_many(sequences, readout=READOUT):
        place, letter = mutants[number]
        moved = np.abs(predicted.distances - wild.distances)
        turned = np.abs(predicted.contacts - wild.contacts)
        found[number] = {
            "position": place + 1,
            "wild_type": sequence[place],
            "mutant": letter,
            "change": round(float(moved[upper].mean()), 4),
            "change_at_residue": round(float(np.delete(moved[place], place).mean()), 4),
            "contacts_changed": round(float(turned[upper].sum()), 4),
        }
        report(len(found))
    for number in range(len(mutants)):
        yield found[number]


def _as_array(sequence: str, rows: list[dict[str, Any]]) -> np.ndarray:
    changes = np.full((len(sequence), len(ALPHABET)), np.nan)
    for place, own in enumerate(sequence):
        if own in ALPHABET:
            changes[place, ALPHABET.index(own)] = 0.0
    for row in rows:
        changes[row["position"] - 1, ALPHABET.index(row["mutant"])] = row["change"]
    return changes


def _write_table(path: Path, rows: list[dict[str, Any]]) -> None:
    with replace_file(path, "w") as file:
        write_table(file, list(rows[0]) if rows else ["position"], rows)


def _write_heatmap(path: Path, sequence: str, changes: np.ndarray) -> None:
    rows = [
        [
            f"{sequence[place]}{place + 1}",
            *("" if np.isnan(value) else f"{value:.4f}" for value in values),
        ]
        for place, values in enumerate(changes)
    ]
    with replace_file(path, "w") as file:
        write_table(file, ["residue", *ALPHABET], rows)


def submit_scan(
    store: Store[Any],
    sequence: str,
    *,
    mutations: str = "all",
    checkpoint: str = AUTO,
    folder: Path | None = None,
    **options: Any,
) -> Job:
    """Queue a scan; see `scan` and `distmat.jobs.operations.submit`.

    Parameters
    ----------
    checkpoint : str
        Chosen by the chain's length unless it is named; see `distmat.workspace.checkpoint_for`.

    Raises
    ------
    CheckpointError, ConfigError, SequenceError
        If it is to be chosen and none ships, there is no such scan, or the sequence is no
        protein's.
    """
    _letters(mutations)
    sequence = check_letters(sequence)

    def settings(own: Path) -> dict[str, object]:
        return {
            "sequence": sequence,
            "mutations": mutations,
            "checkpoint": checkpoint_for(checkpoint, len(sequence)),
            "folder": str((folder or own / "results").absolute()),
        }

    return submit(store, SCAN, settings, **options)


def scan_job(job: Job, recorder: Recorder | None) -> bool:
    """Scan, or go on with a scan."""
    if recorder is None:
        return True
    from distmat.model.predictor import load

    given: dict[str, Any] = dict(job.settings)
    progress = Progress(recorder)
    progress.show(0, 1, "Loading the network")
    predictor, folder = load(given["checkpoint"]), Path(given["folder"])
    scan(
        predictor,
        given["sequence"],
        given["mutations"],
        folder,
        progress.show,
        checkpoint_identity(given["checkpoint"]),
    )
    recorder.say(f"The results are in {folder}.")
    return True


SCAN_JOB = JobKind(
    work=scan_job,
    check=lambda job: checkpoint_path(str(job.settings["checkpoint"])),
    onward=lambda job: "goes on where it was",
)
