"""What couplings of alignments add to predictions, and how far they are to be trusted.

Run by hand, from this folder's parent, on chains of known structure and their alignments, an A3M
file for each, named by the chain's id (as `distmat align chains.fasta sequences.parquet` does it):

    python benchmarks/covariation.py fit --data chains.parquet --alignments FOLDER
    python benchmarks/covariation.py score --data unseen.parquet --alignments FOLDER

`fit` fits the numbers in `distmat/library/covariation.py` to pairs of residues by maximum
likelihood, each alignment thinned to several depths, beside what the separation and the chain's own
distances at it make likely; no network is asked. `score` compares predictions from the sequence
alone, with the alignment's sequences, and with its couplings, too, by the number of effective
sequences.
"""

import argparse
import itertools
import os
from pathlib import Path
from unittest.mock import patch

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import torch
from scipy.ndimage import gaussian_filter, gaussian_filter1d

from distmat.dataset.store import read_dataset
from distmat.library.covariation import (
    LEAST_LOG_ODDS,
    LEAST_SEPARATION,
    MOST_LOG_ODDS,
    couple,
    describe_pairs,
)
from distmat.model import predictor as predictor_module
from distmat.model.predictor import Predictor, load
from distmat.protein.alignment import Alignment, read_alignment
from distmat.protein.chain import Chain
from distmat.scoring.map_scores import score_map
from distmat.workspace import dataset_path

BOUNDS = np.r_[np.arange(2, 22.5, 0.5), np.geomspace(23, 110, 24)]
"""Å: of the bins of distances."""
DEPTHS = (2_048, 600, 200, 60, 20)
"""Rows to which each alignment is thinned, at most."""
BANDS = (3, 6, 12, 24, 10_000)
"""Of separations."""
FARTHEST = 130
"""Separation beyond which all are one."""
PRIOR_PAIRS = 20
"""Pairs of all chains that count beside a chain's own in a band."""
PAIRS = 300
"""Of an alignment; half of them with high scores, which are few, the rest for all others."""
HIGH = 2.0
STRATA = (0, 15, 50, 150, 500, 100_000)
"""Effective sequences."""
SHOWN = ("pearson", "mae", "lddt", "long_precision")
START = (9.0, 1.0, 2.0), (13.0, 2.0, 2.0)
"""d₀ and τ in Å, and π₀'s logit, where the fit begins."""
RIDGE = 3e-4


