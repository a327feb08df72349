"""Whether background runs hold what they promise; see README.md.

    python benchmarks/runs.py refresh           # a page refresh of a run of 10^6 logged steps
    python benchmarks/runs.py logging           # what logging costs a step
    python benchmarks/runs.py viewers           # 20 viewers of a live run
    python benchmarks/runs.py kills --count 50  # SIGKILL and SIGTERM at random moments
    python benchmarks/runs.py jobs --count 15   # the same for a build, homologues and an evaluation

Everything happens in a temporary workspace; rows for the table are printed.
"""

import argparse
import json
import os
import random
import signal
import statistics
import sys
import tempfile
import threading
import time
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import plotly.graph_objects as go
import psutil
from safetensors.numpy import load_file

from distmat.dataset.build import BuildSettings
from distmat.dataset.filters import NO_FILTERS
from distmat.dataset.jobs import submit_build, submit_homologues
from distmat.dataset.store import read_dataset
from distmat.dataset.synthetic import write_synthetic
from distmat.jobs import processes
from distmat.jobs.kinds import words_of
from distmat.jobs.log import tail
from distmat.jobs.operations import submit
from distmat.jobs.states import State
from distmat.jobs.store import JobStore
from distmat.protein.structure.write import write_pdb
from distmat.runs import operations
from distmat.runs.diagnosis import diagnose
from distmat.runs.store import RunStore
from distmat.training.evaluation_job import EVALUATION, RESULT
from distmat.training.presets import preset

CURVES = ("loss", "grad_norm", "learning_rate", "residues_per_second", "eval_mae")
CLOCKS = {"residues_per_second", "eval_seconds", "eval_chains_per_second"}


def row(check, limit, measured):
    print(f"| {check} | {limit} | {measured} |", flush=True)


def quick(**changes):
    return preset("quick-look").with_settings({"device": "cpu", "log_every": 1, **changes})


def look(store, run_id, points=1000):
    """What one refresh of the page asks for; the bytes of its four charts."""
    run = store.get(run_id)
    operations.reconcile(store)
    curves = store.curves(run_id, points=points)
    store.seconds_left(run)
    store.table(run_id, ("loss", "grad_norm", "learning_rate"), rows=100)
    store.hardware(run_id, points=200)
    tail(run.log)
    diagnose(store, run)
    size = 0
    for name in CURVES:
        if name in curves:
            figure = go.Figure(go.Scattergl(x=curves[name].steps, y=curves[name].values))
            size += len(figure.to_json())
    return size


def refresh(options):
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        with RunStore(home) as store:
            # Nobody shall train it.
            store.pause(True)
            run = store.add(quick())
            write_steps(store, run, options.steps)
        # A viewer is another process than the trainer, which logs step by step.
        with RunStore(home) as store:
            time_looks(store, run, options.steps)


def write_steps(store, run, count):
    rng = np.random.default_rng(0)
    started = time.perf_counter()
    for first in range(0, count, 20_000):
        rows = []
        for step, four in enumerate(rng.standard_normal((20_000, 4)).tolist(), first + 1):
            metrics = dict(zip(CURVES, four, strict=False))
            if step % 1000 == 0:
                metrics |= {"eval_mae": 5.0 + four[0], "eval_baseline_mae": 6.0}
            rows.append((step, step / 1000, 1e9 + step, metrics))
        store.log_many(run.id, rows)
    for second in range(0, 10_000, 5):
        sample = {"cpu": 50.0, "memory": 1e9, "machine_memory": 20.0}
        store.log_hardware(run.id, sample, run.created + second)
    print(
        f"{count:,} steps written in {time.perf_counter() - started:.0f} s, "
        f"{store.path.stat().st_size / 1e6:.0f} MB"
    )


def time_looks(store, run, count):
    look(store, run.id)
    times, own, sizes = [], [], []
    for _ in range(20):
        # On a busy machine the clock tells more of the others than of us.
        before, worked = time.perf_counter(), time.process_time()
        sizes.append(look(store, run.id))
        times.append(1000 * (time.perf_counter() - before))
        own.append(1000 * (time.process_time() - worked))
    row(
        f"refresh of a run of {count:,} logged steps, 1,000 points a curve",
        "< 150 ms, < 300 kB",
        f"{statistics.median(times):.0f} ms (slowest of 20: {max(times):.0f}; "
        f"{statistics.median(own):.0f} ms of processor time), {max(sizes) / 1000:.0f} kB",
    )


def follow(store, run, until, seconds=600):
    deadline = time.monotonic() + seconds
    while not until(now := store.get(run.id)):
        if time.monotonic() > deadline or (now.has_ended and now.state != State.FINISHED):
            sys.exit(f"{now.state}: {now.cause}\n" + "\n".join(tail(now.log)))
        time.sleep(0.05)
    return now


def workspace(home, share=0.0):
    os.environ["DISTMAT_HOME"] = home
    return RunStore(Path(home), share)


