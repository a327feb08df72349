"""Evaluating a checkpoint as a job."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from distmat.documents import read_json
from distmat.errors import DatasetError
from distmat.jobs.job import Job
from distmat.jobs.kinds import JobKind
from distmat.jobs.operations import submit
from distmat.jobs.progress import Progress
from distmat.jobs.recorder import Recorder
from distmat.jobs.store import Store
from distmat.workspace import checkpoint_path, dataset_path, replace_file

if TYPE_CHECKING:
    from distmat.dataset.store import Dataset
    from distmat.training.evaluation import Evaluation

EVALUATION = "evaluation"
"""The kind of job; its settings are the arguments of `choose_chains`, and ``checkpoint``."""

RESULT = "evaluation.json"
"""In the job's folder: what `distmat evaluate --json --per-chain` prints."""


def choose_chains(
    dataset: str, split: str | None = None, rep_only: bool = False, max_length: int | None = None
) -> "tuple[Dataset, str]":
    """The chains that a checkpoint is evaluated on.

    Parameters
    ----------
    dataset : str
        Parquet file, or a dataset's name in the workspace.
    split : str, optional
        'test', 'val', 'train' or 'all'; by default test, else val, else all.
    rep_only : bool
        One chain of each cluster.
    max_length : int, optional
        Residues of the longest chain.

    Returns
    -------
    Dataset, str
        And the split's name, which is empty where the dataset has no splits.

    Raises
    ------
    DatasetError
        If there is no such dataset or split, or no chain is left.
    """
    from distmat.dataset.store import read_dataset

    chosen, name = _of_split(read_dataset(dataset_path(dataset)), split)
    if rep_only:
        chosen = chosen.representatives()
    if max_length is not None:
        chosen = chosen.no_longer_than(max_length)
    if not len(chosen):
        raise DatasetError(
            f"{dataset} has no chain left to evaluate; loosen --max-length or --rep-only."
        )
    return chosen, name


def _of_split(dataset: "Dataset", asked: str | None) -> "tuple[Dataset, str]":
    from distmat.dataset.schema import SPLITS

    if dataset.splits is None:
        if asked not in (None, "all"):
            raise DatasetError(f"{dataset.name} isn't split; leave out --split.")
        return dataset, ""
    there = [split for split in SPLITS if (dataset.splits == split).any()]
    split = asked or next((split for split in ("test", "val") if split in there), "all")
    if split == "all":
        # Where nothing is held out nothing is mixed with it either.
        return dataset, "train" if there == ["train"] else "all"
    if split not in there:
        raise DatasetError(
            f"{dataset.name} has no chain of the split '{split}'; it has {', '.join(there)}."
        )
    return dataset.of_split(split), split


def submit_evaluations(
    store: Store[Any], settings: Mapping[str, object], parts: int = 1, **options: Any
) -> list[Job]:
    """Queue the evaluation of a checkpoint.

    Parameters
    ----------
    settings : mapping
        The arguments of `choose_chains`, and ``checkpoint``.
    parts : int
        Jobs that share the chains; the last to end writes the scores into the first one's folder.
    **options
        As for `distmat.jobs.operations.submit`.
    """
    if parts == 1:
        return [submit(store, EVALUATION, settings, **options)]
    name = options.pop("name", EVALUATION)

    def first(folder: Path) -> dict[str, object]:
        return {**settings, "part": 0, "parts": parts, "folder": str(folder)}

    jobs = [submit(store, EVALUATION, first, name=f"{name} 1 of {parts}", **options)]
    for part in range(1, parts):
        mine = {**jobs[0].settings, "part": part}
        called = f"{name} {part + 1} of {parts}"
        jobs.append(submit(store, EVALUATION, mine, name=called, **options))
    return jobs


def evaluate_job(job: Job, recorder: Recorder | None) -> bool:
    """Predict every chain of this job's share, and write the scores into `RESULT`."""
    if recorder is None:
        return True
    from distmat.model.predictor import load
    from distmat.scoring.baseline import reference_baseline
    from distmat.training.evaluation import evaluate

    given: dict[str, Any] = dict(job.settings)
    part, parts = given.pop("part", 0), given.pop("parts", 1)
    folder = Path(given.pop("folder", job.folder))
    predictor = load(given.pop("checkpoint"))
    chains, split = choose_chains(**given)
    progress = Progress(recorder)
    result = evaluate(
        predictor,
        chains.chains[part::parts],
        lambda done, total: progress.show(done, total, "Evaluating"),
        reference=reference_baseline(),
    )
    if parts > 1:
        whole = _put_together(folder, result, part, parts, len(chains))
        if whole is None:
            return True
        result = whole
    content = result.as_dict(per_chain=True, intervals=True) | {"split": split}
    with replace_file(folder / RESULT, "w") as file:
        json.dump(content, file, indent=2)
    recorder.said(f"The scores are in {folder / RESULT}.")
    return True


def _put_together(
    folder: Path, result: "Evaluation", part: int, parts: int, chains: int
) -> "Evaluation | None":
    """Keep one share, and give the whole once all shares are there."""
    from distmat.training.evaluation import Evaluation, merged

    def path(number: int) -> Path:
        return folder / "parts" / f"{number:04d}.json"

    with replace_file(path(part), "w") as file:
        json.dump({"rows": result.rows(), "seconds": result.seconds}, file)
    if not all(path(number).exists() for number in range(min(parts, chains))):
        return None
    kept = [read_json(path(number)) for number in range(min(parts, chains))]
    return merged([Evaluation.from_rows(one["rows"], one["seconds"]) for one in kept])


def _check(job: Job) -> None:
    dataset_path(str(job.settings["dataset"]))
    checkpoint_path(str(job.settings["checkpoint"]))


EVALUATION_JOB = JobKind(work=evaluate_job, check=_check, advice="Leave out long chains")
