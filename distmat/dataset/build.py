"""Build a dataset: list, download, read and filter, cluster, split, write.

Work goes on in a folder beside the dataset. What has been done is there in whole files, so a
build that was stopped, killed or cut off by a full disk goes on where it was when it is
started again, and ends with the same bytes.
"""

import contextlib
import csv
import dataclasses
import hashlib
import json
import multiprocessing
import os
import re
import shutil
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from distmat.dataset.card import make_card, write_card
from distmat.dataset.clustering import (
    cluster,
    mmseqs_version,
    relatives,
    sensitive_search,
)
from distmat.dataset.download import SERVER, Manners, download
from distmat.dataset.filters import Filters
from distmat.dataset.reading import (
    REJECT_COLUMNS,
    Reject,
    Row,
    read_item,
    renamed,
    with_names_of_their_own,
)
from distmat.dataset.sources import Item, Listing, list_items
from distmat.dataset.splitting import Shares, leak_report, propose, settle
from distmat.dataset.store import DatasetWriter, read_dataset, read_facts, stream_rows
from distmat.errors import ConfigError, DatasetError
from distmat.protein.entry_id import parse_id
from distmat.protein.sequence import quoted
from distmat.workspace import dataset_path, replace_file, workspace

_ITEMS_IN_PART = 64
"""So much is done again if a worker is killed."""
_FORMAT = 1
"""Of the work folder; a build that another version began starts anew."""


@dataclass(frozen=True)
class BuildSettings:
    """All that decides what a dataset holds, besides its inputs."""

    filters: Filters = field(default_factory=Filters)
    """Which chains are kept."""

    shares: Shares = field(default_factory=Shares)
    """How they are shared out."""

    seed: int = 0
    """Of the split."""

    identity: float = 0.3
    """Share of identical residues from which two chains are relatives, and of one cluster."""

    coverage: float = 0.8
    """Share of both chains that an alignment covers within a cluster."""

    deduplicate: bool = True
    """Of chains with one and the same sequence keep the best observed."""

    exclude: tuple[str, ...] = ()
    """Datasets whose relatives are left out, such as a test set: names or Parquet files."""

    def __post_init__(self) -> None:
        for name in ("identity", "coverage"):
            if not 0.2 <= getattr(self, name) <= 1:
                raise ConfigError(
                    f"{name} is {getattr(self, name)}; it must lie between 0.2 and 1."
                )

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return dataclasses.asdict(self)


@dataclass(frozen=True)
class State:
    """How far a build is.

    Parameters
    ----------
    phase : str
        One of `PHASES`.
    done, total : int
        Of this phase.
    kept, rejected : int
        Chains so far.
    """

    phase: str
    done: int
    total: int
    kept: int = 0
    rejected: int = 0


PHASES = {
    "list": "Looking what there is",
    "download": "Downloading structures",
    "read": "Reading structures",
    "cluster": "Comparing sequences",
    "homologues": "Searching for homologues",
    "leaks": "Searching for relatives across splits",
    "write": "Writing",
}
"""What a build, or `add_homologues`, does one after the other, in words."""

Progress = Callable[[State], None]


class _NothingLeftError(DatasetError):
    """The filters leave no chain, so that there is nothing to go on with."""


def check_name(name: str) -> str:
    """A dataset's name as given, if it can be a file's.

    Raises
    ------
    DatasetError
        If it can't.
    """
    if not re.fullmatch(r"\w[\w.+-]{0,99}", name, re.ASCII) or name.endswith(".parquet"):
        raise DatasetError(
            f"The name {quoted(name)} can't be a dataset's; use letters, digits, '.', '-' and '_'."
        )
    return name


def new_dataset_path(name: str, overwrite: bool) -> Path:
    """Where a new dataset of the workspace goes.

    Raises
    ------
    DatasetError
        If the name can't be a dataset's, or is taken and `overwrite` is false.
    """
    path = workspace() / "datasets" / f"{check_name(name)}.parquet"
    if path.exists() and not overwrite:
        raise DatasetError(
            f"There is a dataset '{name}' already; give another name, or --overwrite to replace it."
        )
    return path