def main() -> None:
    """Do what the command line says."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("command", choices=("fit", "score"))
    parser.add_argument("--data", required=True)
    parser.add_argument("--alignments", type=Path, required=True)
    parser.add_argument("--checkpoint", default="mini")
    parser.add_argument("--longest", type=int, default=256)
    options = parser.parse_args()
    known = list(_read(options))
    print(f"{len(known)} chains")
    if options.command == "fit":
        fit(known)
    else:
        score(load(options.checkpoint), known)


def _read(options: argparse.Namespace):
    """Chains that have an alignment, and it."""
    for chain in read_dataset(dataset_path(options.data)).no_longer_than(options.longest).chains:
        file = options.alignments / f"{chain.name}.a3m"
        if file.is_file():
            alignment = read_alignment(file.read_text(), sure=True)
            assert alignment is not None
            yield chain, alignment


def _without_couplings():
    """A context in which predictions hear none."""
    return patch.object(predictor_module, "hears_covariation", lambda alignment: False)


def fit(known: list[tuple[Chain, Alignment]]) -> None:
    """Print the fitted numbers, and how well they describe chains that weren't fitted to."""
    rng = np.random.default_rng(0)
    usual = _count([chain for chain, _ in known])
    rows, chains = [], []
    for number, (chain, alignment) in enumerate(known):
        for depth in DEPTHS:
            if depth <= len(alignment) or depth == DEPTHS[0]:
                rows.append(_sampled_pairs(usual, chain, _thin(alignment, depth, rng), rng))
                chains += [number] * len(rows[-1][0])
    facts, before, bins, weights = (
        torch.from_numpy(np.concatenate(part)) for part in zip(*rows, strict=True)
    )
    centres = torch.from_numpy(((BOUNDS[1:] + BOUNDS[:-1]) / 2).astype(np.float32))
    tested = rng.permutation(len(known))[: len(known) // 4]
    held_out = torch.from_numpy(np.isin(chains, tested))

    def loss(numbers: torch.Tensor, some: torch.Tensor) -> torch.Tensor:
        told = before[some] + _told(numbers, facts[some], centres)
        wrong = -told.log_softmax(dim=1).gather(1, bins[some, None])[:, 0]
        return (wrong * weights[some]).sum() / weights[some].sum()

    for some, tested in ((~held_out, held_out), (held_out | True, held_out | True)):
        numbers = torch.zeros(2, facts.shape[1] + 3)
        numbers[:, -3:] = torch.tensor(START)
        numbers[0, 1] = 1.0
        numbers.requires_grad_(True)
        optimizer = torch.optim.LBFGS([numbers], max_iter=90, line_search_fn="strong_wolfe")

        def closure(some=some, numbers=numbers, optimizer=optimizer) -> torch.Tensor:
            optimizer.zero_grad()
            value = loss(numbers, some) + RIDGE * (numbers[:, :-3] ** 2).sum()
            value.backward()
            return value

        optimizer.step(closure)
        with torch.no_grad():
            nothing = torch.zeros_like(numbers)
            nothing[:, -2] = 1.0
            print(f"{float(loss(nothing, tested)):.4f} nats → {float(loss(numbers, tested)):.4f}")
    odds, reach = numbers.detach()[:, :-3], numbers.detach()[:, -3:]
    print("ODDS =", tuple(tuple(round(float(n), 3) for n in row) for row in odds))
    widths = torch.nn.functional.softplus(reach[:, 1]) + 0.2
    found = torch.stack([reach[:, 0], widths, reach[:, 2].sigmoid()], dim=1)
    print("REACH =", tuple(tuple(round(float(n), 3) for n in row) for row in found))


def _told(numbers: torch.Tensor, facts: torch.Tensor, centres: torch.Tensor) -> torch.Tensor:
    """As `distmat.library.covariation.weigh_distances`, with numbers that can be fitted."""
    told = torch.zeros(len(facts), len(centres))
    for row in numbers:
        odds = (facts @ row[:-3]).clamp(LEAST_LOG_ODDS, MOST_LOG_ODDS)
        width = torch.nn.functional.softplus(row[-2]) + 0.2
        near = torch.sigmoid((row[-3] - centres) / width) * row[-1].sigmoid()
        told = told + torch.log1p(torch.expm1(odds)[:, None] * near)
    return told


def _thin(alignment: Alignment, depth: int, rng: np.random.Generator) -> Alignment:
    """The query and so many of the others, less one."""
    others = 1 + rng.permutation(len(alignment) - 1)[: depth - 1]
    return Alignment(alignment.rows[np.r_[0, np.sort(others)]])


def _bins(distances: np.ndarray) -> np.ndarray:
    return np.clip(np.searchsorted(BOUNDS, distances, "right") - 1, 0, len(BOUNDS) - 2)


def _count(chains: list[Chain]) -> np.ndarray:
    """How often each distance is, by the separation; shape=(separations, K)."""
    counts = np.zeros((FARTHEST + 1, len(BOUNDS) - 1))
    for chain in chains:
        i, j = np.triu_indices(len(chain), LEAST_SEPARATION)
        distances = chain.distances[i, j]
        seen = np.isfinite(distances)
        places = np.minimum(j - i, FARTHEST)[seen]
        np.add.at(counts, (places, _bins(distances[seen])), 1.0)
    smooth = gaussian_filter(counts, (2.0, 1.0)) + 0.1
    return smooth / smooth.sum(axis=1, keepdims=True)


def _sampled_pairs(
    usual: np.ndarray, chain: Chain, alignment: Alignment, rng: np.random.Generator
) -> tuple[np.ndarray, ...]:
    """Facts, log probabilities without couplings, true bins and weights of pairs."""
    scores = couple(alignment)
    facts, i, j = describe_pairs(scores, alignment.effective)
    distances, separation = chain.distances[i, j], np.minimum(j - i, FARTHEST)
    seen, high = np.isfinite(distances), scores[i, j] > HIGH
    bins = _bins(np.where(seen, distances, 0))
    # A chain's own shape isn't what couplings are to tell: its distances in each band are known.
    before = usual[separation]
    for low, most in itertools.pairwise(BANDS):
        band = (separation >= low) & (separation < most)
        if (band & seen).any():
            mean = gaussian_filter1d(before[band & seen].mean(axis=0), 1.5)
            own = np.bincount(bins[band & seen], minlength=len(mean)).astype(float)
            own = gaussian_filter1d(own, 1.5) + PRIOR_PAIRS * mean
            before[band] *= own / own.sum() / mean
    chosen, weights = [], []
    for kind in (seen & high, seen & ~high):
        places = np.flatnonzero(kind)
        some = rng.choice(places, min(PAIRS // 2, len(places)), replace=False)
        chosen.append(some)
        weights.append(np.full(len(some), len(places) / max(len(some), 1) / seen.sum()))
    some = np.concatenate(chosen)
    known = np.log(before[some]).astype(np.float32)
    return facts[some], known, bins[some], np.concatenate(weights).astype(np.float32)


def score(predictor: Predictor, known: list[tuple[Chain, Alignment]]) -> None:
    """Print mean scores by depth, and the gains over the sequence alone and their errors."""
    rows = np.array([_scored(predictor, *pair) for pair in known])
    effective = np.array([alignment.effective for _, alignment in known])
    print(" " * 12, *(f"{name:>24}" for name in SHOWN))
    for low, high in [*itertools.pairwise(STRATA), (0, STRATA[-1])]:
        keep = (effective >= low) & (effective < high)
        if keep.sum() < 2:
            continue
        print(f"{low}–{high} effective sequences: {keep.sum()} chains")
        for way, name in enumerate(("alone", "sequences", "couplings")):
            gain = rows[keep, way] - rows[keep, 0]
            error = np.nanstd(gain, axis=0, ddof=1) / np.sqrt(keep.sum())
            mean = np.nanmean(rows[keep, way], axis=0)
            shown = zip(mean, np.nanmean(gain, axis=0), error, strict=True)
            print(f"{name:12}", *(f"{m:8.3f} ({g:+.3f} ± {e:.3f})" for m, g, e in shown))


def _scored(predictor: Predictor, chain: Chain, alignment: Alignment) -> list[list[float]]:
    maps = [predictor.predict(chain.sequence)]
    with _without_couplings():
        maps.append(predictor.predict(chain.sequence, alignment=alignment))
    maps.append(predictor.predict(chain.sequence, alignment=alignment))
    found = (score_map(one.distances, chain.ca, one.contacts) for one in maps)
    return [[getattr(scores, name) for name in SHOWN] for scores in found]


if __name__ == "__main__":
    main()
