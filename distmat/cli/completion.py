"""`distmat completion`: what lets a shell's tab key complete commands and options."""

import argparse

from distmat.errors import DistmatError

SHELLS = ("bash", "zsh", "tcsh")


def add_completion(commands, parser: argparse.ArgumentParser) -> None:
    """The command `distmat completion`, for all that this parser knows."""
    command = commands.add_parser(
        "completion",
        help="print a script by which the tab key completes commands",
        description="For bash: distmat completion bash > "
        "~/.local/share/bash-completion/completions/distmat; for zsh: distmat completion zsh > a "
        "folder of $fpath, as _distmat.",
    )
    command.add_argument("shell", choices=SHELLS)
    command.set_defaults(run=lambda options: print(_script(parser, options.shell)))


def _script(parser: argparse.ArgumentParser, shell: str) -> str:
    try:
        import shtab
    except ImportError:
        raise DistmatError(
            "shtab, which writes the script, isn't installed; 'pip install "
            "distmat[completion]' brings it."
        ) from None
    return str(shtab.complete(parser, shell))
