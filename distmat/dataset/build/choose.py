"""Choose which chains are kept, cluster them, and split them so that nothing leaks."""

import dataclasses
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from distmat.dataset.build.settings import BuildSettings
from distmat.dataset.build.state import Progress, State
from distmat.dataset.clustering import cluster, mmseqs_version, relatives, sensitive_search
from distmat.dataset.reading import Reject, make_unique
from distmat.dataset.sources import Listing
from distmat.dataset.splitting import assign_splits, leak_report, select_holdout
from distmat.dataset.store import read_dataset, read_facts, stream_rows
from distmat.errors import DatasetError
from distmat.protein.entry_id import parse_id
from distmat.workspace import dataset_path, replace_file


class NothingLeftError(DatasetError):
    """The filters leave no chain, so that there is nothing to go on with."""


class Table:
    """What the parts hold, without coordinates: one row for each chain, in the items' order."""

    def __init__(self, work: Path) -> None:
        self.paths = sorted(work.glob("part-*.parquet"))
        self.rejects: list[Reject] = []
        sequences: list[str] = []
        names: list[str] = []
        self.source: list[str] = []
        missing: list[int] = []
        resolution: list[float] = []
        for path in self.paths:
            facts = read_facts(path, may_be_empty=True)
            names += facts["id"].tolist()
            sequences += facts["sequence"].tolist()
            self.source += facts["source"].tolist()
            missing += facts["missing"].tolist()
            resolution += facts["resolution"].tolist()
            with open(path.with_suffix(".json"), encoding="utf-8") as file:
                self.rejects += [Reject(*row) for row in json.load(file)["rejects"]]
        self.names = make_unique(names)
        self.sequences = sequences
        self.missing = np.array(missing, dtype=int)
        # One that isn't known comes after any that is.
        self.resolution = np.nan_to_num(np.array(resolution, dtype=float), nan=np.inf)

    def __len__(self) -> int:
        return len(self.names)

    def best_first(self) -> np.ndarray:
        """The rows by how well the chain was observed, then by name; shape=(chains,)."""
        return np.lexsort(
            (np.array(self.names, dtype=object).astype(str), self.resolution, self.missing)
        )

    def rows(self) -> Iterator[dict[str, Any]]:
        """All rows with their coordinates, a few in memory at a time."""
        for path in self.paths:
            yield from stream_rows(path)


def choose(
    table: Table,
    plan: Listing,
    settings: BuildSettings,
    work: Path,
    workers: int,
    report: Progress,
) -> None:
    """Leave out copies and relatives of what is excluded, cluster and split the rest."""
    if (work / "chosen.json").exists():
        return
    kept, rejected = len(table), len(table.rejects)
    report(State("cluster", 0, 2, kept, rejected))
    keep = np.ones(len(table), dtype=bool)
    rejects: list[Reject] = []
    if settings.deduplicate:
        _leave_out_copies(table, keep, rejects)
    folder = work / "mmseqs"
    for path in settings.exclude:
        _leave_out_relatives(table, keep, rejects, path, settings, folder, workers)
    rows = np.flatnonzero(keep)
    if not len(rows):
        reasons = [*table.rejects, *rejects]
        first = f" (the first reject: {reasons[0].detail})" if reasons else ""
        raise NothingLeftError(
            f"No chain is left of {len(plan.items):,} files or entries{first}; loosen the filters "
            "or check the inputs."
        )
    report(State("cluster", 1, 2, len(rows), rejected + len(rejects)))
    sequences = [table.sequences[row] for row in rows]
    found = cluster(sequences, folder, settings.identity, settings.coverage, workers)
    splits, shares, seed = _asked_splits(table, rows, plan), settings.shares, settings.seed
    proposed = select_holdout(found.group, shares, seed) if splits is None else splits != "train"
    report(State("leaks", 0, 1, len(rows), rejected + len(rejects)))
    # Where nothing is to be trained on, nothing can leak.
    held_out = np.flatnonzero(proposed) if not proposed.all() else np.zeros(0, dtype=int)
    held_out_sequences = [sequences[place] for place in held_out]
    hits = sensitive_search(held_out_sequences, sequences, folder, workers)
    hits = dataclasses.replace(hits, query=held_out[hits.query])
    if splits is None:
        splits = assign_splits(found.group, proposed, hits, settings.identity, shares, seed)
    names = [table.names[row] for row in rows]
    leaks = {
        **leak_report(names, splits, hits, settings.identity),
        "program": f"MMseqs2 {mmseqs_version()}",
    }
    content = {
        "rows": rows.tolist(),
        "cluster": found.cluster.tolist(),
        "group": found.group.tolist(),
        "rep": _representatives(table, rows, found.cluster),
        "split": splits.tolist(),
        "rejects": [reject.row() for reject in rejects],
        "leaks": leaks,
    }
    with replace_file(work / "chosen.json", "w") as file:
        json.dump(content, file)


def _leave_out_copies(table: Table, keep: np.ndarray, rejects: list[Reject]) -> None:
    first: dict[str, int] = {}
    copies = []
    for row in table.best_first():
        best = first.setdefault(table.sequences[row], int(row))
        if best != row:
            copies.append((int(row), best))
    for row, best in sorted(copies):
        keep[row] = False
        detail = f"The same sequence as {table.names[best]}, which was observed as well or better."
        rejects.append(Reject(table.names[row], table.source[row], "duplicate", detail))


def _leave_out_relatives(
    table: Table,
    keep: np.ndarray,
    rejects: list[Reject],
    path: str,
    settings: BuildSettings,
    folder: Path,
    workers: int,
) -> None:
    other = read_dataset(dataset_path(path))
    rows = np.flatnonzero(keep)
    hits = sensitive_search(
        [chain.sequence for chain in other.chains],
        [table.sequences[row] for row in rows],
        folder,
        workers,
    )
    close = relatives(hits, settings.identity)
    nearest: dict[int, tuple[float, int]] = {}
    for place, query, identity in zip(close.target, close.query, close.identity, strict=True):
        nearest[place] = max(nearest.get(place, (0.0, 0)), (float(identity), -int(query)))
    for place in sorted(nearest):
        identity, query = nearest[place]
        row = int(rows[place])
        keep[row] = False
        detail = (
            f"{identity:.0%} identical to {other.chains[-query].name} of {other.name}, which is "
            "to be kept away from."
        )
        rejects.append(Reject(table.names[row], table.source[row], "relative", detail))


def _asked_splits(table: Table, rows: np.ndarray, plan: Listing) -> np.ndarray | None:
    """The splits that a list of ids asks for; what it says nothing of goes to train."""
    if not plan.splits:
        return None
    names = [table.names[row] for row in rows]
    return np.array([_asked_split(name, plan.splits) or "train" for name in names])


def _asked_split(name: str, splits: dict[str, str]) -> str | None:
    """A chain's own split, else its entry's."""
    found = parse_id(name)
    if found is None:
        return splits.get(name)
    return splits.get(str(found)) or splits.get(found.entry)


def _representatives(table: Table, rows: np.ndarray, clusters: np.ndarray) -> list[bool]:
    """Whether each row is the best observed of its cluster."""
    place = {int(row): number for number, row in enumerate(rows)}
    rep = [False] * len(rows)
    seen: set[int] = set()
    for row in table.best_first():
        number = place.get(int(row))
        if number is not None and clusters[number] not in seen:
            seen.add(int(clusters[number]))
            rep[number] = True
    return rep
