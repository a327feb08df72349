"""`distmat data`: datasets built, listed, shown, split, made out of nothing and deleted."""

import argparse
import json
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from distmat.cli.background import add_background_options, job_options, print_jobs
from distmat.dataset.filters import Filters
from distmat.errors import DatasetError
from distmat.settings import describe

if TYPE_CHECKING:
    from distmat.dataset.build import BuildSettings, State


def add_data(commands) -> None:
    """The command `distmat data` with its own commands."""
    command = commands.add_parser(
        "data",
        help="build, list, show, split and delete datasets",
        description="Datasets of protein chains: one Parquet file each, with a card.",
    )
    command.set_defaults(run=lambda options: command.print_help())
    actions = command.add_subparsers(title="commands", metavar="COMMAND")
    _add_build(actions)
    _add_list(actions)
    _add_show(actions)
    _add_split(actions)
    _add_homologues(actions)
    _add_synthetic(actions)
    _add_delete(actions)


def _add_build(actions) -> None:
    command = actions.add_parser(
        "build",
        help="a dataset from structure files, archives or PDB ids",
        description="Read structures, filter and cluster their chains, split them so that no "
        "relative of a val or test chain is in train, and write one Parquet file with its card "
        "and the list of all that was left out. An interrupted build goes on where it was.",
    )
    command.add_argument(
        "inputs",
        nargs="*",
        metavar="INPUT",
        help="folder, glob, structure file, ZIP or tar archive, list of PDB ids (1abc, 1abc_A), "
        "JSON of the published pipeline, Parquet dataset, or a PDB id",
    )
    command.add_argument(
        "--preset", metavar="NAME", help="rebuild a known set by id: mini, benchmark or foldbench"
    )
    command.add_argument("-o", "--out", metavar="NAME", help="what to call it (a preset: its name)")
    _add_split_options(command)
    filters = command.add_argument_group("filters")
    for name, one in describe(Filters).items():
        limits = f"; {one.range}" if one.range else ""
        words = f"{one.help.rstrip('.')} (default: {one.show(one.default)}{limits})"
        option = f"--{name.replace('_', '-')}"
        filters.add_argument(option, metavar="VALUE", help=words.replace("%", "%%"))
    command.add_argument("--keep-duplicates", action="store_true", help="keep equal sequences")
    command.add_argument("--server", metavar="URL", help="where PDB entries are downloaded from")
    add_background_options(command)
    command.set_defaults(run=_build)


def _add_split_options(command: argparse.ArgumentParser) -> None:
    for split, share in (("train", 0.8), ("val", 0.1), ("test", 0.1)):
        words = f"share of the {split} split (default: {share})"
        command.add_argument(f"--{split}", type=float, metavar="SHARE", default=share, help=words)
    command.add_argument("--seed", type=int, default=0, metavar="N", help="of the split")
    command.add_argument(
        "--identity",
        type=float,
        default=0.3,
        metavar="SHARE",
        help="identical residues from which two chains are relatives (default: 0.3)",
    )
    command.add_argument(
        "--coverage",
        type=float,
        default=0.8,
        metavar="SHARE",
        help="of both chains, within a cluster (default: 0.8)",
    )
    command.add_argument(
        "--exclude",
        action="append",
        default=[],
        metavar="DATASET",
        help="leave out all relatives of this dataset's chains; may be given several times",
    )
    _add_work_options(command)


def _add_work_options(command: argparse.ArgumentParser) -> None:
    command.add_argument("--workers", type=int, default=2, metavar="N", help="processes")
    command.add_argument("--overwrite", action="store_true", help="replace a dataset of that name")
    command.add_argument(
        "--progress", type=Path, metavar="FILE.json", help="write how far it is, for programs"
    )


def _add_list(actions) -> None:
    command = actions.add_parser("list", help="the datasets of the workspace")
    command.add_argument("--json", action="store_true", help="print as JSON")
    command.set_defaults(run=_list)


def _add_show(actions) -> None:
    command = actions.add_parser("show", help="a dataset's card")
    command.add_argument("dataset", help="Parquet file, or a dataset's name in the workspace")
    command.add_argument("--json", action="store_true", help="print as JSON")
    command.set_defaults(run=_show)


def _add_split(actions) -> None:
    command = actions.add_parser(
        "split",
        help="a dataset again, clustered and split anew",
        description="Cluster and split the chains of a dataset anew, and write them as another.",
    )
    command.add_argument("dataset", help="Parquet file, or a dataset's name in the workspace")
    command.add_argument("-o", "--out", metavar="NAME", required=True, help="what to call it")
    _add_split_options(command)
    command.set_defaults(run=_split)


