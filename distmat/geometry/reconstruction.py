"""From a distance map to the backbone trace that it implies, in stages.

Classical scaling gives the fold, weighted refinement the distances, the chain's own terms the
geometry, and the turns of the chain the hand.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.spatial.distance import cdist

from distmat.errors import DistanceMapError
from distmat.geometry.blas_threads import one_blas_thread
from distmat.geometry.calibration import Calibration
from distmat.geometry.chain_geometry import BOND
from distmat.geometry.completion import KnownMap, check_map, complete
from distmat.geometry.embedding import Embedding, embed
from distmat.geometry.handedness import Hand, choose_hand, mirror
from distmat.geometry.refinement import (
    BLOCK,
    LEAST_STD,
    Places,
    Targets,
    chain_term,
    error_variance,
    helix_term,
    helix_windows,
    minimize_energy,
    pair_term,
    resolve_clashes,
    round_coords,
)
from distmat.geometry.superposition import superpose
from distmat.protein.arrays import Coords, PairTable

Progress = Callable[[float, str], None]

STAGES = ("mds", "refined", "chain", "hand")
"""Names of the stages, in order."""
_CLOSEST = 3.3
"""Å; Cα atoms that aren't neighbours don't come closer."""
_BOND_RANGE = (3.6, 4.0)
"""Å; predicted bonds are clipped to this before fitting."""
_WEIGHT_POWER = -0.6
"""Before the map's own errors show, a pair weighs as its separation to this power."""
_STD_POWER = -1.5
"""A pair weighs as its standard deviation to this power. Independent errors deserve −2; errors
that many pairs share, as a predictor's, deserve less."""
_LEAST_ERROR = 0.05
"""Weighted squared error below which a map counts as fitted."""
_GUESSED_WEIGHT = 0.2
"""A filled-in pair's weight, of a known one's, while the fold forms; nothing afterwards."""
_CHAIN_FORCE, _REPULSION, _HELIX_FORCE = 50.0, 10.0, 25.0
"""Against a pair's squared error over its variance."""
_SETTLING_FORCE = 100.0
_FORMING, _REFINING, _REWEIGHTED, _CHAINING, _TURNING, _SETTLING = 40, 40, 20, 60, 40, 100
"""Iterations of each minimisation at most; later ones hardly change the fold."""
_REFINING_INCOMPLETE = 100
"""The same where pairs are unknown, and parts of the trace are held by few others."""
_REWEIGHTINGS = 2
_LONG = 500
"""Residues from which progress is reported."""
_FITTING = "fitting the distances"
_SENTENCES = {
    "chosen": "The turns of the chain chose the hand.",
    "undecided": "The turns of the chain hardly favour one hand: it may be the mirror image.",
    "flat": "The trace is flat or too short to have a hand.",
}


@dataclass(frozen=True)
class Reconstruction:
    """A trace rebuilt from a distance map.

    Parameters
    ----------
    coords : ndarray, shape=(N, 3), dtype=float
        Å, centred; NaN for a residue of which no distance is known.
    hand : str
        ``"chosen"``; ``"undecided"`` if the turns of the chain hardly favour one of the mirror
        images (`coords` is still the likelier one); ``"flat"`` if both are the same.
    hand_confidence : float
        |log odds| of the two hands per window of four residues; from
        `distmat.geometry.handedness.CONFIDENT` on the hand is ``"chosen"``.
    stress : float
        Root of Σ(rebuilt − map)² / Σ map² over the known pairs, after un-shrinking: 0.1 says
        that the distances are off by about a tenth.
    eigenvalue_share : float
        The top three eigenvalues' part of all, 0 to 1; 1 if the map is one of points in space.
    stages : dict of str to ndarray, shape=(N, 3)
        The trace after each of `STAGES`, superposed on the last, each in the hand it had. A
        stage that wasn't needed repeats the one before.
    steps : tuple of str
        What was done, in sentences.
    seconds : float
        The time it took.
    """

    coords: Coords
    hand: str
    hand_confidence: float
    stress: float
    eigenvalue_share: float
    stages: dict[str, np.ndarray]
    steps: tuple[str, ...]
    seconds: float


