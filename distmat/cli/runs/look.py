"""Commands that show runs."""

import argparse
import json
import sys
import time
from typing import TYPE_CHECKING

from distmat.cli.runs.printing import duration, number, print_json, print_table
from distmat.cli.runs.store import open_store
from distmat.errors import RunError

if TYPE_CHECKING:
    from distmat.runs.run import Run
    from distmat.runs.store import RunStore


def list_runs(options: argparse.Namespace) -> None:
    """`distmat runs list`."""
    from distmat.jobs.states import State
    from distmat.runs.run import TRAINING

    states = None
    if options.state:
        known = {state.value: state for state in State}
        for name in options.state:
            if name.upper() not in known:
                raise RunError(f"There is no state '{name}'; there are {', '.join(known)}.")
        states = [known[name.upper()] for name in options.state]
    with open_store() as store:
        kinds = None if options.all else [TRAINING]
        runs = store.jobs(states, kinds=kinds, group=options.group, text=options.search)
        if options.json:
            print_json([run.as_dict() for run in runs])
            return
        if not runs:
            print("No runs; `distmat train --preset quick-look --background` starts one.")
            return
        rows = [_row(store, run) for run in runs]
    print_table(("ID", "STATE", "STEP", "EPOCH", "LOSS", "MAE Å (baseline)", "TIME", "LEFT"), rows)


def _row(store: "RunStore", run: "Run") -> tuple[str, ...]:
    mae, baseline = (run.metrics.get(f"eval_{name}") for name in ("mae", "baseline_mae"))
    return (
        run.id,
        run.state,
        f"{run.step:,}/{run.total_steps:,}" if run.total_steps else f"{run.step:,}",
        f"{run.epoch:.2f}",
        number(run.metrics.get("loss"), "{:.4f}"),
        "-" if mae is None else f"{mae:.2f} ({number(baseline, '{:.2f}')})",
        duration(run.seconds_spent(time.time())),
        duration(store.seconds_left(run)),
    )


def show_run(options: argparse.Namespace) -> None:
    """`distmat runs show`."""
    from distmat.report.findings import advice
    from distmat.report.i18n import Wording
    from distmat.runs.diagnosis import diagnose
    from distmat.runs.operations import disk_used
    from distmat.runs.run import TRAINING

    words = Wording("en")
    with open_store() as store:
        run = store.find(options.which)
        found = diagnose(store, run) if run.kind == TRAINING else []
        if options.json:
            diagnosis = [
                {
                    "kind": f.kind,
                    "tone": f.severity,
                    "sentence": f.sentence,
                    "values": dict(f.values),
                }
                for f in found
            ]
            more = {
                "remaining_seconds": store.seconds_left(run),
                "elapsed_seconds": run.seconds_spent(time.time()),
                "disk_bytes": disk_used(run),
                "settings": dict(run.settings),
                "facts": dict(run.facts),
                "environment": dict(run.environment),
                "diagnosis": diagnosis,
            }
            print_json(run.as_dict() | more)
            return
        _print_facts(store, run, disk_used(run))
    for finding in found:
        sign = {"good": "+", "note": "·", "bad": "!"}[finding.severity]
        print(" ".join(filter(None, [f"  {sign} {finding.sentence}", advice(finding, words)])))


def _cause(run: "Run") -> str:
    from distmat.cli.remedies import WORDS
    from distmat.errors import Remedy
    from distmat.jobs.states import Cause

    changed = run.cause_kind == Cause.CHANGED_DATA
    return f"{run.cause} {WORDS[Remedy.ACCEPT_CHANGED_DATA]}" if changed else run.cause


def _print_facts(store: "RunStore", run: "Run", disk: int) -> None:
    total = f" of {run.total_steps:,}" if run.total_steps else ""
    facts = {
        "Run": f"{run.name} ({run.id})",
        "State": f"{run.state}{f': {_cause(run)}' if run.cause else ''}",
        "Process": f"{run.process.pid} on {run.host}" if run.process else "",
        "Step": f"{run.step:,}{total}, epoch {run.epoch:.2f}",
        "Time": duration(run.seconds_spent(time.time())),
        "Left": duration(store.seconds_left(run)),
        "Computes on": ", ".join(run.devices),
        "Folder": f"{run.folder} ({disk / 2**20:,.1f} MiB)",
        "Tags": ", ".join(run.tags),
        "Note": run.notes,
    }
    for name, text in facts.items():
        if text and text != "-":
            print(f"{name + ':':13}{text}")
    for name, value in sorted(run.metrics.items()):
        print(f"  {name:28}{value:.6g}")


