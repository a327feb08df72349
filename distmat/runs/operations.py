"""What a person does to runs: launch, sweep, resume, duplicate, and what is done to any job.

Nothing here waits for a run: the store remembers what is wanted, and the scheduler, a
process of its own, does it.
"""

import itertools
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from distmat.errors import ConfigError, RunError
from distmat.jobs import operations as jobs
from distmat.jobs.backends import check_name, names
from distmat.jobs.operations import delete, disk_used, pause, reconcile, reorder, stop
from distmat.jobs.scheduler import ensure_scheduler
from distmat.runs.run import TRAINING, Run
from distmat.runs.store import RunStore
from distmat.training.config import TrainingConfig
from distmat.training.run_folder import check_inputs

__all__ = [
    "delete",
    "disk_used",
    "duplicate",
    "launch",
    "launch_sweep",
    "pause",
    "reconcile",
    "reorder",
    "resume",
    "stop",
    "sweep",
    "sweep_values",
]

MOST_IN_A_SWEEP = 500


def launch(store: RunStore, config: TrainingConfig, **options: Any) -> Run:
    """Queue a run, and see to it that somebody starts it; returns at once.

    Parameters
    ----------
    **options
        As for `RunStore.add`.

    Raises
    ------
    DatasetError, CheckpointError, RunError
        If it couldn't start as it is.
    """
    check_name(options.get("backend", names()[0]))
    check_inputs(config)
    run = store.add(config, **options)
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


def sweep_values(text: str) -> list[str]:
    """The values of one setting, on the page and in the command: between semicolons, or commas
    where there is no semicolon.
    """
    parts = text.split(";" if ";" in text else ",")
    return [part.strip() for part in parts if part.strip()]


def launch_sweep(
    store: RunStore, configs: Sequence[TrainingConfig], group: str, **options: Any
) -> list[Run]:
    """Queue configs as one group; each is named by what sets it apart.

    Parameters
    ----------
    **options
        As for `launch`.
    """
    varied = {name for config in configs[1:] for name in configs[0].differences(config)}
    telling = [name for name in configs[0].as_dict() if name in varied]
    for config in configs:
        check_inputs(config)
    return [
        launch(
            store,
            config,
            group=group,
            name=" ".join([group, *(f"{name}={getattr(config, name)}" for name in telling)]),
            **options,
        )
        for config in configs
    ]


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
    if run.kind != TRAINING:
        if changes:
            raise RunError(f"{run.id} is no training; it is resumed as it is, without changes.")
        jobs.resume(store, run_id, immediate=immediate)
        return store.get(run_id)
    accepted = {"accept_changed_data": True} if accept_changed_data else {}
    settings = dict(run.settings)
    if run.has_ended:
        settings = run.config.with_settings(
            {**(changes or {}), "output": str(run.folder)}
        ).as_dict()
    jobs.resume(
        store,
        run_id,
        settings=settings,
        backend_settings={**run.backend_settings, **accepted},
        immediate=immediate,
    )
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
    if run.kind != TRAINING:
        raise RunError(f"{run.id} is no training; only those are duplicated.")
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