def reconstruct(
    distances: Any,
    std: Any = None,
    mask: Any = None,
    calibration: Calibration | None = None,
    progress: Progress | None = None,
    unit: str | None = None,
    zeros_are_missing: bool | None = None,
) -> Reconstruction:
    """Rebuild the Cα trace that a distance map implies.

    Parameters
    ----------
    distances : array_like, shape=(N, N)
        Å; NaN or infinity where not known.
    std : array_like, shape=(N, N), optional
        Standard deviations of the distances in Å: unsure pairs count less.
    mask : array_like, shape=(N, N), dtype=bool, optional
        True where the distance is known and to be used.
    calibration : Calibration, optional
        How the predictor shrinks its distances, to stretch them back.
    progress : callable, optional
        Called with a fraction (0 to 1) and a text, for chains of more than 500 residues.
    unit : str, optional
        ``"Å"``, ``"nm"`` or ``"pm"``, of distances and deviations. If not given it is Å, and a
        map whose neighbours aren't as far apart as in Å is refused.
    zeros_are_missing : bool, optional
        True if a zero between two residues says that their distance isn't known; False if it is
        their distance. If not given, a map with such zeros is refused.

    Raises
    ------
    MapOptionError
        If the map fits another unit, or has zeros, and nobody said what that means.
    DistanceMapError
        If this can't be a distance map; the sentence names the shape, pair or value.
    """
    started = time.perf_counter()
    known = check_map(distances, std, mask, unit, zeros_are_missing)
    n = len(known.distances)
    report = progress if progress is not None and n > _LONG else _silent
    with one_blas_thread():
        draft = _rebuilt(known, calibration, report)
        stages = _lay_stages(draft, n)
    report(1.0, "done")
    return Reconstruction(
        coords=stages[STAGES[-1]],
        hand=draft.hand.verdict,
        hand_confidence=draft.hand.confidence,
        stress=draft.stress,
        eigenvalue_share=draft.eigenvalue_share,
        stages=stages,
        steps=(*known.notes, *draft.steps),
        seconds=time.perf_counter() - started,
    )


@dataclass(frozen=True)
class _Draft:
    """What was rebuilt of the residues whose places in the chain are `residue`."""

    residue: np.ndarray
    traces: tuple[np.ndarray, ...]
    """One for each of `STAGES`."""
    hand: Hand
    eigenvalue_share: float
    stress: float
    steps: tuple[str, ...]


def _rebuilt(known: KnownMap, calibration: Calibration | None, report: Progress) -> _Draft:
    steps: list[str] = []
    residue = _place(known, steps)
    distances = known.distances
    if len(residue) < len(distances):
        distances = distances[np.ix_(residue, residue)]
    std = _usable(known.std, residue)
    if not np.isnan(distances).any():
        embedding = embed(distances)
        # A single residue has no distance that could be wrong.
        if embedding.exact or len(residue) == 1:
            return _exact(embedding, residue, distances, steps)
    _check_spread(distances)
    target = _tidy(distances, residue, calibration, steps)
    start = _complete(target, residue, steps)
    embedding = embed(start)
    steps.append("Classical scaling placed the residues in space.")
    points = round_coords(embedding.coords)
    refined, goal = _refine(points, target, start, residue, std, report)
    steps.append("Refinement brought the distances closer to the map, the more the surer they are.")
    places = Places(residue)
    terms = [pair_term(goal, repulsion=_REPULSION), chain_term(places, _CHAIN_FORCE)]
    chained = minimize_energy(
        refined, terms, _CHAINING, _part(report, 0.6, 0.85, "forming the chain")
    )
    chained = resolve_clashes(chained, places, np.empty(0, dtype=int), _SETTLING_FORCE, _SETTLING)
    steps.append("The residues were joined to a chain with bonds of 3.8 Å and no overlaps.")
    hand = choose_hand(chained, residue)
    steps.append(_hand_sentence(hand))
    final = hand.coords
    helix = helix_windows(final, places)
    if len(helix) and hand.verdict != "flat":
        terms.append(helix_term(helix, _HELIX_FORCE))
        final = minimize_energy(final, terms, _TURNING, _part(report, 0.85, 1.0, "turning helices"))
        final = resolve_clashes(final, places, helix, _SETTLING_FORCE, _SETTLING)
        steps.append("Helices were held to turning right, where parts of them turned left.")
    traces = (embedding.coords, refined, chained, final)
    return _Draft(
        residue, traces, hand, embedding.eigenvalue_share, stress(final, target), tuple(steps)
    )


