r"""How many residues a second a checkpoint predicts, and in how much memory.

Run by hand, from this folder's parent, on a machine that does nothing else:

    python benchmarks/inference.py --checkpoint mini --readme
    python benchmarks/inference.py --batch 1280

Every way of computing gets the same sequences in one run. What is timed is a sequence becoming a
distance map with deviations and contacts; the backbone isn't built. With ``--readme`` the table
is written into this folder's ``README.md``.
"""

import argparse
import subprocess
import sys
import time
from collections.abc import Callable

import numpy as np
import psutil
import torch
from tables import write_part

from distmat.batch.stream import deal, predict_chains
from distmat.library.store import open_library
from distmat.model import predictor as predictor_module
from distmat.model.predictor import Predictor, load
from distmat.prediction import predict_chain
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
    """Many chains with library and trace, together and one by one, and the memory they take."""
    random = np.random.default_rng(0)
    texts = ["".join(random.choice(list(ALPHABET), BATCH_LENGTH)) for _ in range(count)]
    queries = [Query(str(number), text) for number, text in enumerate(texts)]
    predictor, library = load(checkpoint), open_library(None, checkpoint)
    process = psutil.Process()
    for _ in predict_chains(predictor, queries[:2], library):
        pass
    started = time.perf_counter()
    for text in texts[:ONE_BY_ONE]:
        predict_chain(predictor, text, library=library)
    alone = ONE_BY_ONE * BATCH_LENGTH / (time.perf_counter() - started)
    started, done, memory = time.perf_counter(), 0, []
    for group in deal([BATCH_LENGTH] * count):
        for _ in predict_chains(predictor, [queries[place] for place in group], library):
            done += 1
        memory.append((done, process.memory_info().rss / 2**20))
    together = count * BATCH_LENGTH / (time.perf_counter() - started)
    print(f"one by one {alone:,.0f} residues/s, {count:,} together {together:,.0f}")
    print(f"{together / alone:.1f} times as fast")
    for done, mebibytes in memory[:: max(1, len(memory) // 10)]:
        print(f"after {done:,} chains {mebibytes:,.0f} MiB")


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
        self.threads, self.quick = threads, predictor_module._QUICK

    def __enter__(self) -> None:
        predictor_module._QUICK = 0
        torch.set_num_threads(self.threads)

    def __exit__(self, *_) -> None:
        predictor_module._QUICK = self.quick


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
