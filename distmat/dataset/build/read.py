"""Read all items, in worker processes, into parts: files that are whole or not there."""

import json
import multiprocessing
import os
import threading
import time
from collections.abc import Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from itertools import islice
from pathlib import Path
from typing import Any

from distmat.dataset.build.state import Progress, State
from distmat.dataset.filters import Filters
from distmat.dataset.reading import Reject, Row, read_item
from distmat.dataset.sources import Item, Listing
from distmat.dataset.store import DatasetWriter
from distmat.errors import DatasetError
from distmat.workspace import replace_file

_ITEMS_IN_PART = 64
"""So much is done again if a worker is killed."""


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


def read_parts(
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
    # Held until this process ends, however it ends; see `work_alone`.
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
