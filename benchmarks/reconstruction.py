"""How good the traces are that `distmat.geometry.reconstruct` rebuilds, beside other methods.

Run by hand, from this folder's parent:

    python benchmarks/reconstruction.py --data val.parquet
    python benchmarks/reconstruction.py --data val.parquet --checkpoint mini --predict test.parquet

It prints Markdown tables. True maps of real chains are disturbed by noise models of several
kinds; each method gets the same maps. Methods that can't tell the hand are told it.
"""

import argparse
import os
import sys
import time
import tracemalloc
import warnings
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(variable, "1")

import biotite.structure as struc
import numpy as np
from scipy.ndimage import gaussian_filter
from scipy.spatial.distance import cdist

from distmat.dataset.store import Dataset, read_dataset
from distmat.geometry.calibration import Calibration, fit_calibration
from distmat.geometry.embedding import embed
from distmat.geometry.handedness import mirror
from distmat.geometry.reconstruction import Reconstruction, choose_stretch, reconstruct
from distmat.geometry.scores import TraceScores, score_trace
from distmat.protein.chain import Chain

FOLDS = ("mainly α", "mainly β", "mixed")
SHORTEST, LONGEST = 46, 220
NOISE_WIDTH = 1.4
"""Standard deviation in residues over which errors of a weak predictor are alike."""
LONGEST_TIMED = 1000
Method = Callable[[np.ndarray], np.ndarray]


# ---------------------------------------------------------------------------- chains


def secondary_structure(ca: np.ndarray) -> np.ndarray:
    """Per residue ``a``, ``b`` or ``c`` by Cα geometry (P-SEA, as biotite has it)."""
    atoms = struc.AtomArray(len(ca))
    atoms.coord = ca.astype(np.float32)
    atoms.atom_name[:], atoms.element[:], atoms.res_name[:] = "CA", "C", "ALA"
    atoms.chain_id[:], atoms.res_id[:] = "A", np.arange(1, len(ca) + 1)
    return struc.annotate_sse(atoms)


def fold_of(ca: np.ndarray) -> str | None:
    """One of `FOLDS`, or None for what is neither."""
    kinds = secondary_structure(ca)
    helix, strand = (kinds == "a").mean(), (kinds == "b").mean()
    if helix > 0.4 and strand < 0.1:
        return FOLDS[0]
    if strand > 0.3 and helix < 0.12:
        return FOLDS[1]
    return FOLDS[2] if helix > 0.2 and strand > 0.15 else None


def true_map(chain: Chain) -> np.ndarray:
    """Distances in Å, in double precision whatever the file has."""
    ca = chain.ca.astype(float)
    return cdist(ca, ca)


def unbroken(chain: Chain) -> bool:
    """Whether every residue was observed and follows the one before."""
    if not chain.observed.all():
        return False
    bonds = np.linalg.norm(np.diff(chain.ca.astype(float), axis=0), axis=1)
    return bool(np.abs(bonds - 3.8).max() < 1.2)


def chosen_chains(dataset: Dataset, count: int) -> dict[str, list[Chain]]:
    """A third of `count` chains of each fold, one of each cluster, in a fixed random order."""
    chosen: dict[str, list[Chain]] = {fold: [] for fold in FOLDS}
    candidates = dataset.representatives().chains
    for place in np.random.default_rng(1).permutation(len(candidates)):
        chain = candidates[place]
        if SHORTEST <= len(chain) <= LONGEST and unbroken(chain):
            fold = fold_of(chain.ca)
            if fold and len(chosen[fold]) < count // len(FOLDS):
                chosen[fold].append(chain)
    return chosen


# ---------------------------------------------------------------------------- noise


@dataclass(frozen=True)
class Separations:
    """Mean and standard deviation of true distances by separation, Å; shape=(S,)."""

    mean: np.ndarray
    std: np.ndarray


