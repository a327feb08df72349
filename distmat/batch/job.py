"""Predicting many chains as a job, or as several that share the work."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from distmat.batch import PREDICTION
from distmat.batch.crew import Means, count_processes, is_short, predict_by_crew, predict_group
from distmat.batch.inputs import read_inputs
from distmat.batch.results import ARCHIVE, TABLE, Results
from distmat.batch.stream import choose_checkpoints, open_in_turn
from distmat.errors import SequenceError
from distmat.export.formats import USUAL
from distmat.export.restraints import DEFAULT_THRESHOLD
from distmat.jobs.job import Job
from distmat.jobs.kinds import JobKind
from distmat.jobs.operations import submit_shared
from distmat.jobs.progress import Progress
from distmat.jobs.recorder import Recorder
from distmat.jobs.store import Store
from distmat.library.search import Exclusion
from distmat.library.store import Library, open_library
from distmat.prediction import Prediction
from distmat.protein.query import Query
from distmat.workspace import AUTO, checkpoint_for, checkpoint_identity, checkpoint_path

RESULTS = "results"
"""In the job's folder: the table and the files, unless they go elsewhere."""


def submit_predictions(
    store: Store[Any],
    inputs: Sequence[Path] | Callable[[Path], Sequence[Path]],
    *,
    checkpoint: str = AUTO,
    library: str | None = None,
    exclude: Exclusion | None = None,
    formats: Sequence[str] = USUAL,
    threshold: float = DEFAULT_THRESHOLD,
    folder: Path | None = None,
    amino_acids: bool = False,
    with_archive: bool = False,
    parts: int = 1,
    name: str = "",
    **options: Any,
) -> list[Job]:
    """Queue the prediction of all chains of some files.

    Parameters
    ----------
    inputs : sequence of Path, or callable
        See `distmat.batch.inputs.read_inputs`; a function is given the job's folder, to put
        there what must not change.
    checkpoint : str
        Chosen by each chain's length unless it is named; see `distmat.workspace.checkpoint_for`.
    library : str, optional
        Name or file; ``"none"`` for none; by default the checkpoint's own.
    formats : sequence of str
        Of `distmat.export.formats.FORMATS`.
    threshold : float
        Å: the deviation up to which a pair makes a restraint, in formats of restraints.
    folder : Path, optional
        Where results go; by default a folder of the first job.
    parts : int
        Jobs that share the chains; the last to end writes the table of all.
    **options
        As for `distmat.jobs.operations.submit`.

    Returns
    -------
    list of Job
    """
    exclude = exclude or Exclusion()

    def settings(own: Path) -> dict[str, object]:
        files = inputs(own) if callable(inputs) else inputs
        return {
            "inputs": [str(path.absolute()) for path in files],
            "checkpoint": checkpoint,
            "library": library,
            "exclude": [sorted(exclude.entries), exclude.identity, exclude.released_from],
            "formats": list(formats),
            "threshold": threshold,
            "folder": str((folder or own / RESULTS).absolute()),
            "amino_acids": amino_acids,
            "with_archive": with_archive,
        }

    return submit_shared(store, PREDICTION, settings, parts, name, **options)


def results_of(
    queries: Sequence[Query],
    folder: Path,
    checkpoint: str,
    library: Library | None,
    exclude: Exclusion,
    formats: Sequence[str] = USUAL,
    **options: Any,
) -> Results:
    """The folder of some predictions, which knows the ones that were made by the same means."""
    known = "" if library is None else library.fingerprint()
    told = (sorted(exclude.entries), exclude.identity, exclude.released_from)
    chosen = choose_checkpoints(checkpoint, queries)
    ages = [checkpoint_identity(name) for name in sorted(set(chosen))]
    return Results(folder, queries, chosen, formats, (*ages, known, repr(told)), **options)


def _nothing(found: object, checkpoint: str) -> None:
    """Of a prediction that nobody asks about."""


def predict_into(
    results: Results,
    library: Library | None,
    exclude: Exclusion,
    progress: Callable[[int, int, str], None],
    part: int = 0,
    parts: int = 1,
    digest: Callable[[Prediction | SequenceError, str], Any] = _nothing,
    seen: Callable[[int, Any], None] = lambda place, told: None,
) -> None:
    """Predict the chains that are left: long ones here, the others by a process per processor.

    Parameters
    ----------
    progress : callable
        Told how many chains are done, of how many, and what is being done.
    part, parts : int
        Every so-manieth group, from which one on.
    digest : callable, optional
        What is to be known of a prediction and its checkpoint's name; of a module, for it goes to
        another process.
    seen : callable, optional
        Given the place of each chain, and its digest.
    """
    results.begin()
    left = [results.group(number) for number in results.left(part, parts)]
    mine = range(part, len(results.groups), parts)
    total = sum(len(results.groups[number]) for number in mine)
    done = total - sum(map(len, left))
    if not left:
        return
    progress(done, total, "Loading the network")
    count = count_processes(left)
    dealt = [group for group in left if count > 1 and is_short(group)]
    here = [group for group in left if count == 1 or not is_short(group)]

    def told(place: int, found: Prediction | SequenceError) -> None:
        nonlocal done
        done += 1
        seen(place, digest(found, results.checkpoints[place]))
        progress(done, total, "Predicting")

    if here:
        open_checkpoint = open_in_turn()
        for group in here:
            progress(done, total, "Predicting")
            predict_group(open_checkpoint(group.checkpoint), group, library, exclude, told)
    if dealt:
        means = Means(None if library is None else library.path, exclude)
        before = done
        for place, told_of in predict_by_crew(
            dealt, means, count, digest, lambda more: progress(before + more, total, "Predicting")
        ):
            seen(place, told_of)


def predict_job(job: Job, recorder: Recorder | None) -> bool:
    """Predict this job's share of the chains; the last of several writes the table."""
    if recorder is None:
        return True
    given: dict[str, Any] = dict(job.settings)
    progress = Progress(recorder)
    progress.show(0, 1, "Reading")
    queries, refused = read_inputs([Path(p) for p in given["inputs"]], given["amino_acids"])
    entries, identity, released = given["exclude"]
    exclude = Exclusion(frozenset(entries), identity, released)
    library = open_library(given["library"], given["checkpoint"])
    folder = Path(given["folder"])
    results = results_of(
        queries,
        folder,
        given["checkpoint"],
        library,
        exclude,
        given["formats"],
        refused=refused,
        threshold=given.get("threshold", DEFAULT_THRESHOLD),
    )
    part, parts = given["part"], given["parts"]
    predict_into(results, library, exclude, progress.show, part=part, parts=parts)
    if results.finish(given["with_archive"], keep_state=parts > 1):
        recorder.say(f"The results are in {folder}.")
    return True


def table_path(job: Job) -> Path:
    """Where the table of a job's results is, or will be."""
    return Path(str(job.settings["folder"])) / TABLE


def archive_path(job: Job) -> Path:
    """Where all files of a job's results are packed, if that was asked for."""
    return Path(str(job.settings["folder"])) / ARCHIVE


def _check(job: Job) -> None:
    checkpoint_path(checkpoint_for(str(job.settings["checkpoint"]), 1))
    inputs: Any = job.settings["inputs"]
    missing = next((path for path in inputs if not Path(path).exists()), None)
    if missing:
        raise SequenceError(f"{missing} isn't there any more; put it back, or start anew.")


PREDICTION_JOB = JobKind(
    work=predict_job,
    check=_check,
    onward=lambda job: "goes on where it was",
    advice="Leave out long chains",
)
