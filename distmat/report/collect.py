"""The facts of a run, read from the store and from the run's folder."""

import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

import numpy as np

from distmat.dataset.card.files import read_card
from distmat.dataset.card.words import leak_sentence
from distmat.dataset.store import read_dataset
from distmat.documents import read_json
from distmat.errors import DistmatError
from distmat.figures.printed import halves_svg
from distmat.jobs.log import tail
from distmat.jobs.store.curve import Curve
from distmat.protein.distance_map import DistanceMap
from distmat.protein.entry_id import normal_id
from distmat.report.facts import ChainFacts, DataFacts, Hardware, RunFacts, StepRow
from distmat.report.sections.chains import MapDrawing, best_and_worst
from distmat.runs.checkpoints import final_files, list_checkpoints
from distmat.runs.diagnosis import diagnose
from distmat.runs.run import Run
from distmat.runs.store import RunStore
from distmat.workspace import dataset_path

PredictMaps = Callable[[str, Sequence[str]], list[DistanceMap]]
"""Of the checkpoint in a folder, maps of sequences."""

LOG_LINES = 15

ROWS = 20
"""Rows of the table of steps at most."""

SAMPLED = 300
"""Chains, evenly taken, that the statistics of a split are made from."""

_EVALUATION = "evaluation.json"


def collect(store: RunStore, run: Run, now: float | None = None) -> RunFacts:
    """Everything that a report says of a run, as it is now.

    Parameters
    ----------
    store : RunStore
    run : Run
    now : float, optional
        Seconds since 1970; by default the present.
    """
    now = time.time() if now is None else now
    metrics = store.curves(run.id)
    return RunFacts(
        written=datetime.fromtimestamp(now, UTC),
        id=run.id,
        name=run.name,
        state=str(run.state),
        cause=run.cause,
        started=_moment(run.started),
        ended=_moment(run.ended),
        step=run.step,
        total_steps=run.total_steps,
        epoch=run.epoch if run.step else None,
        elapsed=run.seconds_spent(now) if run.started else None,
        remaining=store.seconds_left(run),
        metrics=metrics,
        rows=tuple(_rows(store, run, metrics)),
        config=run.settings,
        start_facts=run.facts,
        environment=_versions(run.environment),
        hardware=_hardware(store, run),
        checkpoints=tuple(list_checkpoints(run.folder)),
        final=final_files(run.folder),
        folder=run.folder,
        log=tuple(tail(run.log, LOG_LINES)),
        findings=tuple(diagnose(store, run)),
        data=tuple(_data(run)),
        chains=_chains(run.folder),
    )


def draw_maps(
    facts: RunFacts,
    progress: Callable[[str], None] | None = None,
    predict: PredictMaps | None = None,
) -> Any:
    """Maps of the best and worst chains, predicted by the run's final model.

    Parameters
    ----------
    facts : RunFacts
    progress : callable, optional
    predict : callable, optional
        See `distmat.report.status.status`.

    Returns
    -------
    list of MapDrawing, or str
        A sentence where they can't be had.
    """
    if not facts.chains or not facts.final:
        return []
    try:
        wanted = [chain.name for group in best_and_worst(facts) for chain in group]
        name = str(facts.config.get("val", ""))
        dataset = read_dataset(dataset_path(name)).of_split("val").of_names(set(wanted))
        if progress:
            progress(f"Predicting {len(dataset.chains)} chains")
        maps = (predict or _predict)(
            str(facts.folder), [chain.sequence for chain in dataset.chains]
        )
    except DistmatError as error:
        return str(error)
    drawings = []
    for chain, predicted in zip(dataset.chains, maps, strict=True):
        name = normal_id(chain.name)
        mae = next(scored.mae for scored in facts.chains if normal_id(scored.name) == name)
        draw = partial(halves_svg, predicted.distances, chain.distances, "i, j")
        drawings.append(MapDrawing(chain.name, mae, draw))
    return drawings


def _predict(folder: str, sequences: Sequence[str]) -> list[DistanceMap]:
    from distmat.model.predictor import load

    predictor = load(folder)
    return [predictor.predict(sequence) for sequence in sequences]


def _rows(store: RunStore, run: Run, metrics: Mapping[str, Curve]) -> list[StepRow]:
    loss = metrics.get("loss")
    if loss is None:
        return []
    names = ("loss", "grad_norm", "learning_rate")
    rows = []
    for index in choose_rows(loss, metrics.get("grad_norm", loss)):
        step = int(loss.steps[index])
        # Each metric is thinned by itself: the others of this step are asked for.
        there = store.curves(run.id, names, first=step, last=step)
        values = {name: there[name].last if name in there else None for name in names}
        rows.append(StepRow(step, float(loss.epochs[index]), **values))
    return rows