def logging(options):
    with tempfile.TemporaryDirectory() as home, workspace(home) as store:
        run = operations.launch(store, quick(max_steps=300, evaluate_every=300))
        follow(store, run, lambda now: now.state == State.FINISHED)
        curve = store.curves(run.id, ["loss"], points=10_000)["loss"]
        step = float(np.median(np.diff(curve.times)))
        metrics = store.get(run.id).metrics
        logged = {name: metrics[name] for name in CURVES[:4]}
        other = store.add(quick())
        times = []
        for number in range(1, 5001):
            before = time.perf_counter()
            store.log(other.id, number, number / 100, logged)
            times.append(time.perf_counter() - before)
        share = statistics.mean(times) / step
        row(
            "logging every step of `quick-look`",
            "< 1 % of step time",
            f"{share:.2%}: {1000 * statistics.mean(times):.2f} of {1000 * step:.0f} ms",
        )


def viewers(options):
    """Phases with and without viewers take turns, so that the machine's moods cancel out."""
    with tempfile.TemporaryDirectory() as home, workspace(home, share=0.9) as store:
        run = operations.launch(store, quick(max_steps=10**6, evaluate_every=10**6))
        process = psutil.Process(follow(store, run, lambda now: now.step > 50).process.pid)
        phases = []
        for number in range(2 * options.turns):
            busy = threading.Event()
            threads = [
                threading.Thread(target=view, args=(store, run.id, busy))
                for _ in range(20 if number % 2 else 0)
            ]
            for thread in threads:
                thread.start()
            time.sleep(1)
            began, first, worked = time.time(), store.get(run.id).step, used(process)
            time.sleep(options.seconds)
            ended, last, worked = time.time(), store.get(run.id).step, used(process) - worked
            phases.append((number % 2, (ended - began) / (last - first), worked / (last - first)))
            busy.set()
            for thread in threads:
                thread.join()
        operations.stop(store, run.id)
        follow(store, run, lambda now: now.state == State.STOPPED or now.has_ended)
        said = []
        for column, name in ((1, "by the clock"), (2, "in processor time of a step")):
            alone, watched = ([p[column] for p in phases if p[0] == kind] for kind in (0, 1))
            slower = [b / a - 1 for a, b in zip(alone, watched, strict=True)]
            error = statistics.stdev(slower) / len(slower) ** 0.5
            said.append(
                f"{statistics.mean(slower):.1%} ± {error:.1%} {name} "
                f"({1000 * statistics.mean(alone):.0f} ms alone)"
            )
        row(
            "20 viewers, one refresh a second each",
            "< 2 % slower",
            f"{'; '.join(said)}; {options.turns} turns of {options.seconds} s",
        )


def used(process):
    """Seconds of processor time so far."""
    times = process.cpu_times()
    return times.user + times.system


def view(store, run_id, ended):
    time.sleep(random.random())
    while not ended.wait(1.0):
        look(store, run_id, points=1000)


def kills(options):
    rng = random.Random(options.seed)
    config = quick(
        max_steps=options.steps,
        evaluate_every=20,
        evaluation_chains=2,
        hidden_size=16,
        layers=1,
        crops=(32,),
        pairs_per_batch=2 * 32**2,
    )
    with tempfile.TemporaryDirectory() as home, workspace(home) as store:
        whole = operations.launch(store, config, name="whole")
        follow(store, whole, lambda now: now.state == State.FINISHED, 3600)
        run = operations.launch(store, config, name="parts")
        unreadable = threading.Event()
        threading.Thread(
            target=keep_reading, args=(store.home, run.id, unreadable), daemon=True
        ).start()
        done, inside = 0, 0
        while done < options.count:
            now = store.get(run.id)
            if now.has_ended:
                break
            follow(store, run, lambda now: now.process is not None)
            moment(store, run, rng)
            now = store.get(run.id)
            if now.has_ended or now.process is None:
                break
            inside += any(now.folder.glob(".checkpoint-*.writing"))
            number = rng.choice((signal.SIGKILL, signal.SIGKILL, signal.SIGTERM))
            if processes.is_running(now.process):
                os.kill(now.process.pid, number)
                done += 1
            while not store.get(run.id).has_ended:
                time.sleep(0.02)
            now = store.get(run.id)
            print(f"{done}: {number.name} at step {now.step}, {now.state}", flush=True)
            if now.state == State.FINISHED:
                break
            operations.resume(store, run.id)
        if not store.get(run.id).has_ended:
            follow(store, run, lambda now: now.state == State.FINISHED, 3600)
        expected, found = store.curves(whole.id, points=10**6), store.curves(run.id, points=10**6)
        same = set(expected) == set(found) and all(
            np.array_equal(found[name].steps, expected[name].steps)
            and (name in CLOCKS or np.array_equal(found[name].values, expected[name].values))
            for name in expected
        )
        one, two = (load_file(r.folder / "model.safetensors") for r in (whole, run))
        weights = all(np.array_equal(one[name], two[name]) for name in one)
        row(
            f"{done} kills at random moments, {inside} of them inside a checkpoint's writing",
            "same metrics and weights, store always readable",
            f"metrics {'the same' if same else 'DIFFER'}, weights "
            f"{'the same to the bit' if weights else 'DIFFER'}, store "
            f"{'was UNREADABLE' if unreadable.is_set() else 'always readable'}",
        )


