"""A dataset out of nothing, for a machine without data or a network: synthetic, and named so.

Chains of helices, strands and loops that grow one element after the other, avoid themselves
and stay together. Their sequences are drawn from what each kind of structure prefers, so that
there is something to learn: where helices and strands are. Which of them lie side by side is
chance, and no model can know it.
"""

import os
import secrets
from itertools import pairwise
from pathlib import Path

import numpy as np
from scipy.spatial.distance import cdist

from distmat.access import check_may_change
from distmat.dataset.card.files import write_card
from distmat.dataset.card.measure import make_card
from distmat.dataset.filters import measure
from distmat.dataset.store import Dataset, DatasetWriter
from distmat.errors import DatasetError
from distmat.geometry.chain_geometry import BOND
from distmat.geometry.handedness import reference_angles
from distmat.geometry.secondary_structure import structure_content
from distmat.protein.chain import Chain
from distmat.protein.sequence import ALPHABET
from distmat.workspace import replace_file, workspace

NAME = "synthetic"
CHAINS = 400
LENGTHS = (40, 120)
"""Residues of the shortest and of the longest chain."""

_KINDS = "HEL"
_TURNS = {"H": (91.0, 50.0), "E": (123.0, -170.0)}
"""Angle at a Cα and dihedral of four (degrees) of an α-helix and of a β-strand."""
_JITTER = {"H": (2.0, 4.0), "E": (6.0, 12.0)}
"""Standard deviations of the two (degrees)."""
_SIZES = {"H": (8, 20), "E": (4, 9), "L": (3, 7)}
"""Residues of the shortest and of the longest element of each kind."""
_CLOSEST = 4.0
"""Å between the Cα atoms of residues three or more apart, at least."""
_CANDIDATES, _ATTEMPTS = 64, 60
"""Ways to go on that are compared for each element, and chains begun before one is given up."""

_PREFERENCES = {
    "H": (1.42, 0.70, 1.01, 1.51, 1.13, 0.57, 1.00, 1.08, 1.16, 1.21,
          1.45, 0.67, 0.57, 1.11, 0.98, 0.77, 0.83, 1.06, 1.08, 0.69),
    "E": (0.83, 1.19, 0.54, 0.37, 1.38, 0.75, 0.87, 1.60, 0.74, 1.30,
          1.05, 0.89, 0.55, 1.10, 0.93, 0.75, 1.19, 1.70, 1.37, 1.47),
    "L": (0.66, 1.19, 1.46, 0.74, 0.60, 1.56, 0.95, 0.47, 1.01, 0.59,
          0.60, 1.56, 1.52, 0.98, 0.95, 1.43, 0.96, 0.50, 0.96, 1.14),
}  # fmt: skip
"""Propensities for helix, strand and turn of ACDEFGHIKLMNPQRSTVWY (Chou & Fasman, 1978)."""
_SHARPER = 2.0
"""Their power: of single residues real proteins tell less than can be learned in minutes."""


def synthetic_dataset(chains: int | None = None, seed: int = 0) -> Dataset:
    """Chains that obey the same few rules, the same ones for the same seed.

    Parameters
    ----------
    chains : int, optional
        `CHAINS` if not given; of `LENGTHS` residues. 80 % of them are to train on, 10 % each to
        validate and to test.
    seed : int

    Returns
    -------
    Dataset
        Named ``"synthetic"``, as are its chains; bonds of `BOND` Å, the hand that proteins have.
    """
    chains = CHAINS if chains is None else chains
    grown = tuple(
        _chain(f"{NAME}_{number:04d}", np.random.default_rng((seed, number)))
        for number in range(1, chains + 1)
    )
    splits = np.array([{8: "val", 9: "test"}.get(k % 10, "train") for k in range(chains)])
    everyone = np.ones(chains, dtype=bool)
    return Dataset(NAME, grown, np.arange(chains), everyone, splits)


def ensure_synthetic() -> Path:
    """The synthetic set in the workspace, which is made if it isn't there yet."""
    path = workspace() / "datasets" / f"{NAME}.parquet"
    if not path.exists():
        check_may_change("make datasets")
        write_synthetic(path)
    return path


def write_synthetic(path: Path, chains: int | None = None, seed: int = 0) -> None:
    """Write the set and its card, the set last; parameters as in `synthetic_dataset`.

    Raises
    ------
    DatasetError
        If there are too few chains, or too many.
    """
    if chains is not None and not 10 <= chains <= 100_000:
        raise DatasetError(f"{chains} chains are asked for; give 10 to 100,000.")
    # Where nothing can be written, that is said before the chains are grown.
    path.parent.mkdir(parents=True, exist_ok=True)
    dataset = synthetic_dataset(chains, seed)
    new = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    try:
        _write_chains(dataset, new)
        settings = {"synthetic": True, "seed": seed, "lengths": LENGTHS}
        leaks = {"words": "Every sequence is drawn on its own, so no two are relatives."}
        card = make_card(new, path.stem, {}, settings, [], leaks)
        write_card(card, path)
        os.replace(new, path)
    finally:
        new.unlink(missing_ok=True)


def _write_chains(dataset: Dataset, path: Path) -> None:
    splits = () if dataset.splits is None else dataset.splits.tolist()
    with replace_file(path) as file, DatasetWriter(file) as writer:
        for number, (chain, split) in enumerate(zip(dataset.chains, splits, strict=True)):
            writer.add(
                chain,
                cluster=number,
                group=number,
                rep=True,
                split=split,
                method="SYNTHETIC",
                title="synthetic chain",
                source=NAME,
                missing=0,
                breaks=0,
                rg=measure(chain).gyration,
                **dict(zip(("helix", "strand"), structure_content(chain), strict=True)),
            )