def choose_rows(loss: Curve, norm: Curve) -> list[int]:
    """Indices of at most `ROWS` points of the loss: both ends, the extremes, evenly spaced ones."""
    count = len(loss)
    kept = {0, count - 1}
    for curve in (loss, norm):
        finite = curve.finite()
        for pick in (np.argmin, np.argmax) if len(finite) else ():
            kept |= set(np.flatnonzero(loss.steps == finite.steps[pick(finite.values)]))
    kept |= set(np.flatnonzero(~np.isfinite(loss.values))[:1])
    # From fine to coarse, so that as many even steps are there as fit.
    for parts in range(ROWS, 1, -1):
        even = set(np.linspace(0, count - 1, min(parts, count)).round().astype(int))
        if len(kept | even) <= ROWS:
            kept |= even
            break
    return sorted(int(index) for index in kept)


def _moment(seconds: float | None) -> datetime | None:
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC)


def _versions(environment: Mapping[str, Any]) -> dict[str, str]:
    said = {
        name: str(environment[name])
        for name in ("distmat", "python", "system", "host")
        if environment.get(name)
    }
    packages = environment.get("packages") or {}
    said |= {name: str(version) for name, version in packages.items()}
    commit = ((environment.get("git") or {}).get("package") or {}).get("commit")
    return said | ({"git": str(commit)[:12]} if commit else {})


def _hardware(store: RunStore, run: Run) -> Hardware | None:
    samples = store.hardware(run.id)
    if not samples:
        return None
    machine = run.environment.get("machine")
    gpus = machine.get("gpus") if isinstance(machine, Mapping) else None
    gpu = gpus[0] if gpus else {}

    def mean(name: str, scale: float = 1.0) -> float | None:
        return float(np.nanmean(samples[name].values)) * scale if name in samples else None

    def most(name: str) -> float | None:
        return float(np.nanmax(samples[name].values)) if name in samples else None

    return Hardware(
        samples=max(len(curve) for curve in samples.values()),
        cpu=mean("cpu", 0.01),
        memory=most("memory"),
        gpu_name=str(gpu.get("name") or ("GPU" if "gpu" in samples else "")),
        gpu=mean("gpu", 0.01),
        gpu_memory=most("gpu_memory"),
        gpu_memory_total=gpu.get("memory"),
        gpu_temperature=most("gpu_temperature"),
        gpu_power=mean("gpu_power"),
    )


def _data(run: Run) -> list[DataFacts]:
    parts = []
    for split in ("train", "val"):
        name = str(run.settings.get(split) or "")
        chains = run.facts.get(f"{split}_chains")
        clusters = run.facts.get(f"{split}_clusters")
        try:
            path = dataset_path(_from(run.directory, name))
            spread = _measure(path, path.stat().st_mtime_ns, split)
            leaks = read_card(path).get("leaks") or {}
        except (DistmatError, OSError):
            spread, leaks = {}, {}
        if chains is None and not spread:
            continue
        parts.append(
            DataFacts(
                name,
                split,
                None if chains is None else int(str(chains)),
                None if clusters is None else int(str(clusters)),
                spread.get("mean"),
                spread.get("std"),
                spread.get("smallest"),
                spread.get("largest"),
                leaks.get("highest_identity") if split == "val" else None,
                leak_sentence(leaks) if split == "val" and leaks else "",
            )
        )
    return parts


def _from(directory: str, name: str) -> str:
    """A relative path as the run understood it."""
    path = Path(directory) / name
    return str(path) if path.is_file() else name


@lru_cache(maxsize=32)
def _measure(path: Path, changed: int, split: str) -> Mapping[str, float]:
    """Distances of that split alone: a card's are those of the whole set."""
    from scipy.spatial.distance import pdist

    dataset = read_dataset(path).of_split(split)
    if not len(dataset):
        return {}
    chosen = np.linspace(0, len(dataset) - 1, min(SAMPLED, len(dataset))).astype(int)
    chains = [dataset.chains[index] for index in chosen]
    found = np.concatenate([pdist(chain.ca[chain.observed]) for chain in chains])
    if not len(found):
        return {}
    return {
        "mean": float(found.mean()),
        "std": float(found.std()),
        "smallest": float(found.min()),
        "largest": float(found.max()),
    }


def _chains(folder: Path) -> tuple[ChainFacts, ...] | None:
    try:
        rows = read_json(folder / _EVALUATION)["per_chain"]
        return tuple(
            ChainFacts(
                str(row["id"]), row["model"]["mae"], row["baseline"]["mae"], row["model"]["pearson"]
            )
            for row in rows
            if row["model"]["mae"] is not None
        )
    except (OSError, ValueError, KeyError, TypeError):
        return None


def others_to_compare(store: RunStore, run: Run, wanted: Sequence[str] = ()) -> list[Run]:
    """Runs to stand beside this one.

    Parameters
    ----------
    wanted : sequence of str
        Ids or names; by default, for each other head the evaluated run with the lowest MAE, so
        that the published first way stands beside the second where both exist.

    Raises
    ------
    RunError
        If one of the wanted runs doesn't exist.
    """
    if wanted:
        return [store.find(text) for text in wanted]
    best: dict[object, Run] = {}
    for other in store.runs():
        mae = other.metrics.get("eval_mae")
        same = other.id == run.id or other.settings.get("val") != run.settings.get("val")
        if same or mae is None or not np.isfinite(mae):
            continue
        head = other.settings.get("head")
        if head not in best or mae < best[head].metrics["eval_mae"]:
            best[head] = other
    return list(best.values())