def separation_statistics(chains: Iterable[Chain]) -> Separations:
    """Over all observed pairs of these chains."""
    sums = np.zeros((512, 3))
    for chain in chains:
        i, j = np.triu_indices(len(chain), 1)
        distances = true_map(chain)[i, j]
        seen = np.isfinite(distances)
        apart, distances = (j - i)[seen], distances[seen]
        for column, values in enumerate((np.ones_like(distances), distances, distances**2)):
            sums[:, column] += np.bincount(apart, values, minlength=512)
    seen = np.flatnonzero(sums[:, 0] > 2000)
    count, total, squares = sums[seen].T
    mean, every = total / count, np.arange(512)
    std = np.sqrt(squares / count - mean**2)
    return Separations(
        np.interp(every, [0, *seen], [0, *mean]), np.interp(every, [0, *seen], [0, *std])
    )


def symmetric_noise(n: int, random: np.random.Generator, width: float = 0.0) -> np.ndarray:
    """Normal noise of variance 1, the same for (i, j) and (j, i), smooth over `width`."""
    upper = np.triu(random.normal(size=(n, n)), 1)
    noise = upper + upper.T
    if width:
        noise = gaussian_filter(noise, width, mode="reflect")
        noise /= noise[np.triu_indices(n, 1)].std()
    np.fill_diagonal(noise, 0.0)
    return noise


def independent(share: float) -> Callable[[np.ndarray, np.random.Generator], np.ndarray]:
    """Each distance is off by a share of itself."""

    def disturbed(true: np.ndarray, random: np.random.Generator) -> np.ndarray:
        return np.maximum(true * (1.0 + share * symmetric_noise(len(true), random)), 0.0)

    return disturbed


def shrunk(
    rho: float, separations: Separations
) -> Callable[[np.ndarray, np.random.Generator], np.ndarray]:
    """A weak predictor: shrunk to the mean by separation, with errors that neighbours share.

    The variance of its maps is ρ times the true one: ρ = 1 is perfect, ρ = 0 knows the
    separation only.
    """

    def disturbed(true: np.ndarray, random: np.random.Generator) -> np.ndarray:
        n = len(true)
        apart = np.abs(np.subtract.outer(np.arange(n), np.arange(n)))
        mean, std = separations.mean[apart], separations.std[apart]
        noise = np.sqrt(rho * (1.0 - rho)) * std * symmetric_noise(n, random, NOISE_WIDTH)
        return np.maximum(mean + rho * (true - mean) + noise, 0.0)

    return disturbed


# ---------------------------------------------------------------------------- methods


def classical_mds(distances: np.ndarray) -> np.ndarray:
    """The textbook's: centring matrices and a full eigendecomposition."""
    n = len(distances)
    centring = np.eye(n) - 1.0 / n
    values, vectors = np.linalg.eigh(-0.5 * centring @ distances**2 @ centring)
    return vectors[:, -3:] * np.sqrt(np.maximum(values[-3:], 0.0))


def scikit_learn_mds(distances: np.ndarray) -> np.ndarray:
    """The best of four random starts."""
    from sklearn.manifold import MDS

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = MDS(3, metric="precomputed", n_init=4, init="random", random_state=0, n_jobs=1)
        return model.fit_transform(distances)


def smacof(distances: np.ndarray, iterations: int = 300, tolerance: float = 1e-4) -> np.ndarray:
    """Unweighted majorisation (Guttman transforms) from classical scaling."""
    n, coords, before = len(distances), classical_mds(distances), np.inf
    for _ in range(iterations):
        rebuilt = cdist(coords, coords)
        stress = ((rebuilt - distances) ** 2).sum()
        if before - stress < tolerance * stress:
            break
        before = stress
        np.fill_diagonal(rebuilt, 1.0)
        ratio = distances / np.maximum(rebuilt, 1e-9)
        transform = -ratio
        np.fill_diagonal(transform, ratio.sum(axis=1))
        coords = transform @ coords / n
    return coords


OTHERS: dict[str, Method] = {
    "classical MDS, hand told": classical_mds,
    "scikit-learn MDS (n_init=4), hand told": scikit_learn_mds,
    "unweighted SMACOF, hand told": smacof,
}


# ---------------------------------------------------------------------------- tables