def _add_homologues(actions) -> None:
    command = actions.add_parser(
        "homologues",
        help="a dataset again, with natural relatives of its training chains",
        description="Search a file of sequences for relatives of the training chains, and write "
        "the dataset again with them: a training then shows a chain now and then with the "
        "sequence of one. No relative of a val or test chain is taken.",
    )
    command.add_argument("dataset", help="Parquet file, or a dataset's name in the workspace")
    command.add_argument("sequences", type=Path, help="FASTA, or Parquet with a column 'sequence'")
    command.add_argument("-o", "--out", metavar="NAME", required=True, help="what to call it")
    command.add_argument(
        "--exclude",
        action="append",
        default=[],
        metavar="DATASET",
        help="take no relatives of this dataset's chains either; may be given several times",
    )
    command.add_argument(
        "--most", type=int, default=10, metavar="N", help="of each chain (default: 10)"
    )
    command.add_argument("--seed", type=int, default=0, metavar="N", help="of the choice")
    _add_work_options(command)
    command.set_defaults(run=_homologues)


def _add_synthetic(actions) -> None:
    command = actions.add_parser(
        "synthetic",
        help="a dataset out of nothing",
        description="Self-avoiding chains of helices, strands and loops with sequences to match: "
        "something to try a training on without data or a network.",
    )
    command.add_argument("--chains", type=int, metavar="N", help="(default: 400)")
    command.add_argument("--seed", type=int, default=0, metavar="N")
    command.set_defaults(run=_synthetic)


def _add_delete(actions) -> None:
    command = actions.add_parser("delete", help="delete a dataset of the workspace")
    command.add_argument("dataset", help="its name")
    command.add_argument("--yes", action="store_true", help="without asking")
    command.set_defaults(run=_delete)


def _build(options: argparse.Namespace) -> None:
    from dataclasses import replace

    from distmat.dataset.presets import preset

    given = {name: getattr(options, name) for name in describe(Filters)}
    changed = {name: value for name, value in given.items() if value is not None}
    if options.preset:
        if options.inputs or changed:
            raise DatasetError("A preset says what goes in; give no INPUT and no filters with it.")
        known = preset(options.preset)
        settings = replace(known.settings, exclude=tuple(options.exclude), seed=options.seed)
        _run(options, list(known.inputs), options.out or options.preset, settings)
        return
    if not options.inputs:
        raise DatasetError("Give what to build from: a folder, files, PDB ids, or --preset mini.")
    if not options.out:
        raise DatasetError("Give the dataset a name with -o NAME.")
    settings = replace(
        _settings(options),
        filters=Filters().with_settings(changed),
        deduplicate=not options.keep_duplicates,
    )
    _run(options, options.inputs, options.out, settings)


def _split(options: argparse.Namespace) -> None:
    from dataclasses import replace

    from distmat.dataset.filters import NO_FILTERS
    from distmat.workspace import dataset_path

    path = dataset_path(options.dataset)
    settings = replace(_settings(options), filters=NO_FILTERS, deduplicate=False)
    _run(options, [str(path)], options.out, settings)


def _settings(options: argparse.Namespace) -> "BuildSettings":
    from distmat.dataset.build import BuildSettings
    from distmat.dataset.splitting import Shares

    return BuildSettings(
        shares=Shares(options.train, options.val, options.test),
        seed=options.seed,
        identity=options.identity,
        coverage=options.coverage,
        exclude=tuple(options.exclude),
    )


def _run(
    options: argparse.Namespace, inputs: list[str], name: str, settings: "BuildSettings"
) -> None:
    from distmat.dataset.build import build
    from distmat.dataset.card.files import read_card
    from distmat.dataset.card.words import break_sentences
    from distmat.dataset.download import SERVER

    server = getattr(options, "server", None) or SERVER
    wanted = job_options(options) if hasattr(options, "background") else {}
    if wanted:
        _submit(options, inputs, name, settings, server, wanted)
        return
    path = _watch(
        options,
        lambda report: build(
            inputs, name, settings, options.workers, options.overwrite, server, progress=report
        ),
    )
    card = read_card(path)
    for sentence in break_sentences(card):
        print(sentence, file=sys.stderr)
    sizes = ", ".join(f"{part['chains']:,} {split}" for split, part in card["splits"].items())
    left_out = card["rejects"]["chains"]
    print(f"{path}: {card['chains']:,} chains ({sizes}); {left_out:,} left out, each with its")
    print(f"reason in {path.stem}.rejects.csv. 'distmat data show {path.stem}' tells the rest.")


def _submit(
    options: argparse.Namespace,
    inputs: list[str],
    name: str,
    settings: "BuildSettings",
    server: str,
    wanted: dict[str, Any],
) -> None:
    from distmat.dataset.jobs import submit_build
    from distmat.jobs.store import JobStore
    from distmat.workspace import workspace

    if options.progress:
        raise DatasetError("--progress is of a build that waits; `distmat runs watch` shows a job.")
    with JobStore() as store:
        job = submit_build(
            store,
            inputs,
            name,
            settings,
            workers=options.workers,
            overwrite=options.overwrite,
            server=server,
            **wanted,
        )
    print_jobs([job], f"the dataset will be {workspace() / 'datasets' / f'{name}.parquet'}.")


