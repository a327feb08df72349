"""The `distmat` command: parse, call the package, print or write; nothing is computed here."""

import argparse
import os
import sys
import traceback
from collections.abc import Sequence

from distmat import __version__
from distmat.cli.align import add_align
from distmat.cli.app import add_app
from distmat.cli.completion import add_completion
from distmat.cli.data import add_data
from distmat.cli.doctor import add_doctor
from distmat.cli.evaluate import add_evaluate
from distmat.cli.library import add_library
from distmat.cli.predict import add_predict
from distmat.cli.push import add_push
from distmat.cli.reconstruct import add_reconstruct
from distmat.cli.remedies import sentence
from distmat.cli.report import add_report
from distmat.cli.runs import add_runs
from distmat.cli.scan import add_scan
from distmat.cli.train import add_train
from distmat.cli.view import add_view
from distmat.errors import DistmatError, system_sentence

_OUR_FAULT = (
    "distmat: this is a fault of the program, not of what you gave it; please report it with the "
    "lines above."
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; returns its exit code: 0, 2 for what a person can mend, 1 for our bugs.

    It is 141, as a shell has it, where nobody reads on.
    """
    options = _parser().parse_args(arguments)
    try:
        options.run(options)
        sys.stdout.flush()
    except DistmatError as error:
        print(f"distmat: {sentence(error)}", file=sys.stderr)
        return 2
    except OSError as error:
        if isinstance(error, BrokenPipeError) and _nobody_reads():
            return 141
        print(f"distmat: {system_sentence(error)}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130
    # Nothing is hidden: the traceback is what whoever mends it needs.
    except Exception:
        traceback.print_exc()
        print(_OUR_FAULT, file=sys.stderr)
        return 1
    return 0


def _nobody_reads() -> bool:
    """Whether what is printed goes to a program that has had enough, such as ``head``."""
    try:
        print(flush=True)
    except BrokenPipeError:
        # Else Python would complain of it once more at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return True
    return False


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="distmat",
        description="Predict a protein's Cα distance map from its sequence, and the backbone "
        "that the map implies.",
    )
    # Who gives no command is shown those that there are.
    parser.set_defaults(run=lambda options: parser.print_help())
    parser.add_argument("--version", action="version", version=f"distmat {__version__}")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND")
    add_app(commands)
    add_predict(commands)
    add_scan(commands)
    add_evaluate(commands)
    add_reconstruct(commands)
    add_view(commands)
    add_train(commands)
    add_runs(commands)
    add_report(commands)
    add_data(commands)
    add_library(commands)
    add_align(commands)
    add_push(commands)
    add_doctor(commands)
    add_completion(commands, parser)
    return parser


def run() -> None:
    """Entry point of the installed command."""
    sys.exit(main())
