"""`distmat predict`: maps and backbones of sequences and structure files."""

import argparse
import json
import re
import sys
from collections import Counter
from collections.abc import Callable
from contextlib import nullcontext
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from distmat.cli.background import add_background_options, job_options, print_jobs
from distmat.cli.library import add_library_options, chosen_library
from distmat.cli.progress import counter
from distmat.errors import ConfigError, NucleotideError, SequenceError, StructureError
from distmat.workspace import AUTO

if TYPE_CHECKING:
    from distmat.batch.inputs import Refused
    from distmat.library.search import Exclusion
    from distmat.library.store import Library
    from distmat.prediction import Comparison, Prediction
    from distmat.protein.query import Query

T = TypeVar("T")

_MOST_SUMMARIES = 100
"""Chains of which each is told; of more the table tells."""


def add_predict(commands) -> None:
    """The command `distmat predict`."""
    command = commands.add_parser(
        "predict",
        help="distance map and backbone of sequences or structure files",
        description="Predict the distance map and the backbone of every input; a structure "
        "file's own coordinates are compared with what its sequence predicts.",
    )
    command.add_argument(
        "inputs",
        nargs="+",
        metavar="SEQ|FASTA|STRUCTURE|ID",
        help="a sequence; a file of sequences (FASTA); an alignment (A3M, A2M, Stockholm), whose "
        "first row is the query, whose profile looks for templates, and whose sequences are "
        "shown to the network, too; a PDB, mmCIF or BinaryCIF file; each also gzipped; a "
        "table (CSV, TSV, Parquet) with a column 'sequence'; a folder or archive of such "
        "files; or the id of an entry of the PDB (1abc, 1abc_A) or of AlphaFold DB "
        "(P00520), which is fetched",
    )
    command.add_argument("--chain", help="only this chain of structure files")
    command.add_argument(
        "--model", type=int, metavar="K", help="the K-th model of a structure file (default: 1)"
    )
    command.add_argument(
        "--amino-acids",
        action="store_true",
        help="read sequences of A, C, G and T alone as proteins, too",
    )
    command.add_argument(
        "--checkpoint",
        default=AUTO,
        help=f"name or folder; {AUTO}: of those that ship, the one made for chains as long as each "
        f"(default: {AUTO})",
    )
    command.add_argument(
        "--out",
        type=Path,
        metavar="DIR",
        help="write each chain's files and a table of all here; started again after it was "
        "stopped, it predicts the chains that are left",
    )
    command.add_argument(
        "--formats",
        metavar="LIST",
        help="what to write of each chain: any of npy, npz, csv, parquet, rr, pdb, cif, "
        "error-pdb, error-cif, true-pdb, pymol, chimerax, cns, rosetta, openmm, svg, pdf, png, "
        "json; 'all', or 'none' for the table alone (default: npy,csv,rr,pdb,cif,json)",
    )
    command.add_argument(
        "--restraint-threshold",
        type=float,
        metavar="A",
        help="standard deviation in Å up to which a pair makes a restraint of cns, rosetta and "
        "openmm: 1, 1.5, 2 or 3, of which it was measured how often they hold; each file says it "
        "(default: 2)",
    )
    command.add_argument("--json", action="store_true", help="print the results as JSON")
    add_library_options(command)
    add_background_options(command, array=True)
    command.set_defaults(run=_predict)


