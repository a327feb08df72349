"""`distmat scan`: what each exchange of a residue does to the predicted map."""

import argparse
from pathlib import Path

from distmat.cli.background import add_background_options, job_options, print_jobs
from distmat.cli.progress import counter
from distmat.errors import ConfigError, SequenceError
from distmat.protein.sequence import ALPHABET
from distmat.workspace import AUTO, checkpoint_for, checkpoint_identity

_SHOWN = 10
"""Positions that are printed, the most sensitive."""


def add_scan(commands) -> None:
    """The command `distmat scan`."""
    command = commands.add_parser(
        "scan",
        help="a mutational scan: how far each exchange of a residue moves the map",
        description="Predict all single mutants of a sequence from the sequence alone, and write "
        "a table of them and a heat map of positions and residues: the mean absolute change of "
        "the predicted distances in Å. It tells what the model hears, not how stable a mutant is.",
    )
    command.add_argument("sequence", metavar="SEQ|FILE", help="a sequence, or a file with one")
    command.add_argument(
        "--mutations",
        default="all",
        metavar="KIND",
        help="alanine, or all for each of the 19 others (default: all)",
    )
    command.add_argument(
        "--checkpoint",
        default=AUTO,
        help=f"name or folder; {AUTO}: of those that ship, the one made for chains as long as this "
        f"(default: {AUTO})",
    )
    command.add_argument("--out", type=Path, metavar="DIR", help="where the tables go")
    add_background_options(command)
    command.set_defaults(run=_scan)


def _scan(options: argparse.Namespace) -> None:
    from distmat.batch import scan as scans
    from distmat.jobs.store import JobStore

    wanted = job_options(options)
    name, sequence = _query(options.sequence)
    if options.background:
        with JobStore() as store:
            job = scans.submit_scan(
                store,
                sequence,
                mutations=options.mutations,
                checkpoint=options.checkpoint,
                folder=options.out,
                name=f"{name}, {options.mutations}",
                **wanted,
            )
        print_jobs([job], f"its table will be in {job.settings['folder']}.")
        return
    if options.out is None:
        raise ConfigError("Say where the tables go: give --out DIR.")
    from distmat.model.predictor import load

    checkpoint = checkpoint_for(options.checkpoint, len(sequence))
    predictor = load(checkpoint)
    with counter(1, "Predicting mutants") as bar:

        def progress(done: int, total: int, text: str) -> None:
            bar.total = total
            bar.update(done - bar.n)

        basis = checkpoint_identity(checkpoint)
        changes = scans.scan(predictor, sequence, options.mutations, options.out, progress, basis)
    _print_most(sequence, changes)
    print(
        f"Predicted by {checkpoint}, and written to {options.out / scans.TABLE} and "
        f"{options.out / scans.HEATMAP}."
    )


def _query(text: str) -> tuple[str, str]:
    from distmat.cli.predict import read_one

    queries = read_one(text)
    if len(queries) != 1:
        raise SequenceError(f"There are {len(queries):,} chains in it; give one to scan.")
    return queries[0].name, queries[0].sequence


def _print_most(sequence: str, changes) -> None:
    import numpy as np

    means = np.nanmean(changes, axis=1)
    print("The most sensitive positions: mean change over the mutants, and the one that moves most")
    for place in np.argsort(-means, kind="stable")[:_SHOWN]:
        most = int(np.nanargmax(changes[place]))
        print(
            f"  {sequence[place]}{place + 1:<6}{means[place]:>8.3f} Å   "
            f"{ALPHABET[most]} {changes[place, most]:.3f} Å"
        )
