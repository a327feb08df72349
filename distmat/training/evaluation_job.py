"""Evaluating a checkpoint as a job, and finding what was evaluated before."""

import hashlib
import json
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from distmat.documents import read_json
from distmat.errors import DatasetError
from distmat.jobs.job import Job
from distmat.jobs.kinds import JobKind
from distmat.jobs.operations import submit_shared
from distmat.jobs.progress import Progress
from distmat.jobs.recorder import Recorder
from distmat.jobs.states import ENDED, State
from distmat.jobs.store import Store
from distmat.workspace import (
    LIBRARY_FILE,
    checkpoint_path,
    dataset_path,
    file_identity,
    library_path,
    replace_file,
)

if TYPE_CHECKING:
    from distmat.dataset.store import Dataset
    from distmat.library.search import Exclusion
    from distmat.library.store import Library
    from distmat.library.templates import Template
    from distmat.model.predictor import Predictor
    from distmat.protein.chain import Chain
    from distmat.training.evaluation import Evaluation

EVALUATION = "evaluation"
"""The kind of job; its settings are those of `describe_evaluation`."""

RESULT = "evaluation.json"
"""In the job's folder: what `distmat evaluate --json --per-chain` prints."""

PARTS = "parts"
"""Folder in the job's folder, while it works."""

PART = 24
"""Chains after which what was found is kept, in case the job is stopped."""

SEARCHED = 10 * PART
"""Chains that are looked up in a library at once; a search takes seconds whatever their number."""

_OF_CHAINS = ("split", "rep_only", "min_length", "max_length")
"""Of the settings, those of `choose_chains`."""

_VERSION = 1
"""Of what is computed: results of another one aren't taken for these."""