def _predict(options: argparse.Namespace) -> None:
    wanted = job_options(options)
    queries, refused = _read(options.inputs, options)
    for query in queries:
        if query.note:
            print(f"{query.name}: {query.note}", file=sys.stderr)
    for left_out in refused:
        print(f"{left_out.name}: {left_out.reason}", file=sys.stderr)
    if options.background:
        _submit(options, queries, wanted)
        return
    library, exclude = chosen_library(options)
    from distmat.batch.stream import choose_checkpoints, deal, open_in_turn, predict_chains

    checkpoints = choose_checkpoints(options.checkpoint, queries)
    found = _Found(queries, checkpoints, options.json)
    if options.out:
        from distmat.batch.results import TABLE

        _predict_into(options, found, library, exclude, refused)
        found.show()
        if not options.json:
            table = f", with a table of all in {TABLE}" if len(queries) > 1 else ""
            print(f"Written to {options.out}{table}.")
        return
    if options.formats:
        raise ConfigError("--formats says what to write; give --out DIR, too.")
    _threshold(options, [])
    open_checkpoint = open_in_turn()
    with counter(len(queries), "Predicting") if len(queries) > 1 else nullcontext() as bar:
        for group in deal([len(query.sequence) for query in queries], checkpoints):
            checkpoint = checkpoints[group[0]]
            chosen = [queries[place] for place in group]
            for place, one in predict_chains(open_checkpoint(checkpoint), chosen, library, exclude):
                if isinstance(one, SequenceError):
                    raise one
                found.add(group[place], found.digest(one, checkpoint))
                if bar:
                    bar.update()
    found.show()


class _Found:
    """What is said of each chain in the end, in their order."""

    def __init__(self, queries: "list[Query]", checkpoints: list[str], as_json: bool) -> None:
        self.queries, self.checkpoints, self.as_json = queries, checkpoints, as_json
        self.said: dict[int, Any] = {}
        self.failed: list[str] = []

    @property
    def digest(self) -> "Callable[[Prediction | SequenceError, str], Any]":
        """What `add` wants to know of a prediction."""
        if self.as_json:
            return _as_dict
        if len(self.queries) > _MOST_SUMMARIES:
            return _error_alone
        return _summary

    def add(self, place: int, told: Any) -> None:
        if isinstance(told, SequenceError):
            self.failed.append(f"{self.queries[place].name}: {told}")
        elif told is not None:
            self.said[place] = told

    def show(self) -> None:
        for line in self.failed:
            print(line, file=sys.stderr)
        inputs = [self.said[place] for place in sorted(self.said)]
        if self.as_json:
            print(json.dumps(inputs, indent=2))
        elif len(self.queries) <= _MOST_SUMMARIES:
            for text in inputs:
                print(text)
        else:
            left = f"; {len(self.failed):,} could not be predicted" if self.failed else ""
            by = Counter(self.checkpoints)
            shares = " and ".join(f"{count:,} by {name}" for name, count in by.items())
            print(f"{len(self.queries):,} chains, {shares}{left}.")


def _predict_into(
    options: argparse.Namespace,
    found: _Found,
    library: "Library | None",
    exclude: "Exclusion",
    refused: "list[Refused]",
) -> None:
    """Predict into a folder what isn't there yet."""
    from distmat.batch.job import predict_into, results_of

    formats = _formats(options)
    results = results_of(
        found.queries,
        options.out,
        options.checkpoint,
        library,
        exclude,
        formats,
        refused=refused,
        threshold=_threshold(options, formats),
    )
    before = results.done()
    if before:
        print(f"{before:,} of {len(found.queries):,} chains were done before.", file=sys.stderr)
    with counter(len(found.queries), "Predicting") as bar:
        predict_into(
            results,
            library,
            exclude,
            lambda done, total, text: bar.update(done - bar.n),
            digest=found.digest,
            seen=found.add,
        )
    if found.failed and len(found.failed) == len(found.queries):
        raise SequenceError(found.failed[0].partition(": ")[2])
    results.finish(with_table=len(found.queries) > 1)


def _formats(options: argparse.Namespace) -> list[str]:
    from distmat.export.formats import FORMATS, USUAL

    if options.formats is None:
        return list(USUAL)
    if options.formats == "all":
        return list(FORMATS)
    return [] if options.formats == "none" else options.formats.lower().split(",")


