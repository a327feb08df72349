"""A long run over damaged and hostile input of every kind; writes its table into README.md.

    python benchmarks/fuzz.py --each 10000 --minutes 30 --workers 2

What `tests/fuzz` tries in a minute is tried here as often as there is time for: each kind in
processes of its own, whose memory is limited, each input by its number, so that a fault can be
looked at again with `--kind` and `--seed`.
"""

import argparse
import collections
import json
import multiprocessing
import os
import resource
import shutil
import signal
import sys
import tempfile
import time
import traceback
import warnings
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))
os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("OMP_NUM_THREADS", "1")

from benchmarks.tables import write_part

LONGEST = 5.0
"""Seconds of computing after which an input counts as a hang."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--each", type=int, default=10_000, help="inputs of each kind at most")
    parser.add_argument("--minutes", type=float, default=30, help="for all kinds together")
    parser.add_argument("--workers", type=int, default=1, help="kinds at a time")
    parser.add_argument("--first", type=int, default=10**6, help="number of the first input")
    parser.add_argument("--kind", help="only this kind")
    parser.add_argument("--seed", type=int, help="only this input, with its traceback")
    parser.add_argument("--write", action="store_true", help="write the table into README.md")
    options = parser.parse_args()
    from tests.fuzz.kinds import KINDS, try_one

    kinds = [kind for kind in KINDS if options.kind in (None, kind.name)]
    if options.seed is not None:
        print(try_one(kinds[0], options.seed, Path(tempfile.mkdtemp())) or "It was taken.")
        return
    seconds = 60 * options.minutes * options.workers / len(kinds)
    tasks = [(kind.name, options.first, options.each, seconds) for kind in kinds]
    with multiprocessing.get_context("spawn").Pool(options.workers, maxtasksperchild=1) as pool:
        results = []
        for result in pool.imap(try_kind, tasks, chunksize=1):
            print(json.dumps(result), flush=True)
            results.append(result)
    text = table(results)
    print(text)
    if options.write:
        write_part("fuzz", text)


def try_kind(task: tuple[str, int, int, float]) -> dict:
    """Try the inputs of a kind, one after the other, until there are enough or time is up."""
    from tests.fuzz.kinds import KINDS, try_one

    warnings.simplefilter("ignore")
    name, first, most, seconds = task
    kind = next(kind for kind in KINDS if kind.name == name)
    folder = Path(tempfile.mkdtemp(prefix="distmat-fuzz-"))
    os.environ["DISTMAT_HOME"] = str(folder / "home")
    signal.signal(signal.SIGPROF, _stop)
    try_one(kind, 0, folder)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    faults, examples = collections.Counter(), {}
    tried = told = slowest = 0
    ends = time.monotonic() + seconds
    while tried < most and time.monotonic() < ends:
        seed = first + tried
        started = time.process_time()
        signal.setitimer(signal.ITIMER_PROF, LONGEST)
        try:
            told += bool(try_one(kind, seed, folder))
        except (Exception, MemoryError) as error:
            place = _place(error)
            faults[place] += 1
            examples.setdefault(place, [seed, f"{type(error).__name__}: {str(error)[:100]}"])
        finally:
            signal.setitimer(signal.ITIMER_PROF, 0)
        slowest = max(slowest, time.process_time() - started)
        tried += 1
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    shutil.rmtree(folder, ignore_errors=True)
    return {
        "kind": name,
        "tried": tried,
        "told": told,
        "faults": sum(faults.values()),
        "places": {place: [count, *examples[place]] for place, count in faults.items()},
        "slowest": slowest,
        "grown": (peak - before) / 2**10,
    }


def _stop(number: int, frame: object) -> None:
    raise TimeoutError(f"more than {LONGEST:g} s")


def _place(error: BaseException) -> str:
    """Where in the package an error came from."""
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if str(ROOT / "distmat") in frame.filename] or frames
    return f"{Path(own[-1].filename).name}:{own[-1].lineno} {type(error).__name__}"


def table(results: list[dict]) -> str:
    lines = [
        "| input | tried | refused | faults | kinds of faults | slowest s | MiB more |",
        "|---|---|---|---|---|---|---|",
    ]
    for row in results:
        lines.append(
            f"| {row['kind']} | {row['tried']:,} | {row['told']:,} | {row['faults']} "
            f"| {len(row['places'])} | {row['slowest']:.1f} | {row['grown']:.0f} |"
        )
    total = [sum(row[name] for row in results) for name in ("tried", "told", "faults")]
    lines.append(f"| **all** | **{total[0]:,}** | {total[1]:,} | {total[2]} | | | |")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