def build(
    inputs: Sequence[str],
    name: str,
    settings: BuildSettings | None = None,
    workers: int = 2,
    overwrite: bool = False,
    server: str = SERVER,
    manners: Manners | None = None,
    progress: Progress | None = None,
) -> Path:
    """Build a dataset in the workspace, or go on with a build that was interrupted.

    Parameters
    ----------
    inputs : sequence of str
        See `distmat.dataset.sources.list_items`.
    name : str
    settings : BuildSettings, optional
    workers : int
        Processes that read structures, and threads of MMseqs2; with one, this process reads.
    overwrite : bool
        Whether a finished dataset of this name may be replaced.
    server : str
        Where PDB entries are downloaded from.
    manners : Manners, optional
        How that server is asked.
    progress : callable, optional
        Told how far it is, several times a second.

    Returns
    -------
    Path
        Of the Parquet file; the card (.json and .md) and the rejects (.csv) lie beside it.

    Raises
    ------
    DatasetError
        If an input can't be used, no chain is left, the disk is full, or the name is taken.
    """
    settings, report = settings or BuildSettings(), progress or (lambda state: None)
    if not 1 <= workers <= 256:
        raise ConfigError(f"workers is {workers}; it must lie between 1 and 256.")
    home = workspace() / "datasets"
    work, built = home / f".{check_name(name)}.build", home / f".{name}.built"
    shutil.rmtree(built, ignore_errors=True)
    target = new_dataset_path(name, overwrite or (work / "plan").exists())
    try:
        with _alone(work, name):
            plan = _plan(inputs, settings, work, report)
            failed = _downloaded(plan, server, manners, report)
            _read(plan, failed, settings.filters, work, workers, report)
            table = _Table(work)
            _choose(table, plan, settings, work, workers, report)
            _write(table, plan, settings, work, target, report)
            os.replace(work, built)
        shutil.rmtree(built)
    except _NothingLeftError:
        shutil.rmtree(work)
        raise
    except OSError as error:
        if error.errno is None:
            raise
        raise DatasetError(
            f"The build stopped: {error.strerror} ({error.filename or home}); mend that, make "
            "room if the disk is full, and start it again: it goes on where it was."
        ) from None
    return target


@contextlib.contextmanager
def _alone(work: Path, name: str) -> Iterator[None]:
    """Only one process at a time builds a dataset of one name."""
    import fcntl

    work.mkdir(parents=True, exist_ok=True)
    with open(work / "lock", "wb") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise DatasetError(
                f"The dataset '{name}' is being built by another process; wait, or stop that one."
            ) from None
        # Workers of a build that was killed follow it in less than a second; until then they
        # might still write.
        with open(work / "readers", "wb") as readers:
            fcntl.flock(readers, fcntl.LOCK_EX)
        # Half-written files of a build that was killed.
        for path in work.glob(".*"):
            path.unlink(missing_ok=True)
        try:
            yield
        except DatasetError:
            # What was begun can go on; else nothing is left behind.
            if not any(work.glob("part-*")):
                shutil.rmtree(work, ignore_errors=True)
            raise


def _plan(inputs: Sequence[str], settings: BuildSettings, work: Path, report: Progress) -> Listing:
    """All items; parts of an earlier build of other items or settings are thrown away."""
    report(State("list", 0, 1))
    listing = list_items(inputs, work / "unpacked")
    content = json.dumps(
        {
            "format": _FORMAT,
            "settings": settings.as_dict(),
            "excluded": [str(dataset_path(path).stat().st_mtime_ns) for path in settings.exclude],
            "splits": listing.splits,
            "items": [dataclasses.astuple(item) for item in listing.items],
        }
    )
    digest = hashlib.sha256(content.encode()).hexdigest()
    known = work / "plan"
    if not known.exists() or known.read_text(encoding="ascii") != digest:
        for path in (*work.glob("part-*"), *work.glob("chosen*")):
            path.unlink()
        with replace_file(known, "w") as file:
            file.write(digest)
    report(State("list", 1, 1))
    return listing


def _downloaded(
    plan: Listing, server: str, manners: Manners | None, report: Progress
) -> dict[str, str]:
    entries = [item.path for item in plan.items if item.kind == "entry"]
    if not entries:
        return {}
    return download(
        entries, server, manners, lambda done, total: report(State("download", done, total))
    )