def _threshold(options: argparse.Namespace, formats: list[str]) -> float:
    """Up to which standard deviation a pair makes a restraint."""
    from distmat.export.formats import FORMATS
    from distmat.export.restraints import DEFAULT_THRESHOLD, THRESHOLDS

    asked = options.restraint_threshold
    if asked is None:
        return DEFAULT_THRESHOLD
    if asked not in THRESHOLDS:
        measured = ", ".join(f"{one:g}" for one in THRESHOLDS)
        raise ConfigError(
            f"--restraint-threshold is {asked:g}; how often restraints hold was measured at "
            f"{measured} Å: give one of these."
        )
    if not any(FORMATS[key].is_restraints for key in formats if key in FORMATS):
        kinds = ", ".join(form.key for form in FORMATS.values() if form.is_restraints)
        raise ConfigError(
            "--restraint-threshold is for restraints, and none are written; name one of "
            f"{kinds} in --formats, too."
        )
    return float(asked)


def _submit(options: argparse.Namespace, queries: "list[Query]", wanted: dict[str, Any]) -> None:
    from distmat.batch.job import submit_predictions, table_path
    from distmat.batch.results import check_formats
    from distmat.jobs.store import JobStore

    if options.chain is not None:
        raise ConfigError("--chain is for a prediction that waits; leave --background out.")
    if options.model not in (None, 1):
        raise ConfigError("--model is for a prediction that waits; leave --background out.")
    formats = _formats(options)
    check_formats(formats)

    def inputs(folder: Path) -> list[Path]:
        # What was typed is no file yet.
        typed = [text for text in options.inputs if not _is_there(text)]
        files = [Path(text) for text in options.inputs if _is_there(text)]
        for number, text in enumerate(typed, start=1):
            path = folder / "inputs" / f"typed-{number}.txt"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
            files.append(path)
        return files

    _, exclude = chosen_library(options)
    first = queries[0].name
    with JobStore() as store:
        jobs = submit_predictions(
            store,
            inputs,
            checkpoint=options.checkpoint,
            library=options.library,
            exclude=exclude,
            formats=formats,
            threshold=_threshold(options, formats),
            folder=options.out,
            amino_acids=options.amino_acids,
            parts=options.array or 1,
            name=first if len(queries) == 1 else f"{len(queries):,} chains",
            **wanted,
        )
    print_jobs(jobs, f"the table will be {table_path(jobs[0])}.")


def _read(inputs: list[str], options: argparse.Namespace) -> "tuple[list[Query], list[Refused]]":
    from distmat.batch.inputs import read_inputs

    queries: list[Query] = []
    refused: list[Refused] = []
    for text in inputs:
        if _is_many(text):
            more, left_out = _explained(partial(read_inputs, [Path(text)], options.amino_acids))
            queries += more
            refused += left_out
        else:
            queries += _queries(text, options)
    return queries, refused


def _is_there(text: str) -> bool:
    try:
        return bool(text.strip()) and Path(text).exists()
    except (OSError, ValueError):
        return False


def _is_many(text: str) -> bool:
    """Whether it is a folder, an archive or a table."""
    from distmat.batch.inputs import is_collection

    return _is_there(text) and is_collection(Path(text))


def _queries(text: str, options: argparse.Namespace) -> "list[Query]":
    """Everything in one input: a sequence, or the path of a sequence or structure file."""
    from distmat.protein.query import read_query_text

    is_file = _is_there(text)
    if not is_file and re.search(r"\d", text) and len(text) < 40:
        from distmat.dataset.fetch import fetch_entry, is_entry_id, read_entry

        if is_entry_id(text):
            queries = read_entry(fetch_entry(text))
            return queries if options.chain is None else _of_chain(queries, options.chain, text)
    if not is_file:
        looks_like_path = "/" in text or re.search(r"\.\w{2,5}(\.gz)?$", text)
        if looks_like_path and "\n" not in text:
            raise SequenceError(f"There is no file {text[:200]!r}; check the path.")
    if is_file:
        queries = _explained(partial(_read_file, Path(text), options))
    else:
        queries = _explained(lambda: read_query_text(text, options.amino_acids))
    return queries if options.chain is None else _of_chain(queries, options.chain, text)


