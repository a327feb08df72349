"""What a person does to runs: launch, stop, resume, duplicate, sweep, delete.

Nothing here waits for a run: the store remembers what is wanted, and the scheduler, a
process of its own, does it.
"""

import itertools
import os
import shutil
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from distmat.errors import ConfigError, RunError
from distmat.jobs import processes
from distmat.jobs.states import Cause, State
from distmat.runs import slurm
from distmat.runs.run import Run
from distmat.runs.scheduler import bury, ensure_scheduler, has_work, is_scheduling
from distmat.runs.store import RunStore
from distmat.training.config import TrainingConfig
from distmat.workspace import checkpoint_path, dataset_path

GRACE = 120.0
"""Seconds that a stopping run has for its checkpoint."""

MOST_IN_A_SWEEP = 500


def launch(
    store: RunStore,
    config: TrainingConfig,
    *,
    name: str = "",
    group: str = "",
    tags: Iterable[str] = (),
    notes: str = "",
    backend: str = "local",
    backend_settings: Mapping[str, object] | None = None,
    directory: Path | None = None,
    origin: str = "",
    webhook: str | None = None,
    immediate: bool = False,
) -> Run:
    """Queue a run, and see to it that somebody starts it; returns at once.

    See `RunStore.add` for the parameters.

    Raises
    ------
    DatasetError, CheckpointError, RunError
        If it couldn't start as it is.
    """
    _check_inputs(config)
    run = store.add(
        config,
        name=name,
        group=group,
        tags=tags,
        notes=notes,
        backend=backend,
        backend_settings=backend_settings,
        directory=directory,
        origin=origin,
        webhook=webhook,
        immediate=immediate,
    )
    ensure_scheduler(store.home)
    return run


def sweep(
    config: TrainingConfig, values: Mapping[str, Sequence[object]], kind: str = "grid"
) -> list[TrainingConfig]:
    """Configs that differ in some fields.

    Parameters
    ----------
    config : TrainingConfig
        What they have in common.
    values : mapping of str to sequence
        For each field the values it takes.
    kind : {'grid', 'list'}
        Every value with every other; or first with first, second with second and so on.

    Raises
    ------
    ConfigError
        If a field or value is wrong, or the lists of a list sweep differ in length.
    """
    if not values or not all(values.values()):
        raise ConfigError("A sweep needs at least one field, and at least one value for each.")
    lengths = {name: len(list(options)) for name, options in values.items()}
    if kind == "list" and len(set(lengths.values())) > 1:
        counts = ", ".join(f"{name} {count}" for name, count in lengths.items())
        raise ConfigError(f"A list sweep needs as many values for each field; there are {counts}.")
    if kind not in ("grid", "list"):
        raise ConfigError(f"A sweep is 'grid' or 'list', not '{kind}'.")
    combine = itertools.product if kind == "grid" else zip
    combinations = list(combine(*values.values()))
    if len(combinations) > MOST_IN_A_SWEEP:
        raise ConfigError(
            f"The sweep has {len(combinations)} runs; at most {MOST_IN_A_SWEEP} are queued at once."
        )
    return [config.with_settings(dict(zip(values, chosen, strict=True))) for chosen in combinations]


def launch_sweep(
    store: RunStore, configs: Sequence[TrainingConfig], group: str, **options: object
) -> list[Run]:
    """Queue configs as one group; each is named by what sets it apart.

    Parameters
    ----------
    **options
        As for `launch`.
    """
    varied = {name for config in configs[1:] for name in configs[0].differences(config)}
    names = [name for name in configs[0].as_dict() if name in varied]
    for config in configs:
        _check_inputs(config)
    return [
        launch(
            store,
            config,
            group=group,
            name=" ".join([group, *(f"{name}={getattr(config, name)}" for name in names)]),
            **options,  # type: ignore[arg-type]
        )
        for config in configs
    ]


def stop(store: RunStore, run_id: str, grace: float = GRACE) -> None:
    """Ask a run to stop with a checkpoint; one that waits leaves the queue.

    Returns at once. What hasn't ended after `grace` seconds is killed by the scheduler.

    Raises
    ------
    RunError
        If it has ended already.
    """
    run = store.get(run_id)
    if store.change_state(
        run_id,
        State.STOPPED,
        only_from=[State.QUEUED],
        cause="Taken out of the queue.",
        kind=Cause.ASKED,
    ):
        if run.job:
            slurm.cancel(run)
        return
    run = store.get(run_id)
    if not run.active:
        raise RunError(f"{run.id} isn't running: it is {run.state}.")
    store.ask_to_stop(run_id, grace)
    if run.backend == "slurm":
        slurm.ask_to_stop(run)
    elif run.process is not None:
        processes.ask_to_stop(run.process)
    ensure_scheduler(store.home)


