"""What happens to machines, disks and folders, again and again at random moments; see README.md.

    python benchmarks/accidents.py [--count 5] [--only disk-full,…] [--seed 0]

Every accident happens in a temporary workspace of its own to a real small training in the
background; after each the same is asked: was it told in words, was nothing lost from sight, and did
what was asked for come to its end? Disks that fill up and that can't be written are small
file systems, which take root to mount; ``--only clock``, by itself, takes a C compiler. Rows for
the table are printed as they are known.
"""

import argparse
import contextlib
import os
import random
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

from distmat.dataset.download import DownloadPolicy, download
from distmat.dataset.synthetic import write_synthetic
from distmat.jobs import processes
from distmat.jobs.lock import ProcessLock
from distmat.jobs.log import tail
from distmat.jobs.states import State
from distmat.protein.examples import examples
from distmat.runs import operations
from distmat.runs.checkpoints import list_checkpoints
from distmat.runs.store import RunStore
from distmat.training.presets import preset

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

SMALL = {
    "device": "cpu",
    "log_every": 1,
    "max_steps": 60,
    "evaluate_every": 10,
    "evaluation_chains": 2,
    "hidden_size": 16,
    "layers": 1,
    "crops": (32,),
    "pairs_per_batch": 2 * 32**2,
}
PATIENCE = 600.0


class BrokenPromiseError(Exception):
    """What was promised didn't hold."""


def promise(holds: object, words: str) -> None:
    """Stop this try with what went wrong."""
    if not holds:
        raise BrokenPromiseError(words)


@contextlib.contextmanager
def workspace(place: Path | None = None) -> Iterator[RunStore]:
    """A workspace with a dataset; nothing that was started in it goes on afterwards."""
    with tempfile.TemporaryDirectory() as own:
        home = place or Path(own)
        os.environ["DISTMAT_HOME"] = str(home)
        write_synthetic(home / "datasets" / "synthetic.parquet", 60)
        store = RunStore(home)
        try:
            yield store
        finally:
            end_all(home)
            store.close()


def end_all(home: Path) -> None:
    """No process of the workspace is left."""
    holder = ProcessLock(home / "scheduler.lock").holder()
    scheduler = holder and processes.identify(holder)
    if scheduler:
        processes.kill(scheduler)
    with contextlib.suppress(Exception), RunStore(home) as store:
        for run in store.list_active():
            if run.process:
                processes.kill(run.process)


def launch(store: RunStore, **changes):
    return operations.launch(store, preset("quick-look").with_settings({**SMALL, **changes}))


def follow(store: RunStore, run, until: Callable):
    """The run once that is so."""
    deadline = time.monotonic() + PATIENCE
    while not until(now := store.get(run.id)):
        promise(time.monotonic() < deadline, f"still {now.state} after {PATIENCE:.0f} s")
        operations.reconcile(store)
        time.sleep(0.1)
    return now


def at_random_step(store: RunStore, run, rng: random.Random, least: int = 1):
    step = rng.randint(least, 40)
    now = follow(store, run, lambda now: now.step >= step or now.has_ended)
    promise(not now.has_ended, f"ended before step {step}: {now.state} {now.cause}")
    return now


def finishes(store: RunStore, run) -> str:
    """Go on until it has finished; how often that took a push."""
    now, pushes = follow(store, run, lambda now: now.has_ended), 0
    while now.state != State.FINISHED:
        promise(now.cause or now.state == State.STOPPED, f"{now.state} without a cause")
        promise(pushes < 2, f"resumed twice and still {now.state}: {now.cause}")
        operations.resume(store, run.id)
        pushes += 1
        now = follow(store, run, lambda now: now.has_ended)
    return "finished" if not pushes else "told why; resumed and finished"


def command(*words: str) -> subprocess.CompletedProcess:
    """What a person sees of a command: no traceback, whatever happens."""
    done = subprocess.run(
        [sys.executable, "-m", "distmat", *words], cwd=ROOT, capture_output=True, text=True
    )
    promise("Traceback" not in done.stderr, f"{words[0]}: {done.stderr[-300:]}")
    promise(done.returncode in (0, 2), f"{words[0]} ended with {done.returncode}")
    return done


