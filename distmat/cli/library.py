"""`distmat library`: collections of known structures that templates are looked up in."""

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING

from distmat.errors import DatasetError

if TYPE_CHECKING:
    from distmat.library.search import Exclusion
    from distmat.library.store import Library


def add_library(commands) -> None:
    """The command `distmat library` with its own commands."""
    command = commands.add_parser(
        "library",
        help="build and list libraries of known structures, for templates",
        description="A library holds known chains with profiles of their relatives: a "
        "prediction looks its query up there and uses what it finds as templates.",
    )
    actions = command.add_subparsers(title="commands", metavar="COMMAND", required=True)
    _add_build(actions)
    listing = actions.add_parser("list", help="the libraries there are")
    listing.add_argument("--json", action="store_true", help="print as JSON")
    listing.set_defaults(run=_list)


def add_library_options(command: argparse.ArgumentParser, default: str | None = None) -> None:
    """Which library a prediction uses, and what of it; by default the checkpoint's own."""
    group = command.add_argument_group("templates")
    said = "the checkpoint's own library, if it has one" if default is None else default
    group.add_argument(
        "--library",
        metavar="NAME|none",
        default=default,
        help="where known structures of relatives are looked up: a name or file, or a checkpoint "
        f"that has one; 'none' predicts from the sequence alone (default: {said})",
    )
    group.add_argument(
        "--exclude-entry", action="append", default=[], metavar="ID", help="not this PDB entry"
    )
    group.add_argument(
        "--exclude-identity",
        type=float,
        metavar="SHARE",
        default=2.0,
        help="no template whose aligned residues are as identical as this, such as 0.3",
    )
    group.add_argument(
        "--exclude-from",
        metavar="DATE",
        default="",
        help="no structure published on this day or later, such as 2021-05-26",
    )


def chosen_library(options: argparse.Namespace) -> "tuple[Library | None, Exclusion]":
    """What the options of `add_library_options` say."""
    from distmat.library.search import Exclusion
    from distmat.library.store import open_library

    exclude = Exclusion(
        frozenset(options.exclude_entry), options.exclude_identity, options.exclude_from
    )
    return open_library(options.library, options.checkpoint), exclude


def _add_build(actions) -> None:
    command = actions.add_parser(
        "build",
        help="a library of the chains of some datasets",
        description="Write a library of the chains of some datasets, with a profile of each "
        "made from natural sequences by MMseqs2.",
    )
    command.add_argument("datasets", nargs="+", metavar="DATASET", help="name or Parquet file")
    command.add_argument("-o", "--out", required=True, metavar="NAME", help="what to call it")
    command.add_argument(
        "--profiles",
        type=Path,
        metavar="SEQUENCES",
        help="natural sequences for the profiles: FASTA, or Parquet with a column 'sequence'; "
        "without it only near relatives are found",
    )
    command.add_argument(
        "--exclude",
        action="append",
        default=[],
        metavar="DATASET",
        help="take no relative of this dataset's chains; may be given several times",
    )
    command.add_argument("--workers", type=int, default=2, metavar="N", help="processes")
    command.add_argument("--overwrite", action="store_true", help="replace one of that name")
    command.set_defaults(run=_build)


def _build(options: argparse.Namespace) -> None:
    from distmat.library.build import build_library
    from distmat.workspace import dataset_path, new_library_path

    output = new_library_path(options.out)
    if output.exists() and not options.overwrite:
        raise DatasetError(
            f"There is a library '{options.out}' already; choose another name, or --overwrite."
        )
    built = build_library(
        [dataset_path(name) for name in options.datasets],
        output,
        options.profiles,
        [dataset_path(name) for name in options.exclude],
        options.workers,
        lambda text: print(text, flush=True),
    )
    print(
        f"{output}: {built.chains:,} chains, {built.with_profile:,} of them with a profile; "
        f"{built.excluded:,} relatives of excluded chains were left out."
    )


def _list(options: argparse.Namespace) -> None:
    from distmat.library.store import Library
    from distmat.workspace import library_of, library_path, list_checkpoints, list_libraries

    paths = {name: library_path(name) for name in list_libraries()}
    own = {name: library_of(name) for name in list_checkpoints()}
    paths |= {name: path for name, path in own.items() if path is not None}
    rows = [{"name": name, "chains": len(Library(path))} for name, path in paths.items()]
    if options.json:
        print(json.dumps(rows, indent=2))
    elif not rows:
        print("There is no library yet; 'distmat library build' makes one.")
    else:
        print("\n".join(f"{row['name']:24}{row['chains']:>8,} chains" for row in rows))
