"""`distmat runs`: watch, stop, resume and compare trainings in the background."""

import argparse
import json
import math
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from distmat.errors import ConfigError, RunError

if TYPE_CHECKING:
    from distmat.runs.run import Run
    from distmat.runs.store import RunStore
    from distmat.training.config import TrainingConfig


def add_runs(commands) -> None:
    """The commands `distmat runs …`."""
    command = commands.add_parser(
        "runs",
        help="watch, stop, resume and compare background runs",
        description="Trainings that `distmat train --background` or the Train page launched. A run "
        "is named by its id, the beginning of it, or its name.",
    )
    command.set_defaults(run=lambda options: command.print_help())
    kinds = command.add_subparsers(title="commands", metavar="COMMAND")

    listing = _add(kinds, "list", _list, "list runs, the newest first")
    listing.add_argument("--state", action="append", metavar="STATE", help="only those in it")
    listing.add_argument("--group", help="only those of a group, such as a sweep")
    listing.add_argument("--search", default="", metavar="WORDS", help="in name, tags and notes")

    _add(kinds, "show", _show, "all about one run, with a diagnosis").add_argument(
        "which", metavar="RUN"
    )

    watch = _add(kinds, "watch", _watch, "follow a run until it ends; Ctrl-C leaves it running")
    watch.add_argument("which", metavar="RUN")
    watch.add_argument("--every", type=float, default=1.0, metavar="SECONDS", help="(default 1)")

    logs = _add(kinds, "logs", _logs, "print the end of a run's log", with_json=False)
    logs.add_argument("which", metavar="RUN")
    logs.add_argument("-n", "--lines", type=int, default=40, help="how many (default 40)")
    logs.add_argument("-f", "--follow", action="store_true", help="and what is added, to its end")

    stop = _add(kinds, "stop", _stop, "stop runs with a checkpoint, or take them off the queue")
    stop.add_argument("which", metavar="RUN", nargs="+")
    stop.add_argument(
        "--grace", type=float, default=120.0, metavar="SECONDS", help="then kill it (default 120)"
    )
    stop.add_argument("--wait", action="store_true", help="return when they have ended")

    resume = _add(kinds, "resume", _resume, "queue an ended run to go on from its checkpoint")
    resume.add_argument("which", metavar="RUN")
    _add_settings(resume)
    resume.add_argument(
        "--accept-changed-data",
        action="store_true",
        help="even if the chains aren't those it was trained with",
    )

    duplicate = _add(kinds, "duplicate", _duplicate, "queue a new run with a run's settings")
    duplicate.add_argument("which", metavar="RUN")
    duplicate.add_argument("--name", default="", help="of the new run")
    _add_settings(duplicate)

    sweep = _add(kinds, "sweep", _sweep, "queue runs that vary some settings of a run")
    sweep.add_argument("which", metavar="RUN", help="whose settings they share")
    sweep.add_argument(
        "--vary",
        action="append",
        required=True,
        metavar="NAME=VALUE,VALUE",
        help="a setting and its values, separated by ',' or, for lists, by ';'; may be repeated",
    )
    sweep.add_argument(
        "--list", action="store_true", help="first values together, second ones; not all with all"
    )
    sweep.add_argument("--group", default="", help="name of the sweep")

    compare = _add(kinds, "compare", _compare, "scores of runs, and the settings that differ")
    compare.add_argument("which", metavar="RUN", nargs="+")

    checkpoints = _add(kinds, "checkpoints", _checkpoints, "list, keep or delete checkpoints")
    checkpoints.add_argument("which", metavar="RUN")
    checkpoints.add_argument("--keep", action="append", default=[], metavar="NAME")
    checkpoints.add_argument("--delete", action="append", default=[], metavar="NAME")

    mark = _add(kinds, "mark", _mark, "rename a run, or set its tags or note")
    mark.add_argument("which", metavar="RUN")
    mark.add_argument("--name")
    mark.add_argument("--tags", metavar="TAG,TAG", help="instead of those it has")
    mark.add_argument("--note", help="instead of the one it has")

    delete = _add(kinds, "delete", _delete, "delete runs with their metrics and checkpoints")
    delete.add_argument("which", metavar="RUN", nargs="+")
    delete.add_argument("--yes", action="store_true", help="don't ask")

    queue = _add(kinds, "queue", _queue, "show the queue, change its order, pause it")
    queue.add_argument("--pause", action="store_true", help="start nothing for now")
    queue.add_argument("--go-on", action="store_true", help="start what waits again")
    queue.add_argument(
        "--move", nargs=2, metavar=("RUN", "PLACE"), help="to a place, 1 for the front"
    )