def watch_run(options: argparse.Namespace) -> None:
    """`distmat runs watch`."""
    shown: tuple = ()
    with open_store() as store:
        run_id = store.find(options.which).id
        while True:
            run = store.get(run_id)
            seen = (run.state, run.step, json.dumps(dict(run.metrics)))
            if seen != shown:
                if options.json:
                    print(json.dumps(run.as_dict()), flush=True)
                else:
                    print(_line(store, run), flush=True)
            shown = seen
            if run.has_ended:
                return
            time.sleep(max(0.05, options.every))
            from distmat.runs.operations import reconcile

            reconcile(store)


def _line(store: "RunStore", run: "Run") -> str:
    parts = [run.state, f"step {run.step:,}" + (f"/{run.total_steps:,}" if run.total_steps else "")]
    if run.total_steps:
        parts.insert(1, _bar(run.step / run.total_steps))
    for name, form in (
        ("loss", "loss {:.4f}"),
        ("grad_norm", "gradient norm {:.2f}"),
        ("residues_per_second", "{:,.0f} residues/s"),
        ("eval_mae", "validation MAE {:.2f} Å"),
        ("eval_baseline_mae", "(separation only {:.2f} Å)"),
    ):
        if name in run.metrics:
            parts.append(form.format(run.metrics[name]))
    remaining = store.seconds_left(run)
    if remaining is not None:
        parts.append(f"{duration(remaining)} left")
    return "  ".join(parts) + (f"  {run.cause}" if run.has_ended and run.cause else "")


def _bar(share: float) -> str:
    """Twenty places, and the share in per cent."""
    share = min(1.0, share)
    done = round(20 * share)
    return f"[{'#' * done}{'.' * (20 - done)}] {share:4.0%}"


def print_log(options: argparse.Namespace) -> None:
    """`distmat runs logs`."""
    from distmat.jobs.log import tail

    with open_store() as store:
        run = store.find(options.which)
        if not run.log.exists() and not run.active and not options.follow:
            why = "hasn't begun" if run.started is None else f"has lost its folder {run.folder}"
            raise RunError(f"{run.id} {why}: there is no log.")
        size = run.log.stat().st_size if run.log.exists() else 0
        for line in tail(run.log, max(1, options.lines)):
            print(line)
        while options.follow:
            ended = store.get(run.id).has_ended
            if run.log.exists() and run.log.stat().st_size > size:
                with run.log.open("rb") as file:
                    file.seek(size)
                    content = file.read()
                size += len(content)
                sys.stdout.write(content.decode("utf-8", errors="replace"))
                sys.stdout.flush()
            if ended:
                return
            time.sleep(0.3)


def compare_runs(options: argparse.Namespace) -> None:
    """`distmat runs compare`."""
    from dataclasses import asdict

    from distmat.runs.compare import compare_settings, scores

    with open_store() as store:
        runs = [store.find(name) for name in options.which]
        found = {run.id: scores(store, run) for run in runs}
    settings = compare_settings(runs)
    if options.json:
        content = [
            run.as_dict() | {"scores": {k: asdict(v) for k, v in found[run.id].items()}}
            for run in runs
        ]
        print_json({"runs": content, "differing_settings": settings})
        return
    names = list(found[runs[0].id])
    header = ["RUN", "STATE", "STEP", *(f"{name} last/best (baseline)" for name in names)]
    rows = []
    for run in runs:
        cells = [
            f"{number(s.last)}/{number(s.best)} ({number(s.baseline)})"
            for s in found[run.id].values()
        ]
        rows.append((run.id, run.state, f"{run.step:,}", *cells))
    print_table(header, rows)
    print()
    if settings:
        lines = [(name, *map(str, values)) for name, values in settings.items()]
        print_table(["SETTING", *(run.id for run in runs)], lines)
    else:
        print("Their settings are the same.")


def change_checkpoints(options: argparse.Namespace) -> None:
    """`distmat runs checkpoints`."""
    from distmat.runs.checkpoints import delete_checkpoint, keep, list_checkpoints

    with open_store() as store:
        run = store.find(options.which)
    for name in options.keep:
        keep(run.folder, name)
    for name in options.delete:
        delete_checkpoint(run, name)
    found = list_checkpoints(run.folder)
    if options.json:
        print_json(
            [
                {
                    "name": checkpoint.name,
                    "step": checkpoint.step,
                    "bytes": checkpoint.size,
                    "complete": checkpoint.complete,
                    "kept": checkpoint.kept,
                    "scores": checkpoint.scores,
                    "files": dict(checkpoint.files),
                }
                for checkpoint in found
            ]
        )
        return
    rows = [
        (
            checkpoint.name,
            f"{checkpoint.size / 2**20:,.1f} MiB",
            "kept" if checkpoint.kept else "whole" if checkpoint.complete else "unfinished",
            number(checkpoint.scores.get("eval_mae"), "{:.2f}"),
            number(checkpoint.scores.get("eval_baseline_mae"), "{:.2f}"),
        )
        for checkpoint in found
    ]
    print_table(("CHECKPOINT", "SIZE", "", "MAE Å", "BASELINE Å"), rows)
