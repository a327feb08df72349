"""`distmat predict`: maps and backbones of sequences and structure files."""

import argparse
import json
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from distmat.cli.library import add_library_options, chosen_library
from distmat.cli.progress import bar
from distmat.errors import NucleotideError, SequenceError, StructureError

if TYPE_CHECKING:
    from distmat.prediction import Comparison, Prediction
    from distmat.protein.query import Query


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
        metavar="SEQ|FASTA|STRUCTURE",
        help="a sequence; a file of sequences (FASTA) or an alignment (A3M, A2M), whose first "
        "row is the query; or a PDB, mmCIF or BinaryCIF file; each also gzipped",
    )
    command.add_argument("--chain", help="only this chain of structure files")
    command.add_argument(
        "--amino-acids",
        action="store_true",
        help="read sequences of A, C, G and T alone as proteins, too",
    )
    command.add_argument("--checkpoint", default="mini", help="name or folder (default: mini)")
    command.add_argument(
        "--out", type=Path, metavar="DIR", help="write NPY, CSV, RR, PDB, mmCIF and JSON here"
    )
    command.add_argument("--json", action="store_true", help="print the results as JSON")
    add_library_options(command)
    command.set_defaults(run=_predict)


def _predict(options: argparse.Namespace) -> None:
    queries = [query for text in options.inputs for query in _queries(text, options)]
    for query in queries:
        if query.note:
            print(f"{query.name}: {query.note}", file=sys.stderr)
    from distmat.model.predictor import load
    from distmat.prediction import predict_chain

    library, exclude = chosen_library(options)
    predictor = load(options.checkpoint)
    results = []
    taken: set[str] = set()
    for query in bar(queries, "Predicting"):
        prediction = predict_chain(
            predictor,
            query.sequence,
            query.name,
            query.structure,
            library=library,
            exclude=exclude,
        )
        if options.out:
            _write_prediction(prediction, options.out, _file_name(query.name, taken))
        results.append(prediction)
    if options.json:
        print(json.dumps([prediction.as_dict() for prediction in results], indent=2))
        return
    for prediction in results:
        print(_summary(prediction))
    if options.out:
        print(f"Written to {options.out}.")


def _queries(text: str, options: argparse.Namespace) -> "list[Query]":
    """Everything in one input: a sequence, or the path of a sequence or structure file."""
    from distmat.protein.query import read_query_path, read_query_text

    try:
        is_file = Path(text).is_file()
    except (OSError, ValueError):
        is_file = False
    if not is_file:
        looks_like_path = "/" in text or re.search(r"\.\w{2,5}(\.gz)?$", text)
        if looks_like_path and "\n" not in text:
            raise SequenceError(f"There is no file {text[:200]!r}; check the path.")
    try:
        if is_file:
            queries = read_query_path(Path(text), options.amino_acids)
        else:
            queries = read_query_text(text, options.amino_acids)
    except NucleotideError as error:
        raise NucleotideError(f"{error} If these are amino acids, give --amino-acids.") from None
    return queries if options.chain is None else _of_chain(queries, options.chain, text)


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


def _write_prediction(prediction: "Prediction", folder: Path, stem: str) -> None:
    from distmat.protein.map_file import contacts_text, csv_text, npy_bytes
    from distmat.protein.structure.write import write_mmcif, write_pdb
    from distmat.workspace import replace_file

    folder.mkdir(parents=True, exist_ok=True)
    predicted, coords = prediction.map, prediction.backbone.coords
    files = {
        ".npy": npy_bytes(predicted.distances),
        ".csv": csv_text(predicted).encode(),
        ".rr": contacts_text(predicted).encode(),
        ".pdb": write_pdb(predicted.sequence, coords).encode(),
        ".cif": write_mmcif(predicted.sequence, coords).encode(),
        ".json": json.dumps(prediction.as_dict(), indent=2).encode(),
    }
    for suffix, content in files.items():
        with replace_file(folder / f"{stem}{suffix}", "wb") as file:
            file.write(content)


def _file_name(name: str, taken: set[str]) -> str:
    """A name that is safe as a file's and not yet taken."""
    stem = re.sub(r"[^A-Za-z0-9._-]+", "_", name).strip("._")[:80] or "sequence"
    unique, number = stem, 2
    while unique.lower() in taken:
        unique, number = f"{stem}_{number}", number + 1
    taken.add(unique.lower())
    return unique


def _summary(prediction: "Prediction") -> str:
    hand = prediction.backbone
    lines = [
        f"{prediction.name}: {len(prediction.map)} residues, "
        f"hand {hand.hand} (confidence {hand.hand_confidence:.2f})"
    ]
    for template in prediction.templates:
        first, last = template.span
        lines.append(
            f"  template {template.name:<7} residues {first + 1}–{last + 1}, "
            f"{template.identity:.0%} identical, E-value {template.e_value:.1g}"
        )
    if prediction.comparison:
        lines += _score_lines(prediction.comparison)
    return "\n".join(lines)


def _score_lines(comparison: "Comparison") -> list[str]:
    """The verdict, and a row for each score of map and backbone."""
    from distmat.scoring.map_scores import MAP_SCORES
    from distmat.scoring.registry import named
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
    for score in MAP_SCORES.shown("table"):
        if score.key in comparison.model.values:
            cells = "".join(f"{score.number(values[score.key]):>18}" for values in columns.values())
            lines.append(f"  {named(score, comparison.model.values):<28}{cells}")
    lines.append("  backbone")
    lines += [
        f"  {score.column:<28}{score.number(comparison.trace.values[score.key]):>18}"
        for score in TRACE_SCORES.shown("table")
    ]
    return lines
