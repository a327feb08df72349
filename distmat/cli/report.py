"""`distmat report`: what a run did, in a document one can hand in."""

import argparse
import sys
from pathlib import Path

from distmat.errors import ConfigError


def add_report(commands) -> None:
    """The command `distmat report`."""
    command = commands.add_parser(
        "report",
        help="the status report of a run, or of all runs",
        description="Write what was measured of a run, at any moment of it: progress, curves, "
        "scores beside the separation baseline, diagnosis, checkpoints and what to do next. "
        "Without a run: all runs of the workspace, ranked.",
    )
    command.add_argument("run_id", nargs="?", metavar="RUN", help="id or name; none: all runs")
    command.add_argument("--lang", choices=("en", "zh"), default="en", help="language (en)")
    command.add_argument(
        "--format",
        choices=("md", "html", "pdf"),
        help="by default what the name of --out ends in, else md",
    )
    command.add_argument(
        "--out", type=Path, metavar="FILE", help="write it here instead of printing the Markdown"
    )
    command.add_argument(
        "--compare",
        action="append",
        default=[],
        metavar="RUN",
        help="set this run beside it; may be repeated (default: the best run of each head)",
    )
    command.add_argument(
        "--no-maps", action="store_true", help="don't predict the best and worst chains' maps"
    )
    command.set_defaults(run=_report)


def _report(options: argparse.Namespace) -> None:
    kind = _kind(options.format, options.out)
    from distmat.report.render import markdown, write_report
    from distmat.report.status import project, status
    from distmat.runs.store import RunStore

    def say(text: str) -> None:
        print(text, file=sys.stderr, flush=True)

    with RunStore() as store:
        if options.run_id is None:
            report = project(store, options.lang)
        else:
            with_maps = options.out is not None and not options.no_maps
            report = status(
                store, store.find(options.run_id), options.lang, options.compare, with_maps, say
            )
    if options.out is None:
        print(markdown(report), end="")
        return
    write_report(report, options.out, kind)
    say(f"Written to {options.out}.")


def _kind(wanted: str | None, out: Path | None) -> str:
    if out is None:
        if wanted not in (None, "md"):
            raise ConfigError(f"--format {wanted} needs --out FILE to write to.")
        return "md"
    ending = out.suffix.lower().removeprefix(".")
    if wanted is None and ending not in ("md", "html", "pdf"):
        raise ConfigError(
            f"--out is '{out}'; let its name end in .md, .html or .pdf, or say which by --format."
        )
    return wanted or ending