def resume(
    store: RunStore,
    run_id: str,
    changes: Mapping[str, object] | None = None,
    *,
    accept_changed_data: bool = False,
    immediate: bool = False,
) -> Run:
    """Queue a run that has ended, to go on from its newest checkpoint, or anew without one.

    Parameters
    ----------
    changes : mapping, optional
        Settings that are different from here on.
    accept_changed_data : bool
        Go on even if the chains of its datasets have changed.

    Raises
    ------
    RunError
        If it runs, waits or is finished.
    ConfigError
        If a change is wrong.
    """
    run = store.get(run_id)
    if run.state == State.FINISHED:
        raise RunError(f"{run.id} has finished all its steps; duplicate it to train more.")
    if not run.has_ended:
        raise RunError(f"{run.id} is {run.state}; only a run that has ended can be resumed.")
    settings = run.config.with_settings({**(changes or {}), "output": str(run.folder)})
    accepted = {"accept_changed_data": True} if accept_changed_data else {}
    store.requeue(
        run_id,
        settings=settings.as_dict(),
        backend_settings={**run.backend_settings, **accepted},
        immediate=immediate,
    )
    ensure_scheduler(store.home)
    return store.get(run_id)


def duplicate(
    store: RunStore,
    run_id: str,
    changes: Mapping[str, object] | None = None,
    *,
    name: str = "",
    immediate: bool = False,
) -> Run:
    """Queue a new run with the settings of an earlier one, some of them changed."""
    run = store.get(run_id)
    config = run.config.with_settings({**(changes or {}), "output": run.name})
    return launch(
        store,
        config,
        name=name or run.name,
        tags=run.tags,
        backend=run.backend,
        backend_settings=run.backend_settings,
        directory=Path(run.directory),
        origin=run.id,
        webhook=run.webhook,
        immediate=immediate,
    )


def delete(store: RunStore, run_id: str) -> None:
    """Delete a run: its metrics, its log, its checkpoints.

    Raises
    ------
    RunError
        If it is running.
    """
    run = store.get(run_id)
    if run.active:
        raise RunError(f"{run.id} is running; stop it before deleting it.")
    # Out of sight at once, whatever the size of what is deleted.
    grave = run.folder.with_name(f".deleted-{run.id}")
    if run.folder.exists():
        os.replace(run.folder, grave)
    store.forget(run_id)
    shutil.rmtree(grave, ignore_errors=True)


def reorder(store: RunStore, run_id: str, index: int) -> None:
    """Give a waiting run another place in the queue, 0 for the front."""
    store.place(run_id, index)


def pause(store: RunStore, paused: bool) -> None:
    """Let the queue start nothing, or go on."""
    store.pause(paused)
    if not paused:
        ensure_scheduler(store.home)


def look(store: RunStore) -> None:
    """See whether what is said to run does run; costs about a millisecond.

    Without a scheduler, runs whose process is gone are marked as crashed here; and one is
    started if anything is left to do.
    """
    if not has_work(store) or is_scheduling(store.home):
        return
    for run in store.active():
        if run.process is not None and run.backend != "slurm" and not _is_alive(run):
            bury(store, run, None, None)
    if has_work(store):
        ensure_scheduler(store.home)


def disk_used(run: Run) -> int:
    """Bytes of the run's folder; a file with several names counts once."""
    sizes = {}
    for folder, _, files in os.walk(run.folder):
        for name in files:
            try:
                facts = os.stat(os.path.join(folder, name), follow_symlinks=False)
            except OSError:
                continue  # Deleted while we look.
            sizes[facts.st_dev, facts.st_ino] = facts.st_size
    return sum(sizes.values())


def _is_alive(run: Run) -> bool:
    return run.process is not None and processes.is_running(run.process)


def _check_inputs(config: TrainingConfig) -> None:
    for name in (config.train, config.val):
        # The trainer makes this one if it isn't there.
        if name != "synthetic":
            dataset_path(name)
    if config.init_from:
        checkpoint_path(config.init_from)