def launch(config: "TrainingConfig", options: argparse.Namespace) -> None:
    """`distmat train --background`: queue a run, print its id, and return."""
    from distmat.runs import operations

    with _store() as store:
        _print_run(operations.launch(store, config), options)


def _add(kinds, name: str, run, text: str, with_json: bool = True) -> argparse.ArgumentParser:
    command = kinds.add_parser(name, help=text, description=f"{text[0].upper()}{text[1:]}.")
    if with_json:
        command.add_argument("--json", action="store_true", help="print JSON")
    command.set_defaults(run=run)
    return command


def _add_settings(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--set", action="append", default=[], metavar="NAME=VALUE", help="change one setting"
    )
    command.add_argument("--now", action="store_true", help="start it beside others, at once")


@contextmanager
def _store() -> "Iterator[RunStore]":
    from distmat.runs.operations import reconcile
    from distmat.runs.store import RunStore

    with RunStore() as store:
        reconcile(store)
        yield store


def _list(options: argparse.Namespace) -> None:
    from distmat.jobs.states import State

    states = None
    if options.state:
        known = {state.value: state for state in State}
        for name in options.state:
            if name.upper() not in known:
                raise RunError(f"There is no state '{name}'; there are {', '.join(known)}.")
        states = [known[name.upper()] for name in options.state]
    with _store() as store:
        runs = store.runs(states, group=options.group, text=options.search)
        if options.json:
            _print_json([run.as_dict() for run in runs])
            return
        if not runs:
            print("No runs; `distmat train --preset quick-look --background` starts one.")
            return
        rows = [_row(store, run) for run in runs]
    _print_table(("ID", "STATE", "STEP", "EPOCH", "LOSS", "MAE Å (baseline)", "TIME", "LEFT"), rows)


def _row(store: "RunStore", run: "Run") -> tuple[str, ...]:
    mae, baseline = (run.metrics.get(f"eval_{name}") for name in ("mae", "baseline_mae"))
    return (
        run.id,
        run.state,
        f"{run.step:,}/{run.total_steps:,}" if run.total_steps else f"{run.step:,}",
        f"{run.epoch:.2f}",
        _number(run.metrics.get("loss"), "{:.4f}"),
        "-" if mae is None else f"{mae:.2f} ({_number(baseline, '{:.2f}')})",
        _duration(run.elapsed(time.time())),
        _duration(store.remaining(run)),
    )


def _show(options: argparse.Namespace) -> None:
    from distmat.runs.diagnosis import diagnose
    from distmat.runs.operations import disk_used

    with _store() as store:
        run = store.find(options.which)
        found = diagnose(store, run)
        if options.json:
            diagnosis = [
                {"kind": f.kind, "tone": f.tone, "sentence": f.sentence, "values": dict(f.values)}
                for f in found
            ]
            more = {
                "remaining_seconds": store.remaining(run),
                "elapsed_seconds": run.elapsed(time.time()),
                "disk_bytes": disk_used(run),
                "settings": dict(run.settings),
                "facts": dict(run.facts),
                "environment": dict(run.environment),
                "diagnosis": diagnosis,
            }
            _print_json(run.as_dict() | more)
            return
        _print_facts(store, run, disk_used(run))
    for finding in found:
        print(f"  {({'good': '+', 'note': '·', 'bad': '!'})[finding.tone]} {finding.sentence}")