def choose_chains(
    dataset: str,
    split: str | None = None,
    rep_only: bool = False,
    max_length: int | None = None,
    min_length: int | None = None,
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
    max_length, min_length : int, optional
        Residues of the longest and of the shortest chain.

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
    if min_length is not None:
        chosen = chosen.no_shorter_than(min_length)
    if not len(chosen):
        raise DatasetError(
            f"{dataset} has no chain left to evaluate; loosen --min-length, --max-length "
            "or --rep-only."
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
    store: Store[Any], settings: Mapping[str, Any], parts: int = 1, **options: Any
) -> list[Job]:
    """Queue the evaluation of a checkpoint.

    Parameters
    ----------
    settings : mapping
        As for `describe_evaluation`.
    parts : int
        Jobs that share the chains; the last to end writes the scores into the first one's folder.
    **options
        As for `distmat.jobs.operations.submit`.

    Raises
    ------
    DatasetError, CheckpointError
        If any of it isn't there, or no chain is left to evaluate.
    """
    settings = {**settings, "key": describe_evaluation(settings)["key"]}
    # A split that there isn't, or one without a chain, is said now and not by a job that failed.
    chosen: dict[str, Any] = {name: settings.get(name) for name in _OF_CHAINS}
    choose_chains(str(settings["dataset"]), **chosen)
    name = options.pop("name", f"{settings['checkpoint']} {settings['dataset']}")

    def settings_in(folder: Path) -> dict[str, object]:
        return {**settings, "folder": str(folder)}

    return submit_shared(store, EVALUATION, settings_in, parts, name, **options)


def evaluate_job(job: Job, recorder: Recorder | None) -> bool:
    """Predict every chain of this job's share, and write the scores into `RESULT`.

    What was done before the job was stopped isn't done again.
    """
    if recorder is None:
        return True
    given: dict[str, Any] = dict(job.settings)
    share, shares = int(given.get("part", 0)), int(given.get("parts", 1))
    folder = Path(given.get("folder", job.folder))
    kept = folder / PARTS
    kept.mkdir(exist_ok=True)
    work = prepare_evaluation(given)
    result = run_evaluation(work, Progress(recorder).show, kept, share, shares)
    if result is None:
        return True
    with replace_file(folder / RESULT, "w") as file:
        json.dump(evaluation_content(result, work.about), file)
    if shares == 1:
        shutil.rmtree(kept, ignore_errors=True)
    recorder.say(f"The scores are in {folder / RESULT}.")
    return True


@dataclass(frozen=True)
class EvaluationWork:
    """What is evaluated on what; ``about`` is for JSON."""

    predictor: "Predictor"
    chains: "Sequence[Chain]"
    library: "Library | None"
    exclude: "Exclusion | None"
    about: dict[str, Any]


def prepare_evaluation(
    settings: Mapping[str, Any], exclude: "Exclusion | None" = None
) -> EvaluationWork:
    """Open everything that an evaluation needs; settings as for `describe_evaluation`."""
    from distmat.library.store import Library
    from distmat.model.predictor import load

    about = describe_evaluation(settings)
    asked = {name: settings[name] for name in _OF_CHAINS if name in settings}
    chains, about["split"] = choose_chains(str(settings["dataset"]), **asked)
    predictor = load(about["checkpoint"])
    path = about["library_path"] if predictor.takes_templates else ""
    library = Library(Path(path)) if path else None
    return EvaluationWork(predictor, chains.chains, library, exclude, about)


def run_evaluation(
    work: EvaluationWork,
    show: Callable[[int, int, str], None],
    folder: Path | None = None,
    share: int = 0,
    shares: int = 1,
) -> "Evaluation | None":
    """Evaluate part by part.

    Parameters
    ----------
    work : EvaluationWork
    show : callable
        Told how many chains are done, of how many, and what is being done.
    folder : Path, optional
        Where each part is kept once it is whole; parts that are there aren't made again.
    share, shares : int
        Only every so-manieth part is made here, from this one on.

    Returns
    -------
    Evaluation or None
        Of all chains; None while parts of others are missing.
    """
    from distmat.training.evaluation import Evaluation, concatenate

    # The longest first, so that a lack of memory shows at once.
    order = sorted(range(len(work.chains)), key=lambda place: -len(work.chains[place].sequence))
    templates = _Templates(work, order)
    made: dict[int, Evaluation] = {}
    starts = range(0, len(order), PART)
    for start in starts[share::shares]:
        path = None if folder is None else _part_path(folder, start)
        if path is not None and path.is_file():
            show(min(start + PART, len(order)), len(order), "Evaluating")
            continue
        part = _evaluate_part(work, order, start, templates, show)
        if path is None:
            made[start] = part
            continue
        with replace_file(path, "w") as file:
            json.dump(part.to_json(), file)
    if folder is not None:
        if not all(_part_path(folder, start).is_file() for start in starts):
            return None
        made = {
            start: Evaluation.from_json(read_json(_part_path(folder, start))) for start in starts
        }
    return concatenate([made[start] for start in starts]).reorder(order)


def _part_path(folder: Path, start: int) -> Path:
    return folder / f"{start:06}.json"


def _evaluate_part(
    work: EvaluationWork,
    order: list[int],
    start: int,
    templates: "_Templates",
    show: Callable[[int, int, str], None],
) -> "Evaluation":
    from distmat.scoring.baseline import reference_baseline
    from distmat.training.evaluation import evaluate

    places = order[start : start + PART]
    return evaluate(
        work.predictor,
        [work.chains[place] for place in places],
        lambda done, _: show(start + done, len(order), "Evaluating"),
        reference=reference_baseline(),
        templates=templates.of(start, show),
        detailed=True,
    )


class _Templates:
    """What the library has for the chains, looked up for many of them at once."""

    def __init__(self, work: EvaluationWork, order: list[int]) -> None:
        self.work, self.order = work, order
        self._found: dict[int, list[list[Template]]] = {}

    def of(self, start: int, show: Callable[[int, int, str], None]) -> Any:
        """For each chain of the part that starts here; None without a library."""
        if self.work.library is None:
            return None
        first = start - start % SEARCHED
        if first not in self._found:
            show(start, len(self.order), "Looking for templates")
            self._found = {first: self._search(self.work.library, first)}
        return self._found[first][start - first : start - first + PART]

    def _search(self, library: "Library", first: int) -> "list[list[Template]]":
        from distmat.library.search import find_templates

        chains = [self.work.chains[place] for place in self.order[first : first + SEARCHED]]
        return find_templates(
            library,
            [chain.sequence for chain in chains],
            self.work.exclude,
            # A chain's own entry is no template of it.
            [chain.name for chain in chains],
        )


def evaluation_content(result: "Evaluation", about: Mapping[str, Any]) -> dict[str, Any]:
    """An evaluation for JSON, with what it is an evaluation of."""
    said = {name: value for name, value in about.items() if name != "library_path"}
    return result.as_dict(per_chain=True, intervals=True) | said


def describe_evaluation(settings: Mapping[str, Any]) -> dict[str, Any]:
    """What is evaluated with what, and a key that differs where anything of it does.

    Parameters
    ----------
    settings : mapping
        As of a job: the arguments of `choose_chains`, ``checkpoint``, and ``library``, a name as
        `distmat.workspace.library_path` takes it; ``"none"``, or left out, for none.

    Raises
    ------
    DatasetError, CheckpointError
        If any of it isn't there.
    """
    checkpoint = str(settings["checkpoint"])
    wanted = settings.get("library")
    library = library_path(str(wanted)) if wanted not in (None, "none") else None
    dataset = dataset_path(str(settings["dataset"]))
    chosen = {name: settings.get(name) for name in _OF_CHAINS}
    paths = (checkpoint_path(checkpoint), dataset, library)
    marks = [file_identity(path) for path in paths if path]
    key = hashlib.sha256(json.dumps([_VERSION, chosen, marks]).encode()).hexdigest()[:16]
    return {
        "checkpoint": checkpoint,
        "dataset": dataset.stem,
        "library": library_name(library),
        "library_path": "" if library is None else str(library),
        "rep_only": bool(settings.get("rep_only")),
        "min_length": settings.get("min_length"),
        "max_length": settings.get("max_length"),
        "key": key,
    }


def library_name(path: Path | None) -> str:
    """What a person calls a library; ``"none"`` for none."""
    if path is None:
        return "none"
    return f"of {path.parent.name}" if path.name == LIBRARY_FILE else path.stem


def list_finished_evaluations(store: Store[Any]) -> list[Job]:
    """Those whose scores can be looked at, the newest first."""
    jobs = store.jobs(kinds=[EVALUATION])
    done = [job for job in jobs if job.state == State.FINISHED and (job.folder / RESULT).is_file()]
    return sorted(done, key=lambda job: -(job.ended or 0))


def read_evaluation(job: Job) -> dict[str, Any]:
    """The content of `RESULT`.

    Raises
    ------
    DocumentError
        If the file is damaged.
    """
    return read_json(job.folder / RESULT)


def find_evaluation(store: Store[Any], settings: Mapping[str, Any]) -> Job | None:
    """One that waits, runs or has finished with just these settings and files."""
    key = describe_evaluation(settings)["key"]
    for job in store.jobs(kinds=[EVALUATION]):
        waits = job.state not in ENDED
        done = job.state == State.FINISHED and (job.folder / RESULT).is_file()
        if (waits or done) and job.settings.get("key") == key:
            return job
    return None


def _check(job: Job) -> None:
    describe_evaluation(job.settings)


EVALUATION_JOB = JobKind(
    work=evaluate_job,
    check=_check,
    onward=lambda job: "goes on with the chains that are left",
    advice="Leave out long chains",
)