def _refine(
    coords: np.ndarray,
    target: np.ndarray,
    start: np.ndarray,
    residue: np.ndarray,
    std: np.ndarray | None,
    report: Progress,
) -> tuple[np.ndarray, Targets]:
    """The trace that fits the map best, and the map with weights that its errors deserve."""
    known = np.isfinite(target)
    complete = bool(known.all())
    weights = _first_weights(residue, std)
    report(0.1, _FITTING)
    if not complete:
        forming = np.where(known, weights, _GUESSED_WEIGHT * weights)
        coords = minimize_energy(coords, [pair_term(Targets(start, forming))], _FORMING)
        weights[~known] = 0.0
    elif std is not None:
        # Weights that differ much from pair to pair would let the fold settle too early.
        even = 1.0 - np.eye(len(start))
        coords = minimize_energy(coords, [pair_term(Targets(start, even))], _FORMING)
    goal = Targets(start, weights)
    rounds = _REFINING if complete else _REFINING_INCOMPLETE
    coords = minimize_energy(coords, [pair_term(goal)], rounds, _part(report, 0.1, 0.4, _FITTING))
    if std is not None:
        return coords, Targets(start, weights / _mean_error(coords, goal))
    for turn in range(_REWEIGHTINGS):
        variance = error_variance(coords, target, residue)
        weights = np.divide(1.0, variance, out=variance)
        weights[~known] = 0.0
        np.fill_diagonal(weights, 0.0)
        goal = Targets(start, weights)
        coords = minimize_energy(coords, [pair_term(goal)], _REWEIGHTED)
        report(0.5 + 0.1 * turn, _FITTING)
    return coords, goal


def _first_weights(residue: np.ndarray, std: np.ndarray | None) -> np.ndarray:
    if std is not None:
        weights = std**_STD_POWER
    else:
        apart = np.maximum(np.arange(residue[-1] - residue[0] + 1.0), 1.0)
        weights = (apart**_WEIGHT_POWER)[np.abs(residue[:, None] - residue)]
    np.fill_diagonal(weights, 0.0)
    return weights


def _mean_error(coords: np.ndarray, goal: Targets) -> float:
    """Mean weighted squared error of the pairs that have a weight."""
    error = cdist(coords, coords)
    error -= goal.distances
    pairs = max(np.count_nonzero(goal.weights), 1)
    mean = np.vdot(goal.weights, np.square(error, out=error)) / pairs
    return float(max(mean, _LEAST_ERROR))


def _exact(
    embedding: Embedding, residue: np.ndarray, distances: np.ndarray, steps: list[str]
) -> _Draft:
    hand = choose_hand(embedding.coords, residue)
    steps.append("The map is one of points in space: classical scaling gave them exactly.")
    steps.append(_hand_sentence(hand))
    traces = (*[embedding.coords] * 3, hand.coords)
    return _Draft(
        residue,
        traces,
        hand,
        embedding.eigenvalue_share,
        stress(hand.coords, distances),
        tuple(steps),
    )


def stress(coords: Coords, distances: PairTable) -> float:
    """Root of Σ(rebuilt − map)² / Σ map² over the known pairs.

    Parameters
    ----------
    coords : ndarray, shape=(N, 3), dtype=float
        Å.
    distances : ndarray, shape=(N, N), dtype=float
        Å; NaN where not known.
    """
    total, off, n = 0.0, 0.0, len(coords)
    for start in range(0, n, BLOCK):
        rows, columns = slice(start, start + BLOCK), slice(start, n)
        given = distances[rows, columns]
        error = cdist(coords[rows], coords[columns])
        error -= given
        if np.isnan(error).any():
            given = np.where(np.isnan(error), 0.0, given)
            np.nan_to_num(error, copy=False)
        # Within the diagonal block each pair shows twice, elsewhere once.
        inner = len(error)
        twice, twice_off = given[:, :inner], error[:, :inner]
        total += float(np.vdot(given, given) - 0.5 * np.vdot(twice, twice))
        off += float(np.vdot(error, error) - 0.5 * np.vdot(twice_off, twice_off))
    return float(np.sqrt(off / total)) if total > 0 else 0.0