def _print_facts(store: "RunStore", run: "Run", disk: int) -> None:
    total = f" of {run.total_steps:,}" if run.total_steps else ""
    facts = {
        "Run": f"{run.name} ({run.id})",
        "State": f"{run.state}{f': {run.cause}' if run.cause else ''}",
        "Process": f"{run.process.pid} on {run.host}" if run.process else "",
        "Step": f"{run.step:,}{total}, epoch {run.epoch:.2f}",
        "Time": _duration(run.elapsed(time.time())),
        "Left": _duration(store.remaining(run)),
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


def _watch(options: argparse.Namespace) -> None:
    shown: tuple = ()
    with _store() as store:
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
    for name, form in (
        ("loss", "loss {:.4f}"),
        ("grad_norm", "gradient norm {:.2f}"),
        ("residues_per_second", "{:,.0f} residues/s"),
        ("eval_mae", "validation MAE {:.2f} Å"),
        ("eval_baseline_mae", "(separation only {:.2f} Å)"),
    ):
        if name in run.metrics:
            parts.append(form.format(run.metrics[name]))
    remaining = store.remaining(run)
    if remaining is not None:
        parts.append(f"{_duration(remaining)} left")
    return "  ".join(parts) + (f"  {run.cause}" if run.has_ended and run.cause else "")


def _logs(options: argparse.Namespace) -> None:
    from distmat.jobs.log import tail

    with _store() as store:
        run = store.find(options.which)
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


def _stop(options: argparse.Namespace) -> None:
    from distmat.runs import operations

    with _store() as store:
        runs = [store.find(name) for name in options.which]
        for run in runs:
            operations.stop(store, run.id, options.grace)
        while options.wait and any(not store.get(run.id).has_ended for run in runs):
            time.sleep(0.2)
            operations.reconcile(store)
        _print_runs([store.get(run.id) for run in runs], options)


def _resume(options: argparse.Namespace) -> None:
    from distmat.runs import operations

    with _store() as store:
        run = operations.resume(
            store,
            store.find(options.which).id,
            _settings(options.set),
            accept_changed_data=options.accept_changed_data,
            immediate=options.now,
        )
        _print_run(run, options)


def _duplicate(options: argparse.Namespace) -> None:
    from distmat.runs import operations

    with _store() as store:
        run = operations.duplicate(
            store,
            store.find(options.which).id,
            _settings(options.set),
            name=options.name,
            immediate=options.now,
        )
        _print_run(run, options)


def _sweep(options: argparse.Namespace) -> None:
    from pathlib import Path

    from distmat.runs import operations

    values = {}
    for name, text in _settings(options.vary).items():
        values[name] = text.split(";" if ";" in text else ",")
    with _store() as store:
        run = store.find(options.which)
        configs = operations.sweep(run.config, values, "list" if options.list else "grid")
        group = options.group or f"{run.name} sweep"
        runs = operations.launch_sweep(store, configs, group, directory=Path(run.directory))
        _print_runs(runs, options)


def _compare(options: argparse.Namespace) -> None:
    from dataclasses import asdict

    from distmat.runs.compare import differing_settings, scores

    with _store() as store:
        runs = [store.find(name) for name in options.which]
        found = {run.id: scores(store, run) for run in runs}
    settings = differing_settings(runs)
    if options.json:
        content = [
            run.as_dict() | {"scores": {k: asdict(v) for k, v in found[run.id].items()}}
            for run in runs
        ]
        _print_json({"runs": content, "differing_settings": settings})
        return
    names = list(found[runs[0].id])
    header = ["RUN", "STATE", "STEP", *(f"{name} last/best (baseline)" for name in names)]
    rows = []
    for run in runs:
        cells = [
            f"{_number(s.last)}/{_number(s.best)} ({_number(s.baseline)})"
            for s in found[run.id].values()
        ]
        rows.append((run.id, run.state, f"{run.step:,}", *cells))
    _print_table(header, rows)
    print()
    if settings:
        lines = [(name, *map(str, values)) for name, values in settings.items()]
        _print_table(["SETTING", *(run.id for run in runs)], lines)
    else:
        print("Their settings are the same.")


def _checkpoints(options: argparse.Namespace) -> None:
    from distmat.runs.checkpoints import delete_checkpoint, keep, list_checkpoints

    with _store() as store:
        run = store.find(options.which)
    for name in options.keep:
        keep(run.folder, name)
    for name in options.delete:
        delete_checkpoint(run, name)
    found = list_checkpoints(run.folder)
    if options.json:
        _print_json(
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
            _number(checkpoint.scores.get("eval_mae"), "{:.2f}"),
            _number(checkpoint.scores.get("eval_baseline_mae"), "{:.2f}"),
        )
        for checkpoint in found
    ]
    _print_table(("CHECKPOINT", "SIZE", "", "MAE Å", "BASELINE Å"), rows)