def _watch(options: argparse.Namespace, act: Callable[[Callable[["State"], None]], Any]) -> Any:
    """What `act` returns, while bars, and a file where one is asked for, tell how far it is."""
    from distmat.dataset.build_progress import ProgressFile

    file = ProgressFile(options.progress) if options.progress else None
    bars = _Bars()

    def report(state: "State") -> None:
        bars.show(state)
        if file:
            file.update(state)

    # Whoever ends the process wants what Ctrl-C does: stop, and keep what is done.
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        answer = act(report)
    except BaseException as error:
        if file:
            stopped = isinstance(error, KeyboardInterrupt)
            file.end("stopped" if stopped else "failed", "" if stopped else str(error))
        raise
    finally:
        bars.close()
    if file:
        file.end("finished")
    return answer


def _interrupt(number: int, frame: Any) -> None:
    raise KeyboardInterrupt


class _Bars:
    """One bar on standard error for each phase."""

    def __init__(self) -> None:
        self._bar: Any = None
        self._phase = ""

    def show(self, state: "State") -> None:
        from distmat.cli.progress import counter
        from distmat.dataset.build import PHASES

        if state.phase != self._phase:
            self.close()
            self._bar, self._phase = counter(state.total, PHASES[state.phase]), state.phase
        self._bar.update(state.done - self._bar.n)
        if state.kept or state.rejected:
            self._bar.set_postfix(kept=state.kept, left_out=state.rejected, refresh=False)

    def close(self) -> None:
        if self._bar is not None:
            self._bar.close()


def _list(options: argparse.Namespace) -> None:
    from distmat.dataset.catalogue import list_datasets

    found = list_datasets()
    if options.json:
        rows = [
            {
                "name": one.name,
                "chains": one.chains,
                "splits": one.split_sizes(),
                "bytes": one.size,
                "fault": one.fault,
            }
            for one in found
        ]
        print(json.dumps(rows, indent=2))
        return
    if not found:
        print("There is no dataset yet; 'distmat data synthetic' makes one to try.")
        return
    width = max(len(one.name) for one in found)
    for one in found:
        sizes = ", ".join(f"{count:,} {split}" for split, count in one.split_sizes().items())
        words = one.fault or f"{one.chains:>8,} chains {one.size / 2**20:8.1f} MiB  {sizes}"
        print(f"{one.name:{width}}  {words}")


def _show(options: argparse.Namespace) -> None:
    from distmat.dataset.card.files import read_card
    from distmat.dataset.card.words import markdown
    from distmat.workspace import dataset_path

    path = dataset_path(options.dataset)
    card = read_card(path)
    if not card:
        raise DatasetError(
            f"{path.name} has no card; 'distmat data split {path} -o NAME' gives one to a copy."
        )
    print(json.dumps(card, indent=2, ensure_ascii=False) if options.json else markdown(card))


def _homologues(options: argparse.Namespace) -> None:
    from distmat.dataset.build import new_dataset_path
    from distmat.dataset.homologues import add_homologues
    from distmat.workspace import dataset_path

    path = new_dataset_path(options.out, options.overwrite)
    dataset = dataset_path(options.dataset)
    exclude = [dataset_path(name) for name in options.exclude]
    found = _watch(
        options,
        lambda report: add_homologues(
            dataset,
            options.sequences,
            path,
            exclude,
            options.most,
            options.workers,
            options.seed,
            report,
        ),
    )
    print(
        f"{path}: {found.homologues:,} homologues of {found.with_homologues:,} of the "
        f"{found.chains:,} training chains; {found.held_back:,} others were relatives of "
        "held-out chains."
    )


def _synthetic(options: argparse.Namespace) -> None:
    from distmat.dataset.synthetic import NAME, write_synthetic
    from distmat.workspace import workspace

    path = workspace() / "datasets" / f"{NAME}.parquet"
    write_synthetic(path, options.chains, options.seed)
    print(f"{path}: synthetic chains, to try things on.")


def _delete(options: argparse.Namespace) -> None:
    from distmat.dataset.catalogue import delete_dataset

    if not options.yes:
        print(f"Delete the dataset '{options.dataset}' for good? Type its name: ", end="")
        sys.stdout.flush()
        if sys.stdin.readline().strip() != options.dataset:
            raise DatasetError("Nothing was deleted; --yes deletes without asking.")
    for path in delete_dataset(options.dataset):
        print(f"Deleted {path}.")