def jobs(options):
    """Jobs of three other kinds, each beside one that is left alone."""
    rng = random.Random(options.seed)
    with tempfile.TemporaryDirectory() as home, workspace(home):
        store = JobStore(Path(home))
        folder = Path(home) / "structures"
        folder.mkdir()
        write_synthetic(Path(home) / "datasets" / "synthetic.parquet", 300)
        chains = read_dataset(Path(home) / "datasets" / "synthetic.parquet").chains
        for number, chain in enumerate(chains):
            (folder / f"{number}.pdb").write_text(write_pdb(chain.sequence, chain.ca))
        fasta = Path(home) / "natural.fasta"
        fasta.write_text("".join(f">{n}\n{chain.sequence}\n" for n, chain in enumerate(chains)))
        settings = BuildSettings(filters=NO_FILTERS)

        def data(job):
            return (Path(home) / "datasets" / f"{job.name}.parquet").read_bytes()

        def build(name):
            inputs = [str(folder)]
            return submit_build(store, inputs, name, settings, workers=1, overwrite=True)

        def search(name):
            return submit_homologues(store, "synthetic", fasta, name, workers=1, overwrite=True)

        def evaluation(name):
            wanted = {"dataset": "synthetic", "max_length": 100, "checkpoint": "mini"}
            return submit(store, EVALUATION, wanted, name=name)

        for start, result in ((build, data), (search, data), (evaluation, scores_of)):
            disturb(store, start, result, options.count, rng)
        store.close()


def scores_of(job):
    content = json.loads((job.folder / RESULT).read_text())
    content.pop("seconds")
    return content


def disturb(store, start, result, count, rng):
    """Kill jobs at random moments until there were enough kills, and compare what they made."""
    whole = start("whole")
    follow(store, whole, lambda now: now.state == State.FINISHED, 3600)
    seconds = store.get(whole.id).seconds_spent(time.time())
    expected, done, jobs_done, same = result(whole), 0, 0, True
    while done < count:
        job = start("parts")
        while True:
            now = follow(store, job, lambda now: now.process is not None or now.has_ended, 600)
            if done < count:
                time.sleep(rng.uniform(0, seconds))
            number = rng.choice((signal.SIGKILL, signal.SIGKILL, signal.SIGTERM))
            if done < count and now.process is not None and processes.is_running(now.process):
                os.kill(now.process.pid, number)
                done += 1
            while not (now := store.get(job.id)).has_ended:
                time.sleep(0.05)
            print(f"{now.kind} {done}: {now.step} of {now.total_steps}, {now.state}", flush=True)
            if now.state == State.FINISHED:
                break
            operations.resume(store, job.id)
        jobs_done += 1
        same = same and result(job) == expected
    row(
        f"{words_of(whole.kind)}: {done} kills at random moments of {jobs_done} jobs",
        "the same result",
        "the same" if same else "DIFFERS",
    )


def moment(store, run, rng):
    """Any time from the start to some seconds of training; now and then inside a checkpoint."""
    if rng.random() < 0.3:
        time.sleep(rng.uniform(0, 15))
        return
    first = store.get(run.id).step
    wanted = rng.randrange(1, 60)
    while not (now := store.get(run.id)).has_ended:
        writing = any(now.folder.glob(".checkpoint-*.writing"))
        if now.state == State.RUNNING and (now.step >= first + wanted or (writing and wanted < 30)):
            return
        time.sleep(0.002)


def keep_reading(home, run_id, unreadable):
    """A viewer who looks all the time."""
    with RunStore(home) as store:
        while True:
            try:
                store.get(run_id)
                store.curves(run_id, points=200)
            except Exception as error:
                print(f"unreadable: {error!r}", flush=True)
                unreadable.set()
                return
            time.sleep(0.2)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    kinds = parser.add_subparsers(required=True, metavar="CHECK")
    for name, check in (("refresh", refresh), ("logging", logging)):
        command = kinds.add_parser(name)
        command.set_defaults(check=check)
        command.add_argument("--steps", type=int, default=10**6)
    command = kinds.add_parser("viewers")
    command.set_defaults(check=viewers)
    command.add_argument("--turns", type=int, default=6)
    command.add_argument("--seconds", type=int, default=10)
    command = kinds.add_parser("kills")
    command.set_defaults(check=kills)
    command.add_argument("--count", type=int, default=50)
    command.add_argument("--steps", type=int, default=1500)
    command.add_argument("--seed", type=int, default=0)
    command = kinds.add_parser("jobs")
    command.set_defaults(check=jobs)
    command.add_argument("--count", type=int, default=15)
    command.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    options.check(options)


if __name__ == "__main__":
    main()
