"""`distmat evaluate`: scores of a checkpoint beside its baseline's."""

import argparse
import json

from distmat.cli.progress import counter


def add_evaluate(commands) -> None:
    """The command `distmat evaluate`."""
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
    with counter(len(dataset), "Evaluating") as bar:
        result = evaluate(predictor, dataset.chains, lambda done, total: bar.update())
    content = result.as_dict(per_chain=options.per_chain, intervals=True)
    if options.json:
        print(json.dumps(content, indent=2))
        return
    print(f"{content['chains']} chains of {dataset.name}\n")
    print(f"{'':22}{'model':>10}{'95 % interval':>18}{'separation only':>18}")
    for name, model in content["model"].items():
        between = content["interval"][name]
        interval = f"{between[0]:.3f} – {between[1]:.3f}" if between else "–"
        baseline = content["baseline"][name]
        print(f"{name:22}{_number(model):>10}{interval:>18}{_number(baseline):>18}")
    print("\nShare of the errors within one and two of the predicted standard deviations")
    for band, shares in content["coverage"].items():
        print(f"{band:22}{shares['within_1_std']:>10.3f}{shares['within_2_std']:>18.3f}")


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"