def _read_file(path: Path, options: argparse.Namespace) -> "list[Query]":
    from distmat.protein.query import read_query_file, read_query_path

    if options.model in (None, 1):
        return read_query_path(path, options.amino_acids)
    from distmat.protein.structure.models import one_model

    return read_query_file(one_model(path.read_bytes(), path.name, options.model), path.name)


def read_one(text: str) -> "list[Query]":
    """The chains of a sequence, or of the file of this path."""
    return _queries(text, argparse.Namespace(amino_acids=False, chain=None, model=None))


def _explained(read: Callable[[], T]) -> T:
    try:
        return read()
    except NucleotideError as error:
        raise NucleotideError(f"{error} If these are amino acids, give --amino-acids.") from None


def _of_chain(queries: "list[Query]", chain_id: str, text: str) -> "list[Query]":
    """The queries of a structure's chain; those of sequences, which have none, all stay."""
    if any(query.structure is None for query in queries):
        return queries
    ids = {query.structure.chain_id: query for query in queries if query.structure}
    chosen = [query for known, query in ids.items() if known == chain_id]
    if not chosen:
        known = ", ".join(known or "one without a name" for known in ids)
        raise StructureError(
            f"{Path(text).name} has no protein chain {chain_id!r}; its chains are {known}."
        )
    return chosen


def _error_alone(found: "Prediction | SequenceError", checkpoint: str) -> SequenceError | None:
    return found if isinstance(found, SequenceError) else None


def _as_dict(
    found: "Prediction | SequenceError", checkpoint: str
) -> dict[str, Any] | SequenceError:
    return found if isinstance(found, SequenceError) else found.as_dict(checkpoint)


def _summary(prediction: "Prediction | SequenceError", checkpoint: str) -> str | SequenceError:
    from distmat.library.training_sequences import describe_overlap

    if isinstance(prediction, SequenceError):
        return prediction
    hand = prediction.backbone
    lines = [
        f"{prediction.name}: {len(prediction.map)} residues, predicted by {checkpoint}, "
        f"hand {hand.hand} (confidence {hand.hand_confidence:.2f})",
        f"  {describe_overlap(prediction.training_overlap, checkpoint)}",
    ]
    if prediction.alignment:
        lines.append(f"  {prediction.alignment.sentence()} {prediction.alignment_use}".rstrip())
    for template in prediction.templates:
        first, last = template.span
        lines.append(
            f"  template {template.name:<7} residues {first + 1}–{last + 1}, "
            f"{template.identity:.0%} identical, {template.mean_confidence:.0%} aligned right, "
            f"E-value {template.e_value:.1g}"
        )
    if prediction.comparison:
        lines += _score_lines(prediction.comparison)
    return "\n".join(lines)


def _score_lines(comparison: "Comparison") -> list[str]:
    """The verdict, and a row for each score of map and backbone."""
    from distmat.scoring.map_scores import MAP_SCORES
    from distmat.scoring.registry import label_score
    from distmat.scoring.trace_scores import TRACE_SCORES

    columns = {"model": comparison.model.values, "separation only": comparison.baseline.values}
    if comparison.own_baseline:
        columns["checkpoint's own"] = comparison.own_baseline.values
    if comparison.nearest:
        columns["copy the nearest"] = comparison.nearest.values
    lines = [
        f"  {comparison.verdict.sentence()}",
        f"  {'map':<28}" + "".join(f"{name:>18}" for name in columns),
    ]
    for score in MAP_SCORES.list_shown("table"):
        if score.key in comparison.model.values:
            cells = "".join(f"{score.number(values[score.key]):>18}" for values in columns.values())
            lines.append(f"  {label_score(score, comparison.model.values):<28}{cells}")
    lines.append("  backbone")
    lines += [
        f"  {score.column:<28}{score.number(comparison.trace.values[score.key]):>18}"
        f"{score.number(comparison.baseline_trace.values[score.key]):>18}"
        for score in TRACE_SCORES.list_shown("table")
    ]
    return lines