def told_scores(coords: np.ndarray, ca: np.ndarray) -> TraceScores:
    """The scores in the better of both hands."""
    return max(
        (score_trace(coords, ca), score_trace(mirror(coords), ca)), key=lambda scores: scores.tm
    )


def right_hand(coords: np.ndarray, ca: np.ndarray) -> bool:
    """Whether the other hand would be no better."""
    return score_trace(coords, ca).tm >= score_trace(mirror(coords), ca).tm


def mean_of(scores: Sequence[TraceScores], name: str) -> float:
    """Over chains."""
    return float(np.nanmean([getattr(one, name) for one in scores]))


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Markdown."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines) + "\n"


def quality(scores: Sequence[TraceScores]) -> str:
    """RMSD Å / TM / lDDT."""
    rmsd, tm, lddt = (mean_of(scores, name) for name in ("rmsd", "tm", "lddt"))
    return f"{rmsd:.2f} / {tm:.3f} / {lddt:.3f}"


def calibration_for(
    noise: Callable[[np.ndarray, np.random.Generator], np.ndarray], chains: Sequence[Chain]
) -> Calibration:
    """Fitted as for a predictor, on noisy maps of other chains than the benchmark's."""
    maps = [noise(true_map(chain), np.random.default_rng(k)) for k, chain in enumerate(chains)]
    fitted = fit_calibration(maps, [true_map(chain) for chain in chains])
    few = slice(0, 30)
    return choose_stretch(fitted, maps[few], [chain.ca for chain in chains[few]])


def noisy_tables(chains: list[Chain], others: list[Chain], separations: Separations) -> None:
    """Every method on every noise model."""
    cases = {
        "iid 10 %": (independent(0.1), False),
        "iid 30 %": (independent(0.3), False),
        "sh .5": (shrunk(0.5, separations), True),
        "sh .7": (shrunk(0.7, separations), True),
        "sh .9": (shrunk(0.9, separations), True),
    }
    rows: dict[str, list[str]] = {name: [] for name in OTHERS}
    ours, plain, hands, sure, bonds, clash = ([] for _ in range(6))
    for noise, weak in cases.values():
        maps = [
            noise(true_map(chain), np.random.default_rng(10_000 + k))
            for k, chain in enumerate(chains)
        ]
        for name, method in OTHERS.items():
            rows[name].append(
                quality([told_scores(method(m), c.ca) for m, c in zip(maps, chains, strict=True)])
            )
        calibration = calibration_for(noise, others) if weak else None
        built = [reconstruct(m, calibration=calibration) for m in maps]
        scores = [score_trace(b.coords, c.ca) for b, c in zip(built, chains, strict=True)]
        ours.append(quality(scores))
        if weak:
            without = [
                score_trace(reconstruct(m).coords, c.ca) for m, c in zip(maps, chains, strict=True)
            ]
            plain.append(quality(without))
        else:
            plain.append("the same")
        hands.append(hand_share(built, chains))
        sure.append(hand_share(*confident(built, chains)))
        bonds.append(f"{mean_of(scores, 'bonds_right'):.4f}")
        clash.append(f"{mean_of(scores, 'clashes'):.2f}")
    print(
        table(
            ["RMSD Å / TM / lDDT", *cases],
            [
                *([name, *row] for name, row in rows.items()),
                ["**distmat, its own hand**", *(f"**{cell}**" for cell in ours)],
                ["distmat without un-shrinking, its own hand", *plain],
                ["hand right", *hands],
                ["hand right, of those it calls chosen", *sure],
                ["bonds 3.8 ± 0.2 Å", *bonds],
                ["clashes per 100 residues", *clash],
            ],
        )
    )


def confident(
    built: list[Reconstruction], chains: list[Chain]
) -> tuple[list[Reconstruction], list[Chain]]:
    """Those whose hand was not left undecided."""
    kept = [k for k, one in enumerate(built) if one.hand == "chosen"]
    return [built[k] for k in kept], [chains[k] for k in kept]


def hand_share(built: list[Reconstruction], chains: list[Chain]) -> str:
    """Right ones of all."""
    right = sum(right_hand(b.coords, c.ca) for b, c in zip(built, chains, strict=True))
    return f"{right / max(len(built), 1):.1%} of {len(built)}"


