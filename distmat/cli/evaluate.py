"""`distmat evaluate`: scores of a checkpoint beside its baseline's."""

import argparse
import json
import sys

from distmat.cli.background import add_background_options, job_options, print_jobs
from distmat.cli.library import add_library_options, chosen_library
from distmat.cli.progress import counter
from distmat.errors import ConfigError
from distmat.protein.sequence import quote


def add_evaluate(commands) -> None:
    """The command `distmat evaluate`."""
    command = commands.add_parser(
        "evaluate",
        help="scores of a checkpoint on a dataset, beside the separation baseline's",
        description="Predict every chain of a dataset and print the mean scores, with those of "
        "a table that knows only separation and chain length beside them. Of a dataset that is "
        "split, the test chains are predicted, or the val chains where there are none.",
    )
    command.add_argument("dataset", help="Parquet file, or a dataset's name in the workspace")
    command.add_argument("--checkpoint", default="mini", help="name or folder (default: mini)")
    command.add_argument("--split", help="test, val, train or all (default: test, else val)")
    command.add_argument("--rep-only", action="store_true", help="one chain of each cluster")
    command.add_argument("--min-length", type=int, metavar="N", help="leave out shorter chains")
    command.add_argument("--max-length", type=int, metavar="N", help="leave out longer chains")
    add_library_options(command, "none")
    command.add_argument("--per-chain", action="store_true", help="also print every chain's scores")
    command.add_argument("--json", action="store_true", help="print as JSON")
    add_background_options(command, array=True)
    command.set_defaults(run=_evaluate)


def _evaluate(options: argparse.Namespace) -> None:
    from distmat.training.evaluation_job import (
        choose_chains,
        evaluation_content,
        prepare_evaluation,
        run_evaluation,
    )

    wanted = job_options(options)
    asked = {
        "dataset": options.dataset,
        "split": options.split,
        "rep_only": options.rep_only,
        "min_length": options.min_length,
        "max_length": options.max_length,
    }
    dataset, split = choose_chains(**asked)
    if split in ("train", "all"):
        print(
            f"distmat: these are {'the' if split == 'train' else 'also'} chains of the split "
            "'train'; of chains that a model was trained on its scores say nothing.",
            file=sys.stderr,
        )
    _, exclude = chosen_library(options)
    settings = {**asked, "checkpoint": options.checkpoint, "library": options.library}
    if options.background:
        if exclude != type(exclude)():
            raise ConfigError("A job in the background can't leave out parts of a library.")
        wanted |= {"name": f"{options.checkpoint} {dataset.name}", "parts": options.array or 1}
        _submit(settings, wanted)
        return
    work = prepare_evaluation(settings, exclude)
    with counter(len(dataset), "Evaluating") as bar:
        result = run_evaluation(work, lambda done, total, phase: _advance(bar, done))
    assert result is not None  # noqa: S101  nobody else has a share
    content = evaluation_content(result, work.about)
    if not options.per_chain:
        for heavy in ("per_chain", "pooled"):
            del content[heavy]
    if options.json:
        print(json.dumps(content, indent=2))
        return
    of_split = f" (split '{split}')" if split else ""
    print(f"{_count(content['chains'])} of {dataset.name}{of_split}")
    _print_overlap(content["training_overlap"], options.checkpoint)
    print(f"{result.verdict.sentence()}\n")
    _print_means(content)
    print("\nShare of the errors within one and two of the predicted standard deviations")
    for band, shares in content["coverage"].items():
        print(f"{band:22}{shares['within_1_std']:>10.3f}{shares['within_2_std']:>18.3f}")
    if options.per_chain:
        _print_chains(content["per_chain"])


def _advance(bar, done: int) -> None:
    """The bar counts what is new."""
    bar.update(done - bar.n)


def _print_overlap(found: dict | None, checkpoint: str) -> None:
    """How many of the chains the model knows, and how good it is on the others."""
    from distmat.dataset.clustering import RELATED
    from distmat.library.training_sequences import describe_overlap

    if found is None:
        print(describe_overlap(None, checkpoint))
        return
    related, others = found["related"], found["unrelated"]
    print(
        f"{related['chains']:,} of them are ≥ {100 * RELATED:g} % identical to a chain that "
        f"{checkpoint} was trained on, over half of the shorter one."
    )
    if related["chains"]:
        for name, part in (("those", related), ("the others", others)):
            if part["chains"]:
                print(
                    f"  MAE of {name}: {_number(part['model_mae'])} Å "
                    f"(separation only {_number(part['baseline_mae'])} Å)"
                )


def _submit(settings: dict, wanted: dict) -> None:
    from distmat.jobs.store import JobStore
    from distmat.training.evaluation_job import RESULT, submit_evaluations

    with JobStore() as store:
        jobs = submit_evaluations(store, settings, **wanted)
    print_jobs(jobs, f"its scores will be in {jobs[0].folder / RESULT}.")


def _print_chains(rows: list[dict]) -> None:
    """A line for each chain: the model's score, and the baseline's in brackets."""
    from distmat.scoring.map_scores import MAP_SCORES

    # Those that a checkpoint can be chosen by: a line has no room for more.
    shown = MAP_SCORES.list_shown("monitor")
    print("\nEach chain: the model's score, and in brackets that of separation only")
    print(f"{'':22}" + "".join(f"{score.column:>18}" for score in shown))
    for row in rows:
        scores = (
            f"{score.number(row['model'][score.key])} ({score.number(row['baseline'][score.key])})"
            for score in shown
        )
        print(f"{quote(row['id'])[1:-1]:22}" + "".join(f"{text:>18}" for text in scores))


def _count(chains: int) -> str:
    return f"{chains:,} chain{'s' * (chains != 1)}"


def _print_means(content: dict) -> None:
    from distmat.scoring.map_scores import MAP_SCORES

    names = {score.key: score.column for score in MAP_SCORES}
    tables = {"separation only": content["baseline"]}
    if "own_baseline" in content:
        tables["checkpoint's own"] = content["own_baseline"]
    if "copy_nearest" in content:
        tables["copy nearest"] = content["copy_nearest"]
    heads = "".join(f"{name:>18}" for name in tables)
    print(f"{'':22}{'model':>10}{'95 % interval':>18}{heads}")
    for key, model in content["model"].items():
        between = content["interval"][key]
        interval = f"{between[0]:.3f} – {between[1]:.3f}" if between else "–"
        baselines = "".join(f"{_number(means[key]):>18}" for means in tables.values())
        name = names.get(key) or f"MAE (Å), {key.removeprefix('mae_')}"
        print(f"{name:22}{_number(model):>10}{interval:>18}{baselines}")


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"