def _mark(options: argparse.Namespace) -> None:
    with _store() as store:
        run = store.find(options.which)
        if options.name is not None:
            store.rename(run.id, options.name)
        if options.tags is not None:
            store.tag(run.id, options.tags.split(","))
        if options.note is not None:
            store.note(run.id, options.note)
        _print_run(store.get(run.id), options)


def _delete(options: argparse.Namespace) -> None:
    from distmat.runs import operations

    with _store() as store:
        runs = [store.find(name) for name in options.which]
        if not options.yes:
            print(
                f"Delete {', '.join(run.id for run in runs)} with all checkpoints? [y/N] ", end=""
            )
            if input().strip().lower() not in ("y", "yes"):
                return
        for run in runs:
            operations.delete(store, run.id)
    if options.json:
        _print_json([run.id for run in runs])


def _queue(options: argparse.Namespace) -> None:
    from distmat.jobs.scheduler import is_scheduling
    from distmat.runs import operations

    with _store() as store:
        if options.pause or options.go_on:
            operations.pause(store, options.pause)
        if options.move:
            name, place = options.move
            if not place.isdigit() or int(place) < 1:
                raise RunError(f"The place is '{place}'; give 1 for the front, 2 for the next.")
            operations.reorder(store, store.find(name).id, int(place) - 1)
        active, waiting = store.active(), store.queued()
        if options.json:
            _print_json(
                {
                    "paused": store.paused,
                    "scheduler": is_scheduling(store.home),
                    "active": [run.as_dict() for run in active],
                    "queued": [run.as_dict() for run in waiting],
                }
            )
            return
        paused = store.paused
    if paused:
        print("The queue is paused; `distmat runs queue --go-on` lets it go on.")
    rows = [("-", run.id, run.state, ", ".join(run.devices)) for run in active]
    rows += [(str(place), run.id, run.state, "") for place, run in enumerate(waiting, 1)]
    if rows:
        _print_table(("PLACE", "ID", "STATE", "DEVICE"), rows)
    else:
        print("Nothing runs and nothing waits.")


def _settings(texts: Sequence[str]) -> dict[str, str]:
    settings = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not equals:
            raise ConfigError(f"'{text}' is no setting; write NAME=VALUE, such as seed=1.")
        settings[name.strip()] = value.strip()
    return settings


def _print_run(run: "Run", options: argparse.Namespace) -> None:
    if options.json:
        _print_json(run.as_dict())
    else:
        print(run.id)


def _print_runs(runs: "Sequence[Run]", options: argparse.Namespace) -> None:
    if options.json:
        _print_json([run.as_dict() for run in runs])
        return
    for run in runs:
        print(f"{run.id}  {run.state}")


def _print_json(content: Any) -> None:
    print(json.dumps(_finite(content), indent=2, ensure_ascii=False))


def _finite(content: Any) -> Any:
    """NaN and infinity as null: JSON has neither."""
    if isinstance(content, float):
        return content if math.isfinite(content) else None
    if isinstance(content, dict):
        return {name: _finite(value) for name, value in content.items()}
    return [_finite(value) for value in content] if isinstance(content, (list, tuple)) else content


def _print_table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    widths = [max(map(len, column)) for column in zip(header, *rows, strict=True)]
    for row in (header, *rows):
        print(
            "  ".join(f"{cell:{width}}" for cell, width in zip(row, widths, strict=True)).rstrip()
        )


def _number(value: float | None, form: str = "{:.3f}") -> str:
    return "-" if value is None else form.format(value)


def _duration(seconds: float | None) -> str:
    if seconds is None:
        return "-"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours >= 48:
        return f"{hours // 24} d {hours % 24} h"
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