def _parts(items: Sequence[Item]) -> list[list[Item]]:
    """Items by the part that they are read in; what holds many chains is one of its own."""
    parts: list[list[Item]] = []
    alone = ("json", "rows")
    for item in items:
        full = not parts or len(parts[-1]) == _ITEMS_IN_PART or parts[-1][-1].kind in alone
        if full or item.kind in alone:
            parts.append([])
        parts[-1].append(item)
    return parts


def _read(
    plan: Listing,
    failed: dict[str, str],
    filters: Filters,
    work: Path,
    workers: int,
    report: Progress,
) -> None:
    """Read every part that isn't there yet, in worker processes."""
    parts = _parts(plan.items)
    counts = [0, 0, 0]

    def count(number: int) -> None:
        with open(_rejects_path(work, number), encoding="utf-8") as file:
            content = json.load(file)
        counts[0] += len(parts[number])
        counts[1] += content["kept"]
        counts[2] += len(content["rejects"])
        report(State("read", counts[0], len(plan.items), counts[1], counts[2]))

    report(State("read", 0, len(plan.items)))
    missing = []
    for number in range(len(parts)):
        if _part_path(work, number).exists():
            count(number)
        else:
            missing.append(number)
    if not missing:
        return
    jobs = iter(
        (number, parts[number], filters, str(work), _failures(parts[number], failed))
        for number in missing
    )
    if workers < 2:
        for job in jobs:
            count(_read_part(*job))
        return
    # A new interpreter for each: a copy of one with threads may stand still for ever.
    context = multiprocessing.get_context("spawn")
    workers, stop = min(workers, len(missing)), context.Event()
    with ProcessPoolExecutor(workers, context, _start_worker, (os.getpid(), work, stop)) as pool:
        running: set[Future] = set()
        try:
            while True:
                # Few jobs wait at a time, so that a long list takes no memory.
                for job in islice(jobs, 2 * workers - len(running)):
                    running.add(pool.submit(_read_part, *job))
                if not running:
                    return
                finished, running = wait(running, return_when=FIRST_COMPLETED)
                for future in finished:
                    count(future.result())
        except BrokenProcessPool:
            raise DatasetError(
                "A process that read structures was ended from outside, most likely for want of "
                "memory; start again with --workers 1: it goes on where it was."
            ) from None
        finally:
            # Whoever cancels doesn't want to wait for the parts that are being read.
            stop.set()
            pool.shutdown(wait=True, cancel_futures=True)


def _failures(items: Sequence[Item], failed: dict[str, str]) -> dict[str, str]:
    return {item.path: failed[item.path] for item in items if item.path in failed}


_stop: Any = None
"""In a worker, the event that tells it to stop."""


def _start_worker(parent: int, work: Path, stop: Any) -> None:
    import fcntl
    import signal

    global _stop
    _stop = stop
    # Held until this process ends, however it ends; see `_alone`.
    fcntl.flock(os.open(work / "readers", os.O_CREAT | os.O_RDWR), fcntl.LOCK_SH)
    # The parent hears of Ctrl-C and tells the workers; if it is gone, they go, too.
    signal.signal(signal.SIGINT, signal.SIG_IGN)

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(0.5)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def _part_path(work: Path, number: int) -> Path:
    return work / f"part-{number:06d}.parquet"


def _rejects_path(work: Path, number: int) -> Path:
    return work / f"part-{number:06d}.json"


def _read_part(
    number: int, items: Sequence[Item], filters: Filters, work: str, failed: dict[str, str]
) -> int:
    """Read one part into two files; the second to appear says that both are whole."""
    rejects: list[Reject] = []
    kept = 0
    # In the worker's own folder first: the parts' names are promises.
    with replace_file(_part_path(Path(work), number)) as file:
        with DatasetWriter(file) as writer:
            for item in items:
                if _stop is not None and _stop.is_set():
                    raise KeyboardInterrupt
                for found in read_item(item, filters, failed):
                    if isinstance(found, Row):
                        writer.add(found.chain, **found.facts)
                        kept += 1
                    else:
                        rejects.append(found)
        with replace_file(_rejects_path(Path(work), number), "w") as other:
            rows = [reject.row() for reject in rejects]
            json.dump({"kept": kept, "rejects": rows}, other)
    return number


