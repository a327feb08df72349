"""Count how known chains turn, and fit from that which hand a rebuilt trace has.

Writes ``distmat/geometry/known_chains.npz``: the density of (θ, τ) over known chains, which
the page draws, and the log odds of the hands, which `distmat.geometry.handedness` adds up. The
odds are fitted on traces rebuilt from disturbed maps, because those are the traces whose hand
has to be told; exact ones are among them. Run by hand, from this folder's parent:

    python benchmarks/known_chains.py --data train.parquet
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from disturbed_maps import LONGEST, independent, separation_statistics, shrunk, true_map, unbroken

from distmat.dataset.store import read_dataset
from distmat.geometry.calibration import Calibration
from distmat.geometry.handedness import HAND_BINS, KNOWN_CHAINS, hand_bin, mirror, trace_angles
from distmat.geometry.reconstruction import reconstruct
from distmat.protein.chain import Chain
from distmat.scoring.trace_scores import score_trace

THETA_EDGES, TAU_EDGES = np.arange(70.0, 171.0, 4.0), np.arange(-180.0, 181.0, 6.0)
STRENGTH = 0.003
"""Inverse of the penalty on the squared log odds, chosen on a third of the chains."""
CONFIDENT = 0.15
"""The scale of the odds is such that above this, per window, `RIGHT` of the hands are right."""
RIGHT = 0.97


def density(chains: Sequence[Chain]) -> np.ndarray:
    """Windows by θ and τ; shape=(θ bins, τ bins)."""
    total = np.zeros((len(THETA_EDGES) - 1, len(TAU_EDGES) - 1))
    for chain in chains:
        theta, tau = trace_angles(chain.ca)
        seen = np.isfinite(tau)
        total += np.histogram2d(theta[seen], tau[seen], (THETA_EDGES, TAU_EDGES))[0]
    return total


def signed_counts(coords: np.ndarray) -> np.ndarray:
    """Right-handed less left-handed windows in each bin: reversed by a mirror."""
    theta, tau = trace_angles(coords)
    seen = np.isfinite(tau)
    return np.bincount(
        hand_bin(theta[seen], tau[seen]), np.sign(tau[seen]), minlength=HAND_BINS
    ) / max(int(seen.sum()), 1)


def rebuilt_traces(chains: Sequence[Chain], seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Signed counts of traces in their right hand, how much it matters (TM), and their chain."""
    separations = separation_statistics(chains)
    mean = separations.mean
    cases = [
        (independent(0.3), None),
        (shrunk(0.5, separations), Calibration(mean, np.full(len(mean), 0.5**2))),
        (shrunk(0.5, separations), Calibration(mean, np.full(len(mean), 0.5))),
        (shrunk(0.7, separations), Calibration(mean, np.full(len(mean), 0.7))),
        (shrunk(0.9, separations), Calibration(mean, np.full(len(mean), 0.9))),
    ]
    counts, matter, source = [], [], []
    random = np.random.default_rng(seed)
    for place, chain in enumerate(chains):
        ca = chain.ca.astype(float)
        counts.append(signed_counts(ca) * len(ca))
        matter.append(1.0)
        source.append(place)
        for noise, calibration in cases:
            disturbed = noise(true_map(chain), random)
            trace = reconstruct(disturbed, calibration=calibration).stages["chain"]
            tm, other = score_trace(trace, ca).tm, score_trace(mirror(trace), ca).tm
            counts.append(signed_counts(trace) * len(ca) * (1.0 if tm >= other else -1.0))
            matter.append(5.0 * abs(tm - other))
            source.append(place)
    return np.array(counts), np.array(matter), np.array(source)


def fitted_odds(counts: np.ndarray, matter: np.ndarray) -> np.ndarray:
    """Log odds of each bin by logistic regression; a trace and its mirror image are one pair."""
    from sklearn.linear_model import LogisticRegression

    scale = np.sqrt((counts**2).mean(axis=0)) + 1e-3
    model = LogisticRegression(C=STRENGTH, fit_intercept=False, max_iter=2000)
    both = np.vstack([counts, -counts]) / scale
    model.fit(both, np.repeat([1, 0], len(counts)), sample_weight=np.tile(matter, 2))
    return model.coef_[0] / scale


def scaled(odds: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """Such that a confidence of `CONFIDENT` means what it says, on these traces."""
    ratio = (counts @ odds) / np.abs(counts).sum(axis=1).clip(1)
    order = np.argsort(-np.abs(ratio))
    share = np.cumsum(ratio[order] > 0) / np.arange(1, len(order) + 1)
    last = np.flatnonzero(share >= RIGHT)[-1]
    return odds * CONFIDENT / np.abs(ratio[order[last]])


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the file."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="Parquet file of chains")
    parser.add_argument("--chains", type=int, default=700, help="to rebuild, one of each cluster")
    options = parser.parse_args(arguments)
    dataset = read_dataset(options.data).representatives()
    whole = [c for c in dataset.chains if 40 <= len(c) <= LONGEST and unbroken(c)]
    order = np.random.default_rng(7).permutation(len(whole))[: options.chains]
    counts, matter, source = rebuilt_traces([whole[k] for k in order], seed=7)
    held = source % 3 == 0
    odds = fitted_odds(counts[~held], matter[~held])
    right = counts[held] @ odds > 0
    print(
        f"right: {right.mean():.3f}; weighted by what it matters: "
        f"{np.average(right, weights=matter[held]):.4f} of {held.sum()} held-out traces"
    )
    odds = scaled(odds, counts[held])
    np.savez_compressed(
        KNOWN_CHAINS,
        density=density(dataset.chains).astype(np.uint32),
        theta_edges=THETA_EDGES.astype(np.float32),
        tau_edges=TAU_EDGES.astype(np.float32),
        hand_log_odds=odds.astype(np.float32),
    )
    print(f"{KNOWN_CHAINS.name}: {KNOWN_CHAINS.stat().st_size} bytes")
    return 0


if __name__ == "__main__":
    sys.exit(main())
