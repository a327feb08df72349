"""`distmat runs`: watch, stop, resume and compare trainings in the background."""

import argparse

from distmat.cli.runs.act import (
    delete_runs,
    duplicate_run,
    launch,
    mark_run,
    rebuild_store,
    resume_run,
    show_queue,
    stop_runs,
    sweep_run,
)
from distmat.cli.runs.look import (
    change_checkpoints,
    compare_runs,
    list_runs,
    print_log,
    show_run,
    watch_run,
)

__all__ = ["add_runs", "launch"]


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

    listing = _add(kinds, "list", list_runs, "list runs, the newest first")
    listing.add_argument("--state", action="append", metavar="STATE", help="only those in it")
    listing.add_argument(
        "--all", action="store_true", help="jobs of every kind, such as dataset builds, too"
    )
    listing.add_argument("--group", help="only those of a group, such as a sweep")
    listing.add_argument("--search", default="", metavar="WORDS", help="in name, tags and notes")

    _add(kinds, "show", show_run, "all about one run, with a diagnosis").add_argument(
        "which", metavar="RUN"
    )

    watch = _add(kinds, "watch", watch_run, "follow a run until it ends; Ctrl-C leaves it running")
    watch.add_argument("which", metavar="RUN")
    watch.add_argument("--every", type=float, default=1.0, metavar="SECONDS", help="(default 1)")

    logs = _add(kinds, "logs", print_log, "print the end of a run's log", with_json=False)
    logs.add_argument("which", metavar="RUN")
    logs.add_argument("-n", "--lines", type=int, default=40, help="how many (default 40)")
    logs.add_argument("-f", "--follow", action="store_true", help="and what is added, to its end")

    stop = _add(kinds, "stop", stop_runs, "stop runs with a checkpoint, or take them off the queue")
    stop.add_argument("which", metavar="RUN", nargs="+")
    stop.add_argument(
        "--grace", type=float, default=120.0, metavar="SECONDS", help="then kill it (default 120)"
    )
    stop.add_argument("--wait", action="store_true", help="return when they have ended")

    resume = _add(kinds, "resume", resume_run, "queue an ended run to go on from its checkpoint")
    resume.add_argument("which", metavar="RUN")
    _add_settings(resume)
    resume.add_argument(
        "--accept-changed-data",
        action="store_true",
        help="even if the chains aren't those it was trained with",
    )

    duplicate = _add(kinds, "duplicate", duplicate_run, "queue a new run with a run's settings")
    duplicate.add_argument("which", metavar="RUN")
    duplicate.add_argument("--name", default="", help="of the new run")
    _add_settings(duplicate)

    sweep = _add(kinds, "sweep", sweep_run, "queue runs that vary some settings of a run")
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

    compare = _add(kinds, "compare", compare_runs, "scores of runs, and the settings that differ")
    compare.add_argument("which", metavar="RUN", nargs="+")

    checkpoints = _add(kinds, "checkpoints", change_checkpoints, "list, keep or delete checkpoints")
    checkpoints.add_argument("which", metavar="RUN")
    checkpoints.add_argument("--keep", action="append", default=[], metavar="NAME")
    checkpoints.add_argument("--delete", action="append", default=[], metavar="NAME")

    mark = _add(kinds, "mark", mark_run, "rename a run, or set its tags or note")
    mark.add_argument("which", metavar="RUN")
    mark.add_argument("--name")
    mark.add_argument("--tags", metavar="TAG,TAG", help="instead of those it has")
    mark.add_argument("--note", help="instead of the one it has")

    delete = _add(kinds, "delete", delete_runs, "delete runs with their metrics and checkpoints")
    delete.add_argument("which", metavar="RUN", nargs="+")
    delete.add_argument("--yes", action="store_true", help="don't ask")

    _add(kinds, "rebuild", rebuild_store, "make a lost list of jobs anew from their folders")

    queue = _add(kinds, "queue", show_queue, "show the queue, change its order, pause it")
    queue.add_argument("--pause", action="store_true", help="start nothing for now")
    queue.add_argument("--go-on", action="store_true", help="start what waits again")
    queue.add_argument(
        "--move", nargs=2, metavar=("RUN", "PLACE"), help="to a place, 1 for the front"
    )


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
