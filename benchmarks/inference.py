r"""How many residues a second a checkpoint predicts, and in how much memory.

Run by hand, from this folder's parent, on a machine that does nothing else:

    python benchmarks/inference.py --checkpoint mini --readme
    python benchmarks/inference.py --batch 1280

Every way of computing gets the same sequences in one run. What is timed is a sequence becoming a
distance map with deviations and contacts; the backbone isn't built. With ``--readme`` the table
is written into this folder's ``README.md``.
"""

import argparse
import contextlib
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import psutil
import torch
from tables import write_part

from distmat.batch.crew import predict_group
from distmat.batch.job import predict_into, results_of
from distmat.batch.results import Results
from distmat.library.search import Exclusion
from distmat.library.store import Library, open_library
from distmat.model import passes
from distmat.model import predictor as predictor_module
from distmat.model.predictor import Predictor, load
from distmat.protein.query import Query
from distmat.protein.sequence import ALPHABET

BATCH_LENGTH, ONE_BY_ONE = 150, 16
LENGTHS = (64, 128, 256, 512, 1000)
_MEMORY = """
import resource
from distmat.model.predictor import load
load({checkpoint!r}).predict({sequence!r})
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


def main() -> None:
    """Measure, and print or write the table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--checkpoint", default="mini")
    parser.add_argument("--readme", action="store_true")
    parser.add_argument("--batch", type=int, metavar="N", help="so many chains of 150 as a batch")
    options = parser.parse_args()
    if options.batch:
        measure_batch(options.checkpoint, options.batch)
        return
    table = _table(options.checkpoint)
    print(table)
    if options.readme:
        write_part("inference", table)


def _table(checkpoint: str) -> str:
    predictor = load(checkpoint)
    ways = _ways(predictor)
    lines = [
        "| residues | " + " | ".join(ways) + " | peak memory, MiB |",
        "| --- |" + " --- |" * (len(ways) + 1),
    ]
    for length in LENGTHS:
        sequences = _sequences(length)
        times = {name: _seconds(way, sequences) for name, way in ways.items()}
        base = next(iter(times.values()))
        cells = [
            f"{length * len(sequences) / seconds:,.0f} ({base / seconds:.2f} ×)"
            for seconds in times.values()
        ]
        memory = _peak_memory(checkpoint, sequences[0])
        lines.append(f"| {length} | " + " | ".join(cells) + f" | {memory:,.0f} |")
        print(lines[-1], file=sys.stderr, flush=True)
    return "\n".join(lines)


