"""Maps of a few validation chains at each evaluation, to watch a model learn.

    RUN/maps/truth.npz          the chains and their structures
    RUN/maps/step-00000500.npz  what was predicted after 500 steps

Distances are half-precision floats (within 0.03 Å below 64 Å) of the upper triangle alone; three
chains of 128 residues take some 60 kB a step.
"""

import re
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from distmat.errors import RunError
from distmat.protein.chain import Chain
from distmat.protein.distance_map import pairwise_distances
from distmat.workspace import replace_file

FOLDER = "maps"
"""In a run's own folder."""

MOST_CHAINS = 3

LONGEST = 200
"""Residues of a watched chain, where there are any as short as that."""

MOST_STEPS = 60
"""Evaluations whose maps are kept; of more, those that lie closest go."""

_STEP = re.compile(r"step-(\d+)\.npz")
_TRUTH = "truth.npz"


@dataclass(frozen=True)
class WatchedChain:
    """A chain whose maps are kept.

    Parameters
    ----------
    name, sequence : str
    true : ndarray, shape=(N, N), dtype=float
        Å; NaN where not observed.
    """

    name: str
    sequence: str
    true: np.ndarray


@dataclass(frozen=True)
class WatchedMap:
    """What was predicted of a chain after some steps.

    Parameters
    ----------
    distances : ndarray, shape=(N, N), dtype=float
        Å.
    mae, baseline_mae : float
        Mean absolute error of the map, and of the run's separation baseline, Å.
    """

    distances: np.ndarray
    mae: float
    baseline_mae: float


def choose_watched(chains: Sequence[Chain]) -> tuple[Chain, ...]:
    """A short, a middling and a long one of these; the same whenever they are the same.

    Parameters
    ----------
    chains : sequence of Chain
        Those that every evaluation scores.
    """
    ordered = sorted(chains, key=lambda chain: (len(chain), chain.name))
    ordered = [chain for chain in ordered if len(chain) <= LONGEST] or ordered[:MOST_CHAINS]
    shown = min(MOST_CHAINS, len(ordered))
    places = np.linspace(0, len(ordered) - 1, shown).round().astype(int)
    return tuple(ordered[place] for place in places)


def write_truth(run: Path, chains: Sequence[Chain]) -> None:
    """Keep the chains, once for all steps of the run in this folder."""
    arrays: dict[str, np.ndarray] = {
        "names": np.array([chain.name for chain in chains]),
        "sequences": np.array([chain.sequence for chain in chains]),
    }
    arrays |= {f"ca{k}": chain.ca.astype(np.float32) for k, chain in enumerate(chains)}
    _write(run / FOLDER / _TRUTH, arrays)


def write_step(run: Path, step: int, maps: Mapping[str, WatchedMap]) -> None:
    """Keep what was predicted after a step, by the chains' names.

    Maps of later steps, which a run has that goes on from an earlier checkpoint, are deleted.
    """
    arrays: dict[str, np.ndarray] = {
        "names": np.array(list(maps)),
        "mae": np.array([(one.mae, one.baseline_mae) for one in maps.values()]),
    }
    for k, one in enumerate(maps.values()):
        upper = np.triu_indices(len(one.distances), 1)
        arrays[f"map{k}"] = one.distances[upper].astype(np.float16)
    _write(_path(run, step), arrays)
    there = list_watched_steps(run)
    for other in set(there) - set(_thin([one for one in there if one <= step])):
        _path(run, other).unlink(missing_ok=True)


def _thin(steps: list[int]) -> list[int]:
    """At most `MOST_STEPS` of these, as evenly as they lie; both ends stay."""
    kept = list(steps)
    while len(kept) > MOST_STEPS:
        gaps = np.array(kept[2:]) - np.array(kept[:-2])
        del kept[1 + int(gaps.argmin())]
    return kept


def read_truth(run: Path) -> tuple[WatchedChain, ...]:
    """The watched chains of a run; none before its first evaluation.

    Raises
    ------
    RunError
        If the file is damaged.
    """
    path = run / FOLDER / _TRUTH
    if not path.is_file():
        return ()
    arrays = _read(path)
    return tuple(
        WatchedChain(str(name), str(sequence), pairwise_distances(arrays[f"ca{k}"].astype(float)))
        for k, (name, sequence) in enumerate(zip(arrays["names"], arrays["sequences"], strict=True))
    )


def list_watched_steps(run: Path) -> list[int]:
    """Steps of which there are maps, rising."""
    found = (_STEP.fullmatch(path.name) for path in (run / FOLDER).glob("step-*.npz"))
    return sorted(int(match[1]) for match in found if match)


def read_step(run: Path, step: int) -> dict[str, WatchedMap]:
    """What was predicted after a step, by the chains' names.

    Raises
    ------
    RunError
        If the file is damaged, or gone.
    """
    arrays = _read(_path(run, step))
    found = {}
    for k, (name, (mae, baseline)) in enumerate(zip(arrays["names"], arrays["mae"], strict=True)):
        packed = arrays[f"map{k}"].astype(float)
        n = (1 + round((1 + 8 * len(packed)) ** 0.5)) // 2
        distances = np.zeros((n, n))
        distances[np.triu_indices(n, 1)] = packed
        found[str(name)] = WatchedMap(distances + distances.T, float(mae), float(baseline))
    return found


def _path(run: Path, step: int) -> Path:
    return run / FOLDER / f"step-{step:08}.npz"


def _write(path: Path, arrays: dict[str, Any]) -> None:
    with replace_file(path) as file:
        np.savez_compressed(file, **arrays)


def _read(path: Path) -> dict[str, np.ndarray]:
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as content:
            return dict(content)
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
        raise RunError(
            f"{path} can't be read ({error}); the next evaluation writes new maps."
        ) from None