def kill_worker(rng: random.Random) -> str:
    with workspace() as store:
        run = launch(store)
        now = at_random_step(store, run, rng)
        os.kill(now.process.pid, signal.SIGKILL)
        now = follow(store, run, lambda now: now.has_ended)
        promise(now.state == State.CRASHED and now.cause, f"{now.state}: {now.cause}")
        return finishes(store, run)


def kill_scheduler(rng: random.Random) -> str:
    with workspace() as store:
        runs = [launch(store, max_steps=20) for _ in range(2)]
        time.sleep(rng.uniform(0, 20))
        holder = ProcessLock(store.home / "scheduler.lock").holder()
        if holder:
            os.kill(holder, signal.SIGKILL)
        said = {finishes(store, run) for run in runs}
        promise(all(store.get(run.id).attempt == 1 for run in runs), "started twice")
        return " / ".join(sorted(said))


SERVER = """
import sys, time
from distmat.runs import operations
from distmat.runs.store import RunStore
from distmat.training.presets import preset
with RunStore() as store:
    for number in range(2):
        config = preset("quick-look").with_settings(eval(sys.argv[1]))
        print(operations.launch(store, config).id, flush=True)
time.sleep(1000)
"""


def start_server(steps: int) -> subprocess.Popen:
    """Something that launches runs and then serves on, as the pages' server does."""
    return subprocess.Popen(
        [sys.executable, "-c", SERVER, repr({**SMALL, "max_steps": steps})],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def end_server(server: subprocess.Popen) -> None:
    os.killpg(server.pid, signal.SIGKILL)
    server.wait()
    server.stdout.close()


def kill_server(rng: random.Random) -> str:
    with workspace() as store:
        server = start_server(20)
        ids = [server.stdout.readline().strip() for _ in range(2)]
        time.sleep(rng.uniform(0, 20))
        end_server(server)
        runs = [store.get(name) for name in ids]
        said = {finishes(store, run) for run in runs}
        promise(all(store.get(name).attempt == 1 for name in ids), "started twice")
        return " / ".join(sorted(said))


def two_servers(rng: random.Random) -> str:
    with workspace() as store:
        servers = [start_server(10) for _ in range(2)]
        ids = [server.stdout.readline().strip() for server in servers for _ in range(2)]
        said = {finishes(store, store.get(name)) for name in ids}
        for server in servers:
            end_server(server)
        promise(len(set(ids)) == 4, "an id was given twice")
        promise(all(store.get(name).attempt == 1 for name in ids), "started twice")
        return " / ".join(sorted(said))


@contextlib.contextmanager
def small_disk(size: str) -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as place:
        mount("-t", "tmpfs", "-o", f"size={size}", "none", place)
        try:
            yield Path(place)
        finally:
            subprocess.run(["umount", "--lazy", place], check=True)


def mount(*words: str) -> None:
    subprocess.run(["mount", *words], check=True)


def disk_full(rng: random.Random) -> str:
    with small_disk("1g") as place, workspace(place) as store:
        run = launch(store)
        at_random_step(store, run, rng)
        # What is there stays, and so much more fits.
        filler = place / "filler"
        room = shutil.disk_usage(place).free - rng.randint(0, 400_000)
        with open(filler, "wb", buffering=0) as file, contextlib.suppress(OSError):
            for _ in range(room // 65_536):
                file.write(bytes(65_536))
        time.sleep(rng.uniform(2, 8))
        told = command("runs", "list")
        promise(told.stdout or told.stderr, "runs list said nothing")
        with contextlib.suppress(BrokenPromiseError):
            follow(store, run, lambda now: now.has_ended)
        filler.unlink()
        return finishes(store, run)


def make_read_only(place: Path) -> None:
    """Once nothing on it is open for writing any more, as the last lines of a log are."""
    deadline = time.monotonic() + 60
    while subprocess.run(["mount", "-o", "remount,ro", str(place)], capture_output=True).returncode:
        promise(time.monotonic() < deadline, "something writes on the disk after all has ended")
        time.sleep(0.2)


def read_only_disk(rng: random.Random) -> str:
    with small_disk("1g") as place, workspace(place) as store:
        run = launch(store, max_steps=10)
        finishes(store, run)
        end_all(place)
        store.close()
        make_read_only(place)
        try:
            for words in (["runs", "list"], ["runs", "show", run.id], ["data", "list"]):
                promise(command(*words).stdout, f"{words} showed nothing")
            for words in (
                ["train", "--preset", "quick-look", "--background"],
                ["runs", "delete", run.id, "--yes"],
                ["data", "synthetic", "--overwrite"],
            ):
                done = command(*words)
                promise(done.returncode == 2 and done.stderr, f"{words}: {done.stdout}")
        finally:
            mount("-o", "remount,rw", str(place))
        return "lists shown, changes refused in a sentence"


def damaged_store(rng: random.Random) -> str:
    with workspace() as store:
        run = launch(store, max_steps=10)
        finishes(store, run)
        end_all(store.home)
        path = store.path
        store.close()
        for extra in path.parent.glob(f"{path.name}-*"):
            extra.unlink()
        content = bytearray(path.read_bytes())
        kind = rng.choice(("empty", "cut", "garbled"))
        if kind == "empty":
            content.clear()
        elif kind == "cut":
            del content[rng.randrange(1, len(content)) :]
        else:
            for _ in range(200):
                content[rng.randrange(len(content))] = rng.randrange(256)
        path.write_bytes(content)
        seen = command("runs", "list")
        shown = run.id in seen.stdout
        promise(shown or "rebuild" in seen.stderr + seen.stdout, f"{kind}: {seen}")
        command("runs", "rebuild")
        promise(run.id in command("runs", "list").stdout, f"{kind}: not there after a rebuild")
        return "shown all the same" if shown else "told; all there after a rebuild"


def damaged_checkpoint(rng: random.Random) -> str:
    with workspace() as store:
        run = launch(store)
        at_random_step(store, run, rng, least=25)
        operations.stop(store, run.id)
        now = follow(store, run, lambda now: now.has_ended)
        found = sorted(list_checkpoints(now.folder), key=lambda one: one.step)
        promise(len(found) > 1, "only one checkpoint")
        files = [path for path in found[-1].path.iterdir() if path.stat().st_size]
        path = rng.choice(files)
        content = bytearray(path.read_bytes())
        if rng.random() < 0.5:
            del content[rng.randrange(len(content)) :]
        else:
            content[rng.randrange(len(content))] ^= 0xFF
        path.write_bytes(content)
        operations.resume(store, run.id)
        now = follow(store, run, lambda now: now.has_ended)
        promise(now.state == State.FINISHED, f"{path.name}: {now.state} {now.cause}")
        words = "\n".join(tail(now.log, 200))
        promise(found[-1].path.name in words, f"{path.name}: the log doesn't say it")
        return "went on from the one before, and said so"


def dataset_gone(rng: random.Random) -> str:
    with workspace() as store:
        run = launch(store)
        at_random_step(store, run, rng)
        path = store.home / "datasets" / "synthetic.parquet"
        kept = path.read_bytes()
        if rng.random() < 0.5:
            path.unlink()
        else:
            write_synthetic(path, 30, seed=7)
        now = follow(store, run, lambda now: now.has_ended)
        promise(now.state == State.FINISHED or now.cause, f"{now.state} without a cause")
        if now.state == State.FINISHED:
            return "went on with what it had read"
        path.write_bytes(kept)
        return finishes(store, run)


def folder_gone(rng: random.Random) -> str:
    with workspace() as store:
        run = launch(store)
        now = at_random_step(store, run, rng)
        shutil.rmtree(now.folder, ignore_errors=True)
        now = follow(store, run, lambda now: now.has_ended)
        promise(now.state == State.FINISHED or now.cause, f"{now.state} without a cause")
        command("runs", "show", run.id)
        return finishes(store, run)


def clock_set_back(rng: random.Random) -> str:
    """By hours or days, while one run is at work and another waits."""
    set_clock(0)
    with workspace() as store:
        runs = [launch(store), launch(store, max_steps=10)]
        at_random_step(store, runs[0], rng)
        before = time.time()
        set_clock(-rng.randint(3600, 3 * 86_400))
        promise(time.time() < before - 3000, "the clock wasn't set")
        said = {finishes(store, run) for run in runs}
        ended = [store.get(run.id) for run in runs]
        promise(all(run.attempt == 1 for run in ended), "started twice")
        promise(
            all(0 <= run.seconds_spent(time.time()) < PATIENCE for run in ended), "odd durations"
        )
        for run in ended:
            promise(run.id in command("runs", "list").stdout, "not in the list")
            promise(command("runs", "show", run.id).stdout, "not shown")
        return " / ".join(sorted(said))


def set_clock(seconds: int) -> None:
    """Shift the clock of this process and of those that it starts."""
    if "CLOCK_SHIFT" not in os.environ:
        raise SystemExit("The clock is set by itself alone: --only clock.")
    with open(os.environ["CLOCK_SHIFT"], "r+b") as file:
        file.write(struct.pack("q", seconds))


def begin_with_a_clock_of_our_own() -> None:
    """Begin anew where `set_clock` works; takes a C compiler."""
    place = Path(tempfile.mkdtemp(prefix="clock-"))
    source = Path(__file__).with_name("clock.c")
    subprocess.run(["cc", "-shared", "-fPIC", "-o", place / "clock.so", source, "-ldl"], check=True)
    (place / "shift").write_bytes(bytes(8))
    changes = {"LD_PRELOAD": str(place / "clock.so"), "CLOCK_SHIFT": str(place / "shift")}
    os.execve(sys.executable, [sys.executable, *sys.argv], {**os.environ, **changes})


def network_gone(rng: random.Random) -> str:
    """Each of thirty files fails in some way once or twice, at random."""
    from tests.dataset.structure_server import bcif, serving

    kinds = ("silent", "cut", "short", "busy", "broken")
    chains = [example.read() for example in examples()]
    files = {f"{n}aaa": bcif(chain) for n, chain in enumerate(chains, 1)}
    faults = {name: rng.choices(kinds, k=rng.randint(0, 2)) for name in files}
    quick = DownloadPolicy(per_second=500, pause=0.01, silence=0.5, patience=8)
    with tempfile.TemporaryDirectory() as home, serving(files, faults) as (address, _):
        os.environ["DISTMAT_HOME"] = home
        failed = download(files, address, quick)
        failed = failed and download(list(failed), address, quick)
        promise(not failed, str(failed))
        halves = [path for path in Path(home).rglob(".*") if path.is_file()]
        promise(not halves, f"left over: {halves}")
    return "all there after what had passed, nothing half-written"


ACCIDENTS = {
    "worker-killed": (kill_worker, "SIGKILL of the worker"),
    "scheduler-killed": (kill_scheduler, "SIGKILL of the scheduler, two runs waiting"),
    "server-killed": (kill_server, "SIGKILL of the server that launched two runs"),
    "two-servers": (two_servers, "two servers launch two runs each in one workspace"),
    "disk-full": (disk_full, "the disk fills up, then has room again"),
    "read-only": (read_only_disk, "the workspace can't be written"),
    "store": (damaged_store, "the store of jobs emptied, cut or garbled"),
    "checkpoint": (damaged_checkpoint, "a file of the newest checkpoint cut or changed"),
    "dataset": (dataset_gone, "the dataset deleted or changed in mid-run"),
    "folder": (folder_gone, "the run's folder removed in mid-run"),
    "clock": (clock_set_back, "the clock set back by hours or days in mid-run"),
    "network": (network_gone, "downloads silent, cut, short, busy or broken"),
}


def main() -> None:
    """Let them all happen, and count."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--count", type=int, default=5)
    parser.add_argument("--only", help="names with commas between them")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    wanted = options.only.split(",") if options.only else [n for n in ACCIDENTS if n != "clock"]
    if wanted == ["clock"] and "CLOCK_SHIFT" not in os.environ:
        begin_with_a_clock_of_our_own()
    print(f"Load average {os.getloadavg()[0]:.1f}.\n")
    print("| accident | times | what came of it |\n|---|---|---|", flush=True)
    for name in wanted:
        happen, words = ACCIDENTS[name]
        rng = random.Random(f"{options.seed} {name}")
        counts: Counter[str] = Counter()
        for _ in range(options.count):
            try:
                counts[happen(rng)] += 1
            except BrokenPromiseError as error:
                counts[f"BROKEN: {str(error)[:300]}"] += 1
        told = "; ".join(f"{count} × {what}" for what, count in counts.most_common())
        print(f"| {words} | {options.count} | {told} |", flush=True)


if __name__ == "__main__":
    main()
