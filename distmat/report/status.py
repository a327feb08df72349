"""Reports of one run and of all, from the store to a document in one call."""

from collections.abc import Callable, Sequence

from distmat.errors import RunError
from distmat.jobs.kinds import words_of
from distmat.report.blocks import Report
from distmat.report.collect import PredictMaps, collect, draw_maps, others_to_compare
from distmat.report.document import run_report
from distmat.report.project import project_report
from distmat.runs.run import TRAINING, Run
from distmat.runs.store import RunStore


def status(
    store: RunStore,
    run: Run,
    language: str = "en",
    compare: Sequence[str] = (),
    with_maps: bool = True,
    progress: Callable[[str], None] | None = None,
    predict: PredictMaps | None = None,
) -> Report:
    """The status report of a run, as it is now.

    Parameters
    ----------
    store : RunStore
    run : Run
    language : str
        ``"en"`` or ``"zh"``.
    compare : sequence of str
        Runs to set beside it; by default the best of each head on the same validation chains.
    with_maps : bool
        Predict and draw the best and worst chains, where the run has a final model.
    progress : callable, optional
        Told what is being done, a sentence at a time.
    predict : callable, optional
        Predicts maps of sequences by the checkpoint in a folder; by default in this process.

    Raises
    ------
    RunError
        If a run to compare with doesn't exist, or this is a job that trains nothing.
    """
    if run.kind != TRAINING:
        raise RunError(
            f"{run.id} is no training ({words_of(run.kind)}), and a report tells of trainings; "
            f"`distmat runs show {run.id}` says how it went."
        )
    facts = collect(store, run)
    others = [collect(store, other) for other in others_to_compare(store, run, compare)]
    maps = draw_maps(facts, progress, predict) if with_maps else ()
    return run_report(facts, language, others, maps)


def project(store: RunStore, language: str = "en") -> Report:
    """All runs of the workspace, ranked."""
    return project_report([collect(store, run) for run in store.runs()], store.home, language)