def _place(known: KnownMap, steps: list[str]) -> np.ndarray:
    """The places of the residues of which any distance is known."""
    n = len(known.distances)
    if known.complete:
        return np.arange(n)
    residue = np.flatnonzero(np.isfinite(known.distances).sum(axis=1) > 1)
    if len(residue) < n:
        steps.append(f"{n - len(residue)} residues without any known distance were left out.")
    return residue


def _usable(std: np.ndarray | None, residue: np.ndarray) -> np.ndarray | None:
    """Standard deviations for all pairs: the largest where none is given."""
    if std is None:
        return None
    chosen: np.ndarray = std[np.ix_(residue, residue)]
    given = np.isfinite(chosen) & ~np.eye(len(chosen), dtype=bool)
    if not given.any():
        return None
    chosen[~given] = chosen[given].max()
    np.maximum(chosen, LEAST_STD, out=chosen)
    return chosen


def _check_spread(distances: np.ndarray) -> None:
    """Refuse what has no shape, or another unit than Å."""
    known = distances[np.triu_indices(len(distances), 1)]
    low, high = np.nanmin(known), np.nanmax(known)
    if high < _CLOSEST:
        what = "All distances are zero" if high == 0 else f"The largest distance is {high:.3g} Å"
        raise DistanceMapError(
            f"{what}, but neighbours in a chain are {BOND} Å apart; give distances in Å, not "
            "contacts or a scaled map."
        )
    if len(distances) > 4 and high - low <= 1e-9 * high and not np.isnan(known).any():
        raise DistanceMapError(
            f"All distances are {high:.3g} Å, which more than four points can't have; a map "
            "without a shape implies no trace."
        )


def _tidy(
    distances: np.ndarray, residue: np.ndarray, calibration: Calibration | None, steps: list[str]
) -> np.ndarray:
    """Distances that a chain can have."""
    target = distances
    if calibration is not None and calibration.changes_maps:
        target = calibration.stretch(target, residue)
        steps.append("Distances were stretched back from the mean to which the predictor shrinks.")
    target = np.where(np.eye(len(target), dtype=bool), 0.0, np.maximum(target, _CLOSEST))
    bond = Places(residue).starts(1)
    target[bond, bond + 1] = target[bond + 1, bond] = np.clip(target[bond, bond + 1], *_BOND_RANGE)
    return target


def _complete(target: np.ndarray, residue: np.ndarray, steps: list[str]) -> np.ndarray:
    unknown = np.isnan(target)
    if not unknown.any():
        return target
    share = unknown.sum() / (len(target) * (len(target) - 1))
    steps.append(
        f"{share:.0%} of the distances weren't known: shortest paths over the others gave a "
        "start for them, and nothing was fitted to them."
    )
    return complete(target, residue)


def _hand_sentence(hand: Hand) -> str:
    return _SENTENCES[hand.verdict] + (" The trace was mirrored." if hand.mirrored else "")


def _lay_stages(draft: _Draft, residues: int) -> dict[str, np.ndarray]:
    """All stages laid on the last one, each in its own hand, with NaN for residues left out."""
    final = draft.traces[-1] - draft.traces[-1].mean(axis=0)
    stages = {}
    for name, trace in zip(STAGES, draft.traces, strict=True):
        stages[name] = np.full((residues, 3), np.nan)
        stages[name][draft.residue] = final if trace is draft.traces[-1] else _lay(trace, final)
    return stages


def _lay(trace: np.ndarray, final: np.ndarray) -> np.ndarray:
    """A stage on the last one; if it is nearer to its mirror image, reflected back from there."""
    laid = superpose(trace, final, allow_mirror=True)
    return mirror(laid.coords) if laid.mirrored else laid.coords


def _silent(fraction: float, text: str) -> None:
    """Report to nobody."""


def _part(report: Progress, first: float, last: float, text: str) -> Callable[[float], None]:
    return lambda fraction: report(first + (last - first) * fraction, text)