def measure_batch(checkpoint: str, count: int) -> None:
    """Many chains with library, trace and files, as a batch and one by one, and the memory."""
    random = np.random.default_rng(0)
    texts = ["".join(random.choice(list(ALPHABET), BATCH_LENGTH)) for _ in range(count)]
    queries = [Query(str(number), text) for number, text in enumerate(texts)]
    with tempfile.TemporaryDirectory() as folder:
        # As separate commands would, but for loading the network each time.
        few, library = queries[: ONE_BY_ONE + 1], open_library(None, checkpoint)
        alone = _results(few, Path(folder) / "alone", checkpoint, library)
        predictor, nothing = load(checkpoint), Exclusion()
        costs = []
        for query in few:
            watch = _Watch()
            group = replace(alone.group(0), places=[0], queries=[query], stems=[query.name])
            predict_group(predictor, group, library, nothing, lambda place, found: None)
            costs.append(watch.read())
        # The first one sets up what the others find.
        one = np.mean(costs[1:], axis=0)
        del predictor
        results = _results(queries, Path(folder) / "many", checkpoint, library)
        memory: dict[int, float] = {}
        watch = _Watch()
        predict_into(
            results,
            library,
            nothing,
            lambda done, total, text: memory.__setitem__(done, _family_memory()),
        )
        many = watch.read() / count
    for words, (wall, processor) in (("one by one", one), (f"{count:,} as a batch", many)):
        print(f"{words}: {BATCH_LENGTH / wall:,.0f} residues/s, {processor:.2f} s of CPU a chain")
    print(f"{one[0] / many[0]:.1f} times as fast, with {one[1] / many[1]:.1f} times less CPU time")
    for done in sorted(memory)[:: max(1, len(memory) // 10)]:
        print(f"after {done:,} chains {memory[done]:,.0f} MiB in all processes")


def _results(
    queries: list[Query], folder: Path, checkpoint: str, library: Library | None
) -> Results:
    results = results_of(queries, folder, checkpoint, library, Exclusion())
    results.begin()
    return results


class _Watch:
    """Seconds since it was made: on the wall, and of CPU by this process and those it started."""

    def __init__(self) -> None:
        self._started = self._now()

    def read(self) -> np.ndarray:
        return self._now() - self._started

    def _now(self) -> np.ndarray:
        used = 0.0
        for process in (psutil.Process(), *psutil.Process().children(recursive=True)):
            # One that has ended is counted by whoever started it.
            with contextlib.suppress(psutil.NoSuchProcess):
                used += sum(process.cpu_times()[:4])
        return np.array([time.perf_counter(), used])


def _family_memory() -> float:
    """MiB that this process and those it started hold."""
    held = 0
    for process in (psutil.Process(), *psutil.Process().children(recursive=True)):
        with contextlib.suppress(psutil.NoSuchProcess):
            held += process.memory_info().rss
    return held / 2**20


def _ways(predictor: Predictor) -> dict[str, Callable[[list[str]], None]]:
    return {
        "float32, one thread": lambda s: _one_by_one(predictor, s, threads=1),
        "two threads": lambda s: _one_by_one(predictor, s, threads=2),
        "bfloat16, one thread": lambda s: _one_by_one(predictor, s, threads=1, bf16=True),
        "all together, one thread": lambda s: _together(predictor, s),
        "`predict_many`, one thread": lambda s: _many(predictor, s),
    }


def _one_by_one(
    predictor: Predictor, sequences: list[str], threads: int, bf16: bool = False
) -> None:
    network = predictor.network
    usual = network.forward
    if bf16:
        network.forward = torch.autocast("cpu", torch.bfloat16)(usual)
    try:
        with _exactly(threads):
            for sequence in sequences:
                predictor.predict(sequence)
    finally:
        network.forward = usual


def _together(predictor: Predictor, sequences: list[str]) -> None:
    usual = predictor_module.PAIRS_TOGETHER
    predictor_module.PAIRS_TOGETHER = {False: len(sequences) * len(sequences[0]) ** 2}
    try:
        _many(predictor, sequences)
    finally:
        predictor_module.PAIRS_TOGETHER = usual


def _many(predictor: Predictor, sequences: list[str]) -> None:
    with _exactly(1):
        for _ in predictor.predict_many(sequences):
            pass


class _exactly:  # noqa: N801  reads like a word where it is used
    """So many threads, whatever the length."""

    def __init__(self, threads: int) -> None:
        self.threads, self.quick = threads, passes._QUICK

    def __enter__(self) -> None:
        passes._QUICK = 0
        torch.set_num_threads(self.threads)

    def __exit__(self, *_) -> None:
        passes._QUICK = self.quick


def _sequences(length: int) -> list[str]:
    random = np.random.default_rng(length)
    count = {512: 2, 1000: 1}.get(length, 8)
    return ["".join(random.choice(list(ALPHABET), length)) for _ in range(count)]


def _seconds(way: Callable[[list[str]], None], sequences: list[str]) -> float:
    if len(sequences) > 1:
        way(sequences[:1])
    times = []
    for _ in range(3):
        started = time.perf_counter()
        way(sequences)
        times.append(time.perf_counter() - started)
    return min(times)


def _peak_memory(checkpoint: str, sequence: str) -> float:
    script = _MEMORY.format(checkpoint=checkpoint, sequence=sequence)
    answer = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    return int(answer.stdout) / 1024


if __name__ == "__main__":
    main()
