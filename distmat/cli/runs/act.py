"""Commands that change runs."""

import argparse
import time
from typing import TYPE_CHECKING, Any

from distmat.cli.runs.printing import print_json, print_run, print_runs, print_table
from distmat.cli.runs.store import open_store, read_settings
from distmat.errors import RunError

if TYPE_CHECKING:
    from distmat.training.config import TrainingConfig


def launch(config: "TrainingConfig", options: argparse.Namespace, wanted: dict[str, Any]) -> None:
    """`distmat train --background`: queue a run, print its id, and return."""
    from distmat.runs import operations

    with open_store() as store:
        print_run(operations.launch(store, config, **wanted), options)


def stop_runs(options: argparse.Namespace) -> None:
    """`distmat runs stop`."""
    from distmat.runs import operations

    with open_store() as store:
        runs = [store.find(name) for name in options.which]
        for run in runs:
            operations.stop(store, run.id, options.grace)
        while options.wait and any(not store.get(run.id).has_ended for run in runs):
            time.sleep(0.2)
            operations.reconcile(store)
        print_runs([store.get(run.id) for run in runs], options)


def resume_run(options: argparse.Namespace) -> None:
    """`distmat runs resume`."""
    from distmat.runs import operations

    with open_store() as store:
        run = operations.resume(
            store,
            store.find(options.which).id,
            read_settings(options.set),
            accept_changed_data=options.accept_changed_data,
            immediate=options.now,
        )
        print_run(run, options)


def duplicate_run(options: argparse.Namespace) -> None:
    """`distmat runs duplicate`."""
    from distmat.runs import operations

    with open_store() as store:
        run = operations.duplicate(
            store,
            store.find(options.which).id,
            read_settings(options.set),
            name=options.name,
            immediate=options.now,
        )
        print_run(run, options)


def sweep_run(options: argparse.Namespace) -> None:
    """`distmat runs sweep`."""
    from pathlib import Path

    from distmat.runs import operations

    values = {}
    for name, text in read_settings(options.vary).items():
        values[name] = operations.sweep_values(text)
    with open_store() as store:
        run = store.find(options.which)
        configs = operations.sweep(run.config, values, "list" if options.list else "grid")
        group = options.group or f"{run.name} sweep"
        runs = operations.launch_sweep(store, configs, group, directory=Path(run.directory))
        print_runs(runs, options)


def mark_run(options: argparse.Namespace) -> None:
    """`distmat runs mark`."""
    with open_store() as store:
        run = store.find(options.which)
        if options.name is not None:
            store.rename(run.id, options.name)
        if options.tags is not None:
            store.tag(run.id, options.tags.split(","))
        if options.note is not None:
            store.note(run.id, options.note)
        print_run(store.get(run.id), options)


def delete_runs(options: argparse.Namespace) -> None:
    """`distmat runs delete`."""
    from distmat.runs import operations

    with open_store() as store:
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
        print_json([run.id for run in runs])


def show_queue(options: argparse.Namespace) -> None:
    """`distmat runs queue`."""
    from distmat.jobs.scheduler import is_scheduling
    from distmat.runs import operations

    with open_store() as store:
        if options.pause or options.go_on:
            operations.pause(store, options.pause)
        if options.move:
            name, place = options.move
            if not place.isdigit() or int(place) < 1:
                raise RunError(f"The place is '{place}'; give 1 for the front, 2 for the next.")
            operations.reorder(store, store.find(name).id, int(place) - 1)
        active, waiting = store.list_active(), store.list_queued()
        if options.json:
            print_json(
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
        print_table(("PLACE", "ID", "STATE", "DEVICE"), rows)
    else:
        print("Nothing runs and nothing waits.")


def rebuild_store(options: argparse.Namespace) -> None:
    """`distmat runs rebuild`."""
    from distmat.jobs.rebuild import rebuild

    done = rebuild()
    if options.json:
        print_json(
            {
                "found": done.found,
                "unknown": [str(folder) for folder in done.unknown],
                "old": done.old and str(done.old),
            }
        )
        return
    print(f"{len(done.found)} jobs are back: {', '.join(done.found) or 'none'}.")
    if done.unknown:
        names = ", ".join(str(folder) for folder in done.unknown)
        print(f"These folders don't say what job was theirs, and stay as they are: {names}.")
    if done.old:
        print(f"What was left of the old store is in {done.old}.")