def missing_table(chains: list[Chain]) -> None:
    """Exact maps of which only the short distances are known."""
    rows = []
    for cutoff in (16.0, 8.0):
        scores = [
            score_trace(reconstruct(true_map(c), mask=true_map(c) < cutoff).coords, c.ca)
            for c in chains
        ]
        rows.append(
            [
                f"only < {cutoff:g} Å known",
                quality(scores),
                f"{mean_of(scores, 'bonds_right'):.4f}",
                f"{mean_of(scores, 'clashes'):.2f}",
            ]
        )
    print(table(["exact distances", "RMSD Å / TM / lDDT", "bonds right", "clashes"], rows))


def exact_table(chains: Sequence[Chain]) -> None:
    """The true map of every chain, unobserved residues and all."""
    groups: dict[str, list[tuple[float, bool]]] = {"all": [], **{fold: [] for fold in FOLDS}}
    for chain in chains:
        built = reconstruct(true_map(chain))
        scores = score_trace(built.coords, chain.ca)
        result = (scores.rmsd_mirror_allowed, scores.rmsd < 1e-3)
        groups["all"].append(result)
        fold = fold_of(chain.ca[chain.observed])
        if fold:
            groups[fold].append(result)
    print(
        table(
            ["exact maps", "chains", "largest RMSD Å (either hand)", "hand right"],
            [
                [
                    name,
                    str(len(found)),
                    f"{max(r for r, _ in found):.1e}",
                    f"{np.mean([right for _, right in found]):.2%}",
                ]
                for name, found in groups.items()
                if found
            ],
        )
    )


def compact_chain(dataset: Dataset, residues: int) -> np.ndarray:
    """A real chain's coordinates, or two laid side by side, cut to so many residues."""
    longest = sorted(
        (chain.ca[chain.observed].astype(float) for chain in dataset.chains),
        key=lambda ca: (-len(ca), ca[0, 0]),
    )
    parts = []
    for ca in longest:
        offset = parts[-1][-1] + [3.8, 0.0, 0.0] - ca[0] if parts else 0.0
        parts.append(ca + offset)
        if sum(map(len, parts)) >= residues:
            break
    return np.concatenate(parts)[:residues]


def cpu_ms(function: Callable[[], object], repeats: int) -> float:
    """The least processor time of one call, which a busy machine disturbs little."""
    best = np.inf
    for _ in range(repeats):
        started = time.process_time()
        function()
        best = min(best, time.process_time() - started)
    return best * 1e3


def peak_mib(function: Callable[[], object]) -> float:
    """The most memory that one call holds beyond what was there before."""
    tracemalloc.start()
    function()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak / 2**20


def speed_table(dataset: Dataset) -> None:
    """One thread, processor time."""
    rows = []
    for n in (64, 128, 256, 512, LONGEST_TIMED):
        ca = compact_chain(dataset, n)
        true = cdist(ca, ca)
        noisy = independent(0.1)(true, np.random.default_rng(n))
        repeats = 5 if n <= 256 else 3
        ours, theirs = (
            cpu_ms(lambda: reconstruct(noisy), repeats),
            cpu_ms(lambda: scikit_learn_mds(noisy), 1 if n > 256 else 2),
        )
        full, ours_exact, whole = (
            cpu_ms(lambda: classical_mds(true), repeats),
            cpu_ms(lambda: embed(true), 3 * repeats),
            cpu_ms(lambda: reconstruct(true), 3 * repeats),
        )
        rows.append(
            [
                str(n),
                f"{ours:.0f}",
                f"{theirs:.0f}",
                f"{cpu_ms(lambda: smacof(noisy), 1):.0f}",
                f"{peak_mib(lambda: reconstruct(noisy)):.0f}",
                f"{full:.2f}",
                f"{ours_exact:.2f} ({full / ours_exact:.0f}×)",
                f"{whole:.2f} ({full / whole:.0f}×)",
            ]
        )
    print(
        table(
            [
                "N",
                "distmat ms",
                "scikit-learn ms",
                "SMACOF ms",
                "distmat peak MiB",
                "exact map: full eigh MDS ms",
                "embed ms",
                "all of reconstruct ms",
            ],
            rows,
        )
    )


