"""The `distmat` command: parse, call the package, print or write; nothing is computed here."""

import argparse
import json
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from distmat.errors import ConfigError, DistmatError, SequenceError, StructureError

if TYPE_CHECKING:
    from distmat.prediction import Prediction
    from distmat.protein.chain import Chain

_SEQUENCE_SUFFIXES = (".fasta", ".fa", ".faa", ".seq", ".txt")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; returns its exit code: 0, or 2 for anything a person can mend."""
    options = _parser().parse_args(arguments)
    try:
        options.run(options)
    except DistmatError as error:
        print(f"distmat: {error}", file=sys.stderr)
        return 2
    except OSError as error:
        place = f" ({error.filename})" if error.filename else ""
        print(f"distmat: {error.strerror or error}{place}.", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="distmat",
        description="Predict a protein's Cα distance map from its sequence, and the backbone "
        "that the map implies.",
    )
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    _add_predict(commands)
    _add_evaluate(commands)
    _add_reconstruct(commands)
    _add_train(commands)
    return parser


def _add_predict(commands) -> None:
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
        help="a sequence, a FASTA file, or a PDB, mmCIF or BinaryCIF file",
    )
    command.add_argument("--chain", help="only this chain of structure files")
    command.add_argument("--checkpoint", default="mini", help="name or folder (default: mini)")
    command.add_argument(
        "--out", type=Path, metavar="DIR", help="write NPY, CSV, RR, PDB, mmCIF and JSON here"
    )
    command.add_argument("--json", action="store_true", help="print the results as JSON")
    command.set_defaults(run=_predict)


def _predict(options: argparse.Namespace) -> None:
    jobs = [job for text in options.inputs for job in _jobs(text, options.chain)]
    from distmat.model.predictor import load
    from distmat.prediction import predict_chain

    predictor = load(options.checkpoint)
    results = []
    taken: set[str] = set()
    for name, sequence, truth in _bar(jobs, "Predicting"):
        prediction = predict_chain(predictor, sequence, name, truth)
        if options.out:
            _write_prediction(prediction, options.out, _file_name(name, taken))
        results.append(prediction)
    if options.json:
        print(json.dumps([prediction.as_dict() for prediction in results], indent=2))
        return
    for prediction in results:
        print(_summary(prediction))
    if options.out:
        print(f"Written to {options.out}.")


def _jobs(text: str, chain_id: str | None) -> list[tuple[str, str, "Chain | None"]]:
    """Name, sequence and, from a structure file, the true chain of everything in one input."""
    from distmat.protein.sequence import read_sequences

    try:
        is_file = Path(text).is_file()
    except (OSError, ValueError):
        is_file = False
    if not is_file:
        looks_like_path = "/" in text or re.search(r"\.\w{2,5}(\.gz)?$", text)
        if looks_like_path and "\n" not in text:
            raise SequenceError(f"There is no file {text[:200]!r}; check the path.")
        return [(record.name, record.letters, None) for record in read_sequences(text)]
    path = Path(text)
    if path.suffix.lower() in _SEQUENCE_SUFFIXES:
        try:
            content = path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            raise SequenceError(f"{path.name} is no text; give a FASTA file.") from None
        return [(record.name, record.letters, None) for record in read_sequences(content)]
    from distmat.protein.structure_file import read_structure

    chains = read_structure(path)
    if chain_id is not None:
        known = ", ".join(chain.name.rpartition("_")[2] for chain in chains)
        chains = [chain for chain in chains if chain.name.rpartition("_")[2] == chain_id]
        if not chains:
            raise StructureError(
                f"{path.name} has no protein chain {chain_id!r}; its chains are {known}."
            )
    return [(chain.name, chain.sequence, chain) for chain in chains]


def _write_prediction(prediction: "Prediction", folder: Path, stem: str) -> None:
    from distmat.protein.map_file import contacts_text, csv_text, npy_bytes
    from distmat.protein.structure_file import write_mmcif, write_pdb
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
    if prediction.comparison:
        for label, scores in (
            ("model", prediction.comparison.model),
            ("separation only", prediction.comparison.baseline),
        ):
            lines.append(
                f"  {label:<16} MAE {scores.mae:6.2f} Å  RMSE {scores.rmse:6.2f} Å  "
                f"r {scores.pearson:6.3f}  lDDT {scores.lddt:.3f}  "
                f"long P@L {scores.long_precision:.3f} "
                f"(at best {scores.long_precision_ceiling:.2f})"
            )
        trace = prediction.comparison.trace
        lines.append(
            f"  {'backbone':<16} RMSD {trace.rmsd:5.2f} Å  TM {trace.tm:.3f}  "
            f"GDT-TS {trace.gdt_ts:.3f}  lDDT {trace.lddt:.3f}"
        )
    return "\n".join(lines)


def _add_evaluate(commands) -> None:
    command = commands.add_parser(
        "evaluate",
        help="scores of a checkpoint on a dataset, beside the separation baseline's",
        description="Predict every chain of a dataset and print the mean scores, with those of "
        "a table that knows only separation and chain length beside them.",
    )
    command.add_argument("dataset", help="Parquet file, or a dataset's name in the workspace")
    command.add_argument("--checkpoint", default="mini", help="name or folder (default: mini)")
    command.add_argument("--rep-only", action="store_true", help="one chain of each cluster")
    command.add_argument("--max-length", type=int, metavar="N", help="leave out longer chains")
    command.add_argument("--per-chain", action="store_true", help="every chain's scores, too")
    command.add_argument("--json", action="store_true", help="print as JSON")
    command.set_defaults(run=_evaluate)


def _evaluate(options: argparse.Namespace) -> None:
    from distmat.dataset.store import read_dataset
    from distmat.errors import DatasetError
    from distmat.workspace import dataset_path

    dataset = read_dataset(dataset_path(options.dataset))
    if options.rep_only:
        dataset = dataset.representatives()
    if options.max_length is not None:
        dataset = dataset.no_longer_than(options.max_length)
    if not len(dataset):
        raise DatasetError(
            f"{options.dataset} has no chain left to evaluate; loosen --max-length or --rep-only."
        )
    from distmat.model.predictor import load
    from distmat.training.evaluation import evaluate

    predictor = load(options.checkpoint)
    with _counter(len(dataset), "Evaluating") as bar:
        result = evaluate(predictor, dataset.chains, lambda done, total: bar.update())
    content = result.as_dict(per_chain=options.per_chain)
    if options.json:
        print(json.dumps(content, indent=2))
        return
    print(f"{content['chains']} chains of {dataset.name}\n")
    print(f"{'':22}{'model':>10}{'separation only':>18}")
    for name, model in content["model"].items():
        baseline = content["baseline"][name]
        print(f"{name:22}{_number(model):>10}{_number(baseline):>18}")


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"


def _add_reconstruct(commands) -> None:
    command = commands.add_parser(
        "reconstruct",
        help="the backbone that a distance map implies",
        description="Rebuild the Cα trace from a map of distances in Å; side chains are not built.",
    )
    command.add_argument("map", type=Path, metavar="MAP.npy", help="N×N distances in Å")
    command.add_argument("--std", type=Path, metavar="STD.npy", help="N×N deviations in Å")
    command.add_argument("--sequence", help="its letters, for the PDB file (default: all X)")
    command.add_argument("--out", type=Path, required=True, metavar="TRACE", help=".pdb or .cif")
    command.add_argument("--json", action="store_true", help="print what was done as JSON")
    command.set_defaults(run=_reconstruct)


def _reconstruct(options: argparse.Namespace) -> None:
    from distmat.geometry.reconstruction import reconstruct
    from distmat.protein.map_file import read_npy
    from distmat.protein.sequence import check_letters
    from distmat.protein.structure_file import write_mmcif, write_pdb
    from distmat.workspace import replace_file

    if options.out.suffix.lower() not in (".pdb", ".cif"):
        raise ConfigError(f"--out is '{options.out}'; its name must end in .pdb or .cif.")
    distances, std = (
        None if path is None else read_npy(path.read_bytes(), path.name)
        for path in (options.map, options.std)
    )
    backbone = reconstruct(distances, std=std)
    n = len(backbone.coords)
    letters = check_letters(options.sequence) if options.sequence else "X" * n
    if len(letters) != n:
        raise SequenceError(f"--sequence has {len(letters)} residues, but the map has {n}.")
    write = write_mmcif if options.out.suffix.lower() == ".cif" else write_pdb
    with replace_file(options.out, "w") as file:
        file.write(write(letters, backbone.coords))
    if options.json:
        print(
            json.dumps(
                {
                    "residues": n,
                    "hand": backbone.hand,
                    "hand_confidence": float(backbone.hand_confidence),
                    "stress": float(backbone.stress),
                    "eigenvalue_share": float(backbone.eigenvalue_share),
                    "steps": list(backbone.steps),
                    "seconds": backbone.seconds,
                },
                indent=2,
            )
        )
        return
    print("\n".join(backbone.steps))
    print(f"Written to {options.out}.")


def _add_train(commands) -> None:
    command = commands.add_parser(
        "train",
        help="train a model on a dataset",
        description="Train the built-in encoder and the pair head; Ctrl-C stops with a "
        "checkpoint, --resume goes on from it.",
    )
    command.add_argument("--config", type=Path, metavar="FILE", help="settings as YAML or JSON")
    command.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="change one setting; may be repeated",
    )
    command.add_argument("--resume", action="store_true", help="go on from the last checkpoint")
    command.add_argument("--show", action="store_true", help="print the settings and stop")
    command.add_argument("--json", action="store_true", help="print the final scores as JSON")
    command.set_defaults(run=_train)


def _train(options: argparse.Namespace) -> None:
    from distmat.training.config import TrainingConfig, read_config

    config = read_config(options.config) if options.config else TrainingConfig()
    settings = {}
    for text in options.set:
        name, equals, value = text.partition("=")
        if not equals:
            raise ConfigError(f"--set got '{text}'; write NAME=VALUE, such as learning_rate=2e-4.")
        settings[name.strip()] = value.strip()
    config = config.with_settings(settings)
    if options.show:
        print(json.dumps(config.as_dict(), indent=2))
        return
    from distmat.training.trainer import train

    result = train(config, options.resume, lambda text: print(text, file=sys.stderr, flush=True))
    if result is None:
        return
    content = result.as_dict()
    if options.json:
        print(json.dumps(content, indent=2))
        return
    model, baseline = content["model"], content["baseline"]
    print(
        f"On {content['chains']} validation chains: MAE {model['mae']:.2f} Å (separation only "
        f"{baseline['mae']:.2f}), RMSE {model['rmse']:.2f} Å ({baseline['rmse']:.2f}), "
        f"r {model['pearson']:.3f} ({baseline['pearson']:.3f}).\nWritten to {config.output}."
    )


def _bar(items: Sequence, text: str):
    from tqdm import tqdm

    return tqdm(items, desc=text, disable=len(items) < 2 or None, file=sys.stderr)


def _counter(total: int, text: str):
    from tqdm import tqdm

    return tqdm(total=total, desc=text, disable=None, file=sys.stderr)


def run() -> None:
    """Entry point of the installed command."""
    sys.exit(main())


if __name__ == "__main__":
    run()