class _Table:
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
            facts = read_facts(path)
            names += facts["id"].tolist()
            sequences += facts["sequence"].tolist()
            self.source += facts["source"].tolist()
            missing += facts["missing"].tolist()
            resolution += facts["resolution"].tolist()
            with open(path.with_suffix(".json"), encoding="utf-8") as file:
                self.rejects += [Reject(*row) for row in json.load(file)["rejects"]]
        self.names = with_names_of_their_own(names)
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


@dataclass(frozen=True)
class _Chosen:
    """Which rows are kept, and where each belongs."""

    keep: np.ndarray
    cluster: np.ndarray
    group: np.ndarray
    rep: np.ndarray
    split: np.ndarray


def _choose(
    table: _Table,
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
        raise _NothingLeftError(
            f"No chain is left of {len(plan.items):,} files or entries{first}; loosen the filters "
            "or check the inputs."
        )
    report(State("cluster", 1, 2, len(rows), rejected + len(rejects)))
    sequences = [table.sequences[row] for row in rows]
    found = cluster(sequences, folder, settings.identity, settings.coverage, workers)
    splits, shares, seed = _asked_splits(table, rows, plan), settings.shares, settings.seed
    proposed = propose(found.group, shares, seed) if splits is None else splits != "train"
    report(State("leaks", 0, 1, len(rows), rejected + len(rejects)))
    # Where nothing is to be trained on, nothing can leak.
    held_out = np.flatnonzero(proposed) if not proposed.all() else np.zeros(0, dtype=int)
    held_out_sequences = [sequences[place] for place in held_out]
    hits = sensitive_search(held_out_sequences, sequences, folder, workers)
    hits = dataclasses.replace(hits, query=held_out[hits.query])
    if splits is None:
        splits = settle(found.group, proposed, hits, settings.identity, shares, seed)
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


def _leave_out_copies(table: _Table, keep: np.ndarray, rejects: list[Reject]) -> None:
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
    table: _Table,
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


def _asked_splits(table: _Table, rows: np.ndarray, plan: Listing) -> np.ndarray | None:
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


def _representatives(table: _Table, rows: np.ndarray, clusters: np.ndarray) -> list[bool]:
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


def _write(
    table: _Table,
    plan: Listing,
    settings: BuildSettings,
    work: Path,
    target: Path,
    report: Progress,
) -> None:
    """Write dataset, card and rejects in the work folder, then put them in their places."""
    chosen = json.loads((work / "chosen.json").read_text(encoding="utf-8"))
    rejects = [*table.rejects, *(Reject(*row) for row in chosen["rejects"])]
    place = {row: number for number, row in enumerate(chosen["rows"])}
    n = len(place)
    report(State("write", 0, n, n, len(rejects)))
    new = work / "new.parquet"
    with replace_file(new) as file, DatasetWriter(file) as writer:
        for row, content in enumerate(table.rows()):
            number = place.get(row)
            if number is None:
                continue
            facts = {
                key: value
                for key, value in content.items()
                if key not in ("chain", "id", "length", "sequence", "ca")
            }
            for column in ("cluster", "group", "rep", "split"):
                facts[column] = chosen[column][number]
            writer.add(renamed(content["chain"], table.names[row]), **facts)
    card = make_card(
        new,
        target.stem,
        _origin(plan),
        settings.as_dict(),
        rejects,
        chosen["leaks"],
        lambda done, total: report(State("write", done, total, n, len(rejects))),
    )
    write_card(card, new)
    with replace_file(work / "new.rejects.csv", "w") as file:
        table_of_rejects = csv.writer(file, lineterminator="\n")
        table_of_rejects.writerow(REJECT_COLUMNS)
        table_of_rejects.writerows(reject.row() for reject in rejects)
    # The dataset last: where it is, its card is, too.
    for suffix in (".json", ".md", ".rejects.csv", ".parquet"):
        os.replace(work / f"new{suffix}", target.with_name(f"{target.stem}{suffix}"))


def _origin(plan: Listing) -> dict[str, Any]:
    kinds = [item.kind for item in plan.items]
    return {
        "structure_files": kinds.count("file"),
        "pdb_entries": kinds.count("entry"),
        "json_files": kinds.count("json"),
        "datasets": len({item.path for item in plan.items if item.kind == "rows"}),
        "passed_over": plan.passed_over,
    }