def prediction_table(checkpoint: str, dataset: Dataset) -> None:
    """Real predictions, as the page shows them."""
    from distmat.model.predictor import load

    predictor = load(checkpoint)
    results: dict[str, list[TraceScores]] = {}
    hands, sure = [], []
    for chain in dataset.representatives().no_longer_than(256).chains:
        predicted = predictor.predict(chain.sequence)
        built = reconstruct(
            predicted.distances, std=predicted.std, calibration=predictor.calibration
        )
        traces = {
            "classical MDS, a hand by chance": score_trace(
                classical_mds(predicted.distances), chain.ca
            ),
            "classical MDS, hand told": told_scores(classical_mds(predicted.distances), chain.ca),
            "scikit-learn MDS (n_init=4), hand told": told_scores(
                scikit_learn_mds(predicted.distances), chain.ca
            ),
            "**distmat, its own hand**": score_trace(built.coords, chain.ca),
            "distmat, hand told": told_scores(built.coords, chain.ca),
            "distmat without un-shrinking, its own hand": score_trace(
                reconstruct(predicted.distances, std=predicted.std).coords, chain.ca
            ),
        }
        for name, scores in traces.items():
            results.setdefault(name, []).append(scores)
        hands.append(right_hand(built.coords, chain.ca))
        sure.append(built.hand == "chosen")
    names = ("rmsd", "tm", "lddt", "gdt_ts", "mds_pearson", "bonds_right", "clashes")
    print(
        table(
            [
                f"predictions of {checkpoint}, {len(hands)} chains",
                "RMSD Å",
                "TM",
                "lDDT",
                "GDT-TS",
                "MDS r (true distances)",
                "bonds right",
                "clashes",
            ],
            [
                [label, *(f"{mean_of(scores, name):.3f}" for name in names)]
                for label, scores in results.items()
            ],
        )
    )
    right, chosen = np.array(hands), np.array(sure)
    print(
        f"The hand was right in {right.mean():.1%}; in {right[chosen].mean():.1%} of the "
        f"{chosen.sum()} where it was called chosen.\n"
    )


# ---------------------------------------------------------------------------- command


def main(arguments: Sequence[str] | None = None) -> int:
    """Print all tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="Parquet file of chains")
    parser.add_argument("--chains", type=int, default=54, help="of the noise tables, in all")
    parser.add_argument("--checkpoint", help="also rebuild real predictions of this checkpoint")
    parser.add_argument("--predict", type=Path, help="the chains for that; default: --data")
    parser.add_argument(
        "--only",
        nargs="+",
        choices=["noise", "missing", "exact", "speed", "predictions"],
        help="some of the tables",
    )
    options = parser.parse_args(arguments)
    dataset = read_dataset(options.data)
    wanted = set(options.only or ["noise", "missing", "exact", "speed", "predictions"])
    chosen = chosen_chains(dataset, options.chains)
    chains = [chain for group in chosen.values() for chain in group]
    lengths = [len(chain) for chain in chains]
    print(
        f"{len(chains)} chains of {dataset.name} "
        f"({', '.join(f'{len(group)} {fold}' for fold, group in chosen.items())}; "
        f"{min(lengths)}–{max(lengths)} residues).\n"
    )
    if "noise" in wanted:
        names = {chain.name for chain in chains}
        others = [
            chain
            for chain in dataset.representatives().chains
            if chain.name not in names and len(chain) <= LONGEST and unbroken(chain)
        ][:100]
        noisy_tables(chains, others, separation_statistics(dataset.chains))
    if "missing" in wanted:
        missing_table(chains)
    if "exact" in wanted:
        exact_table(dataset.chains)
    if "speed" in wanted:
        speed_table(dataset)
    if options.checkpoint and "predictions" in wanted:
        prediction_table(
            options.checkpoint, read_dataset(options.predict) if options.predict else dataset
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