def _chain(name: str, random: np.random.Generator) -> Chain:
    length = int(random.integers(LENGTHS[0], LENGTHS[1] + 1))
    for _ in range(_ATTEMPTS):
        kinds = _elements(length, random)
        coords = _grow(kinds, random)
        if coords is not None:
            # A thousandth of an Å is what structure files keep, too.
            return Chain(name, _sequence(kinds, random), np.round(coords, 3).astype(np.float32))
    raise RuntimeError(f"no self-avoiding chain of {length} residues was found")


def _elements(length: int, random: np.random.Generator) -> str:
    """The kind of every residue: helices and strands, or one of them alone, between loops."""
    choices = ("H", "E", "HE")[random.integers(3)]
    kinds = "L" * int(random.integers(1, 4))
    while len(kinds) < length:
        for kind in (random.choice(list(choices)), "L"):
            first, last = _SIZES[kind]
            kinds += kind * int(random.integers(first, last + 1))
    return kinds[:length]


def _grow(kinds: str, random: np.random.Generator) -> np.ndarray | None:
    """Coordinates in Å, shape=(N, 3), or None if the chain ran into itself."""
    coords = np.zeros((1, 3))
    frame = np.eye(3)
    boundaries = [0, *(k for k in range(1, len(kinds)) if kinds[k] != kinds[k - 1]), len(kinds)]
    # A loop and what follows it are placed together: where the loop leads is what counts.
    pieces = [0, *(b for b in boundaries[1:-1] if kinds[b] == "L"), len(kinds)]
    for start, end in pairwise(pieces):
        theta, tau = _turns(kinds[start:end], random)
        points, frames = _walks(coords[-1], frame, theta, tau)
        free = ~_find_clashing(coords, points)
        if not free.any():
            return None
        best = int(np.where(free, _spread(coords, points), np.inf).argmin())
        coords, frame = np.concatenate([coords, points[best]]), frames[best]
    return coords[1:]


def _turns(kinds: str, random: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Angles and dihedrals (radians) of all candidates, each of shape=(candidates, residues)."""
    shape = (_CANDIDATES, len(kinds))
    known = reference_angles()
    # Loops turn as the windows of real chains do, whatever these belong to.
    bins = np.searchsorted(np.cumsum(known.density)[:-1], random.random(shape))
    row, column = np.unravel_index(bins, known.density.shape)
    theta = known.theta_edges[row] + random.random(shape) * np.diff(known.theta_edges)[row]
    tau = known.tau_edges[column] + random.random(shape) * np.diff(known.tau_edges)[column]
    for kind, (angle, dihedral) in _TURNS.items():
        columns = np.array([letter == kind for letter in kinds])
        noise = random.normal(size=(2, *shape))
        theta = np.where(columns, angle + _JITTER[kind][0] * noise[0], theta)
        tau = np.where(columns, dihedral + _JITTER[kind][1] * noise[1], tau)
    return np.radians(theta), np.radians(tau)


def _walks(
    start: np.ndarray, frame: np.ndarray, theta: np.ndarray, tau: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Points, shape=(candidates, residues, 3), and the frames, (candidates, 3, 3), at their ends.

    A frame's rows are the last bond's direction, a normal of the plane of the last two, and
    the one that completes the right-handed set.
    """
    candidates, residues = theta.shape
    points = np.empty((candidates, residues, 3))
    position = np.broadcast_to(start, (candidates, 3))
    frames = np.broadcast_to(frame, (candidates, 3, 3))
    bend_cos, bend_sin = -np.cos(theta), np.sin(theta)
    turn_cos, turn_sin = np.cos(tau), np.sin(tau)
    for k in range(residues):
        along, side, normal = frames[:, 0], frames[:, 1], frames[:, 2]
        c, s = turn_cos[:, k, None], turn_sin[:, k, None]
        new_side, new_normal = c * side + s * normal, c * normal - s * side
        b, d = bend_cos[:, k, None], bend_sin[:, k, None]
        new_along = b * along - d * new_side
        frames = np.stack([new_along, d * along + b * new_side, new_normal], axis=1)
        position = position + BOND * new_along
        points[:, k] = position
    return points, frames


def _find_clashing(coords: np.ndarray, points: np.ndarray) -> np.ndarray:
    """Which candidates come too close to the chain so far or to themselves."""
    candidates, new, _ = points.shape
    old = cdist(points.reshape(-1, 3), coords).reshape(candidates, new, len(coords))
    apart = len(coords) + np.arange(new)[:, None] - np.arange(len(coords))[None, :]
    hit = ((old < _CLOSEST) & (apart >= 3)).any(axis=(1, 2))
    i, j = np.triu_indices(new, 3)
    x, y, z = (points[:, i] - points[:, j]).transpose(2, 0, 1)
    return hit | (np.sqrt(x * x + y * y + z * z) < _CLOSEST).any(axis=1)


def _spread(coords: np.ndarray, points: np.ndarray) -> np.ndarray:
    """How far out each candidate leads: its mean square distance from the chain's middle."""
    middle = np.concatenate([np.broadcast_to(coords, (len(points), *coords.shape)), points], axis=1)
    centre = middle.mean(axis=1, keepdims=True)
    return ((middle - centre) ** 2).sum(axis=-1).mean(axis=1)


def _sequence(kinds: str, random: np.random.Generator) -> str:
    weights = np.array([_PREFERENCES[kind] for kind in _KINDS]) ** _SHARPER
    cumulative = np.cumsum(weights / weights.sum(axis=1, keepdims=True), axis=1)
    rows = cumulative[[_KINDS.index(kind) for kind in kinds]]
    chosen = (random.random((len(kinds), 1)) > rows[:, :-1]).sum(axis=1)
    return "".join(ALPHABET[k] for k in chosen)
