r"""How good the traces are that `distmat.geometry.reconstruct` rebuilds, beside other methods.

Run by hand, from this folder's parent, best pinned to one core (``taskset -c 0``):

    python benchmarks/reconstruction.py --data val.parquet \
        --checkpoint mini --predict test.parquet --readme

True maps of real chains are disturbed by noise models of several kinds; each method gets the same
maps. Methods that can't tell the hand are told it. What is aimed at, what was reached and what
other methods reach becomes one table, with further tables below it, printed as Markdown and, with
``--readme``, written into this folder's ``README.md``.
"""

import argparse
import os
import sys
import time
import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from multiprocessing import get_context
from pathlib import Path

for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(variable, "1")

import numpy as np
from disturbed_maps import (
    FOLDS,
    LONGEST,
    Noise,
    chosen_chains,
    fold_of,
    independent,
    separation_statistics,
    shrunk,
    true_map,
    unbroken,
)
from scipy.spatial.distance import cdist
from tables import write_part

from distmat.dataset.store import Dataset, read_dataset
from distmat.geometry.calibration import Calibration, fit_calibration
from distmat.geometry.completion import complete
from distmat.geometry.embedding import embed
from distmat.geometry.handedness import mirror
from distmat.geometry.reconstruction import Reconstruction, reconstruct
from distmat.protein.chain import Chain
from distmat.scoring.stretch import choose_stretch
from distmat.scoring.trace_scores import TraceScores, score_trace

OURS = "distmat"
TABLES = ("noise", "missing", "exact", "speed", "predictions")
_LONG_PREDICTION = 1000
"""Residues of a prediction whose geometry is looked at, too."""
Method = Callable[[np.ndarray], np.ndarray]


# ---------------------------------------------------------------------------- other methods


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


CLASSICAL, SCIKIT_LEARN, SMACOF = (
    "classical MDS",
    "scikit-learn MDS (n_init 4)",
    "unweighted SMACOF",
)
OTHERS: dict[str, Method] = {
    CLASSICAL: classical_mds,
    SCIKIT_LEARN: scikit_learn_mds,
    SMACOF: smacof,
}


# ---------------------------------------------------------------------------- scores


def told_scores(coords: np.ndarray, ca: np.ndarray) -> TraceScores:
    """The scores in the better of both hands."""
    return max(
        (score_trace(coords, ca), score_trace(mirror(coords), ca)), key=lambda scores: scores.tm
    )


def scores_of(traces: Iterable[np.ndarray], chains: Iterable[Chain]) -> list[TraceScores]:
    """In the hand that they have."""
    return [score_trace(x, chain.ca) for x, chain in zip(traces, chains, strict=True)]


def told_scores_of(
    method: Method, maps: list[np.ndarray], chains: list[Chain]
) -> list[TraceScores]:
    """Of another method on these maps, told the hand."""
    return [told_scores(method(m), chain.ca) for m, chain in zip(maps, chains, strict=True)]


def right_hands(built: Sequence[Reconstruction], chains: Sequence[Chain]) -> np.ndarray:
    """Whether the other hand would be no better, for each."""
    return np.array(
        [
            score_trace(b.coords, c.ca).tm >= score_trace(mirror(b.coords), c.ca).tm
            for b, c in zip(built, chains, strict=True)
        ]
    )


def mean_of(scores: Sequence[TraceScores], name: str) -> float:
    """Over chains."""
    return float(np.nanmean([getattr(one, name) for one in scores]))


def means(every: dict[str, list[TraceScores]], name: str) -> dict[str, float]:
    """Over chains, by method."""
    return {method: mean_of(scores, name) for method, scores in every.items()}


def share(right: np.ndarray) -> str:
    """Right ones of all."""
    return f"{right.mean():.1%} of {len(right)}" if len(right) else "none"


# ---------------------------------------------------------------------------- the report


@dataclass(frozen=True)
class Target:
    """One figure that is aimed at.

    Parameters
    ----------
    what : str
    limit : float
    at_least : bool
        Whether more is better.
    values : dict of str to float
        By method; ours is that of `OURS`.
    form : str
        How a value is written.
    """

    what: str
    limit: float
    at_least: bool
    values: dict[str, float]
    form: str = "{:.2f}"

    @property
    def met(self) -> bool:
        """Whether ours is on the right side of the limit."""
        ours = self.values[OURS]
        return ours >= self.limit if self.at_least else ours <= self.limit

    def cells(self) -> list[str]:
        """A row of the table of targets."""
        wanted = ("≥ " if self.at_least else "≤ ") + self.form.format(self.limit)
        others = [
            self.form.format(self.values[name]) if name in self.values else "–" for name in OTHERS
        ]
        ours = f"**{self.form.format(self.values[OURS])}**"
        return [self.what, wanted, ours, *others, "yes" if self.met else "**no**"]


@dataclass
class Report:
    """What a run found."""

    targets: list[Target] = field(default_factory=list)
    tables: list[str] = field(default_factory=list)

    def aim(
        self, what: str, sign: str, limit: float, values: dict[str, float], form: str = "{:.2f}"
    ) -> None:
        """Add a target; `sign` is ≤ or ≥."""
        self.targets.append(Target(what, limit, sign == "≥", values, form))

    def add(self, head: Sequence[str], rows: Iterable[Sequence[str]], words: str = "") -> None:
        """Add a table, with a sentence under it."""
        self.tables.append(table(head, rows) + (f"\n{words}\n" if words else ""))

    def markdown(self) -> str:
        """The targets first."""
        head = ["", "target", OURS, *(f"{name}, hand told" for name in OTHERS), "met"]
        return "\n".join([table(head, [target.cells() for target in self.targets]), *self.tables])


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Markdown."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines) + "\n"


def quality(scores: Sequence[TraceScores]) -> str:
    """RMSD Å / TM / lDDT."""
    rmsd, tm, lddt = (mean_of(scores, name) for name in ("rmsd", "tm", "lddt"))
    return f"{rmsd:.2f} / {tm:.3f} / {lddt:.3f}"


# ---------------------------------------------------------------------------- exact maps


def exact_maps(report: Report, sample: list[Chain], chains: Sequence[Chain]) -> None:
    """The true map of every chain, unobserved residues and all."""
    found, folds = [], []
    for chain in chains:
        built = reconstruct(true_map(chain))
        scores = score_trace(built.coords, chain.ca)
        folds.append(fold_of(chain.ca[chain.observed]))
        found.append((scores.rmsd_mirror_allowed, scores.rmsd < 1e-3))
    worst, right = np.array([rmsd for rmsd, _ in found]), np.array([ok for _, ok in found])
    others = {
        name: max(s.rmsd for s in told_scores_of(method, [true_map(c) for c in sample], sample))
        for name, method in OTHERS.items()
    }
    by_chance = [score_trace(classical_mds(true_map(c)), c.ca).rmsd < 1e-3 for c in sample]
    kinds = {"all": np.ones(len(chains), bool)}
    kinds.update({fold: np.array([one == fold for one in folds]) for fold in FOLDS})
    report.aim(
        f"exact maps: largest RMSD, Å, of {len(chains)} chains ({len(sample)} for the others)",
        "≤",
        1e-6,
        {OURS: worst.max(), **others},
        "{:.1e}",
    )
    report.aim(
        f"exact maps: hand right, {len(chains)} chains (classical MDS, not told: {len(sample)})",
        "≥",
        0.995,
        {OURS: right.mean(), CLASSICAL: float(np.mean(by_chance))},
        "{:.1%}",
    )
    beta = kinds[FOLDS[1]]
    report.aim(
        f"the same, {beta.sum()} β chains alone", "≥", 0.99, {OURS: right[beta].mean()}, "{:.1%}"
    )
    report.add(
        ["exact maps", "chains", "largest RMSD Å (either hand)", "hand right"],
        [
            [name, str(kind.sum()), f"{worst[kind].max():.1e}", f"{right[kind].mean():.2%}"]
            for name, kind in kinds.items()
            if kind.any()
        ],
    )


# ---------------------------------------------------------------------------- noisy maps


@dataclass(frozen=True)
class Noisy:
    """What came of one noise model."""

    scores: dict[str, list[TraceScores]]
    """By method."""
    unstretched: list[TraceScores] | None
    right: np.ndarray
    chosen: np.ndarray


def noisy_maps(report: Report, chains: list[Chain], dataset: Dataset) -> None:
    """Every method on every noise model."""
    separations = separation_statistics(dataset.chains)
    cases: dict[str, tuple[Noise, bool]] = {
        "iid 10 %": (independent(0.1), False),
        "iid 30 %": (independent(0.3), False),
        "sh .5": (shrunk(0.5, separations), True),
        "sh .7": (shrunk(0.7, separations), True),
        "sh .9": (shrunk(0.9, separations), True),
    }
    fitting = other_chains(dataset, chains)
    found = {}
    for name, (noise, weak) in cases.items():
        with said(name):
            calibration = calibration_for(noise, fitting) if weak else None
            found[name] = noisy_case(noise, chains, calibration)
    aim_at_noise(report, found)
    report.add(
        ["RMSD Å / TM / lDDT", *cases],
        [
            *(
                [f"{method}, hand told", *(quality(one.scores[method]) for one in found.values())]
                for method in OTHERS
            ),
            [
                "**distmat, its own hand**",
                *(f"**{quality(one.scores[OURS])}**" for one in found.values()),
            ],
            [
                "distmat without un-shrinking, its own hand",
                *(
                    "the same" if one.unstretched is None else quality(one.unstretched)
                    for one in found.values()
                ),
            ],
            ["hand right", *(share(one.right) for one in found.values())],
            [
                "hand right, of those it calls chosen",
                *(share(one.right[one.chosen]) for one in found.values()),
            ],
            [
                "bonds 3.8 ± 0.2 Å",
                *(f"{mean_of(one.scores[OURS], 'bonds_right'):.4f}" for one in found.values()),
            ],
            [
                "clashes per 100 residues",
                *(f"{mean_of(one.scores[OURS], 'clashes'):.2f}" for one in found.values()),
            ],
        ],
    )


def noisy_case(noise: Noise, chains: list[Chain], calibration: Calibration | None) -> Noisy:
    """One noise model."""
    maps = [noise(true_map(c), np.random.default_rng(10_000 + k)) for k, c in enumerate(chains)]
    built = [reconstruct(m, calibration=calibration) for m in maps]
    scores = {name: told_scores_of(method, maps, chains) for name, method in OTHERS.items()}
    scores[OURS] = scores_of([b.coords for b in built], chains)
    plain = None
    if calibration is not None:
        plain = scores_of([reconstruct(m).coords for m in maps], chains)
    chosen = np.array([b.hand == "chosen" for b in built])
    return Noisy(scores, plain, right_hands(built, chains), chosen)


def other_chains(dataset: Dataset, chains: list[Chain]) -> list[Chain]:
    """A hundred that aren't among these."""
    names = {chain.name for chain in chains}
    return [
        chain
        for chain in dataset.representatives().chains
        if chain.name not in names and len(chain) <= LONGEST and unbroken(chain)
    ][:100]


def calibration_for(noise: Noise, chains: Sequence[Chain]) -> Calibration:
    """Fitted as for a predictor, on noisy maps of other chains than the benchmark's."""
    maps = [noise(true_map(chain), np.random.default_rng(k)) for k, chain in enumerate(chains)]
    fitted = fit_calibration(maps, [true_map(chain) for chain in chains])
    few = slice(0, 30)
    return choose_stretch(fitted, maps[few], [chain.ca for chain in chains[few]])


def aim_at_noise(report: Report, found: dict[str, Noisy]) -> None:
    """The targets on noisy maps."""
    little = found["iid 10 %"].scores
    report.aim("iid 10 %: mean RMSD, Å", "≤", 0.70, means(little, "rmsd"))
    report.aim("iid 10 %: mean lDDT", "≥", 0.96, means(little, "lddt"), "{:.3f}")
    report.aim("iid 30 %: hand right", "≥", 0.95, {OURS: found["iid 30 %"].right.mean()}, "{:.1%}")
    for name, limit in {"sh .5": 0.41, "sh .7": 0.57, "sh .9": 0.79}.items():
        report.aim(
            f"{name}: mean TM, own hand", "≥", limit, means(found[name].scores, "tm"), "{:.3f}"
        )
    methods = (OURS, *OTHERS)
    bonds, clashes = (
        {m: [mean_of(one.scores[m], name) for one in found.values()] for m in methods}
        for name in ("bonds_right", "clashes")
    )
    report.aim(
        "bonds of 3.8 ± 0.2 Å, the worst of the noisy cases",
        "≥",
        0.99,
        {method: min(values) for method, values in bonds.items()},
        "{:.1%}",
    )
    report.aim(
        "clashes per 100 residues, the worst of them",
        "≤",
        0.5,
        {method: max(values) for method, values in clashes.items()},
    )


# ---------------------------------------------------------------------------- missing pairs


def missing_pairs(report: Report, chains: list[Chain]) -> None:
    """Exact maps of which only the short distances are known; others get shortest paths."""
    rows = []
    for cutoff, name, sign, limit in ((16.0, "rmsd", "≤", 0.6), (8.0, "tm", "≥", 0.88)):
        maps = [true_map(c) for c in chains]
        traces = [reconstruct(m, mask=m < cutoff).coords for m in maps]
        filled = [complete(np.where(m < cutoff, m, np.nan), np.arange(len(m))) for m in maps]
        scores = {
            method: told_scores_of(function, filled, chains) for method, function in OTHERS.items()
        }
        scores[OURS] = scores_of(traces, chains)
        what = f"only pairs < {cutoff:g} Å known"
        label = "mean RMSD, Å" if name == "rmsd" else "mean TM"
        form = "{:.2f}" if name == "rmsd" else "{:.3f}"
        report.aim(f"{what}: {label}", sign, limit, means(scores, name), form)
        rows += [
            [
                f"{what}: {method}",
                quality(one),
                f"{mean_of(one, 'bonds_right'):.4f}",
                f"{mean_of(one, 'clashes'):.2f}",
            ]
            for method, one in scores.items()
        ]
    report.add(
        ["exact distances, others on shortest paths", "RMSD Å / TM / lDDT", "bonds", "clashes"],
        rows,
    )


# ---------------------------------------------------------------------------- speed


def compact_chain(dataset: Dataset, residues: int) -> Chain:
    """A real chain, or several laid side by side, cut to so many residues."""
    longest = sorted(dataset.chains, key=lambda chain: (-len(chain), chain.name))
    parts: list[np.ndarray] = []
    sequence = ""
    for chain in longest:
        ca = chain.ca[chain.observed].astype(float)
        parts.append(ca + (parts[-1][-1] + [3.8, 0.0, 0.0] - ca[0] if parts else 0.0))
        sequence += "".join(np.array(list(chain.sequence))[chain.observed])
        if len(sequence) >= residues:
            break
    return Chain(f"{residues} residues", sequence[:residues], np.concatenate(parts)[:residues])


def cpu_seconds(functions: dict[str, Callable[[], object]], repeats: int) -> dict[str, float]:
    """The least processor time of one call of each, taken in turns.

    A busy machine disturbs that little, and all of them alike.
    """
    best = dict.fromkeys(functions, np.inf)
    for _ in range(repeats):
        for name, function in functions.items():
            started = time.process_time()
            function()
            best[name] = min(best[name], time.process_time() - started)
    return best


def peak_mib(distances: np.ndarray) -> float:
    """The most memory that rebuilding this map holds beyond what was there before (Linux).

    In a process of its own: in this one, memory that was used and given back would be used again.
    """
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as process:
        return process.submit(_growth_mib, distances).result()


def _growth_mib(distances: np.ndarray) -> float:
    reconstruct(distances[:80, :80])
    Path("/proc/self/clear_refs").write_text("5")
    before = _kib("VmRSS")
    reconstruct(distances)
    return (_kib("VmHWM") - before) / 1024


def _kib(name: str) -> int:
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(f"{name}:"):
            return int(line.split()[1])
    raise RuntimeError(f"/proc/self/status has no {name}")


def speed(report: Report, dataset: Dataset) -> None:
    """One thread, processor time."""
    limits = {256: 0.2, 512: 0.8, 1000: 4.0}
    rows, gains, peak, gain_over_eigh = [], [], 0.0, {}
    for n in (64, 128, 256, 512, 1000):
        true = true_map(compact_chain(dataset, n))
        noisy = independent(0.1)(true, np.random.default_rng(n))
        methods: dict[str, Callable[[], object]] = {OURS: lambda m=noisy: reconstruct(m)}
        methods |= {name: lambda m=noisy, f=f: f(m) for name, f in OTHERS.items()}
        seconds = cpu_seconds(methods, 5 if n <= 256 else 3)
        exact = cpu_seconds(
            {
                "eigh": lambda m=true: classical_mds(m),
                "embed": lambda m=true: embed(m),
                "reconstruct": lambda m=true: reconstruct(m),
            },
            15,
        )
        gain_over_eigh[n] = exact["eigh"] / exact["embed"]
        gains.append(seconds[SCIKIT_LEARN] / seconds[OURS])
        peak = peak_mib(noisy)
        if n in limits:
            report.aim(f"N = {n}, iid 10 %, one thread: s", "≤", limits[n], seconds)
        rows.append(
            [
                str(n),
                *(f"{seconds[name]:.3f}" for name in (OURS, *OTHERS)),
                f"{peak:.0f}",
                *(f"{1e3 * exact[name]:.2f}" for name in ("eigh", "embed", "reconstruct")),
            ]
        )
    report.aim("N = 1000: peak memory, MiB", "≤", 60, {OURS: peak}, "{:.0f}")
    report.aim(
        "scikit-learn's time over ours, at the worst N", "≥", 1, {OURS: min(gains)}, "{:.1f}"
    )
    for n, limit in {256: 5, 1000: 10}.items():
        report.aim(
            f"exact map, N = {n}: time of MDS by a full `eigh` over that of ours",
            "≥",
            limit,
            {OURS: gain_over_eigh[n]},
            "{:.1f}",
        )
    report.add(
        [
            "N",
            *(f"{name}, s" for name in (OURS, *OTHERS)),
            "distmat, peak MiB",
            "exact map: MDS by a full `eigh`, ms",
            "our MDS, ms",
            "all of `reconstruct`, ms",
        ],
        rows,
    )


# ---------------------------------------------------------------------------- predictions


def predictions(report: Report, checkpoint: str, dataset: Dataset, limit: int | None) -> None:
    """Real predictions, as the page shows them."""
    from distmat.model.predictor import load

    predictor = load(checkpoint)
    chains = list(dataset.representatives().no_longer_than(256).chains)[:limit]
    maps = [predictor.predict(chain.sequence) for chain in chains]
    distances = [one.distances for one in maps]
    built = [
        reconstruct(one.distances, std=one.std, calibration=predictor.calibration) for one in maps
    ]
    plain = [reconstruct(one.distances, std=one.std).coords for one in maps]
    scores = {name: told_scores_of(f, distances, chains) for name, f in OTHERS.items()}
    scores[OURS] = scores_of([b.coords for b in built], chains)
    told = [told_scores(b.coords, c.ca) for b, c in zip(built, chains, strict=True)]
    what = f"predictions of `{checkpoint}`, {len(chains)} chains"
    for name, label in {"tm": "mean TM", "mds_pearson": "mean MDS r"}.items():
        values = means(scores, name)
        report.aim(f"{what}: {label}", "≥", values[CLASSICAL], values, "{:.3f}")
    report.aim(
        f"{what}: mean lDDT",
        "≥",
        mean_of(scores[CLASSICAL], "lddt"),
        means(scores, "lddt"),
        "{:.3f}",
    )
    report.aim(f"{what}: bonds right", "≥", 0.99, means(scores, "bonds_right"), "{:.1%}")
    report.aim(f"{what}: clashes per 100", "≤", 0.5, means(scores, "clashes"))
    aim_at_long_prediction(report, predictor, dataset)
    listed = {
        "classical MDS, a hand by chance": scores_of(map(classical_mds, distances), chains),
        **{f"{name}, hand told": scores[name] for name in OTHERS},
        "**distmat, its own hand**": scores[OURS],
        "distmat, hand told": told,
        "distmat without un-shrinking, its own hand": scores_of(plain, chains),
    }
    names = ("rmsd", "tm", "lddt", "gdt_ts", "mds_pearson", "bonds_right", "clashes")
    right, chosen = right_hands(built, chains), np.array([b.hand == "chosen" for b in built])
    report.add(
        [what, "RMSD Å", "TM", "lDDT", "GDT-TS", "MDS r", "bonds", "clashes"],
        [
            [label, *(f"{mean_of(one, name):.3f}" for name in names)]
            for label, one in listed.items()
        ],
        f"MDS r is the correlation with the true distances. The hand was right in {share(right)}, "
        f"and in {share(right[chosen])} where it was called chosen.",
    )


def aim_at_long_prediction(report: Report, predictor, dataset: Dataset) -> None:
    """The geometry of a trace as long as any, from a map that contradicts itself most."""
    predicted = predictor.predict(compact_chain(dataset, _LONG_PREDICTION).sequence)
    built = reconstruct(predicted.distances, std=predicted.std, calibration=predictor.calibration)
    found = score_trace(built.coords, built.coords)
    what = f"a prediction of {_LONG_PREDICTION} residues"
    report.aim(f"{what}: bonds right", "≥", 0.99, {OURS: found.bonds_right}, "{:.1%}")
    report.aim(f"{what}: clashes per 100", "≤", 0.5, {OURS: found.clashes})


# ---------------------------------------------------------------------------- command


@contextmanager
def said(what: str) -> Iterator[None]:
    """Tell what goes on, and how long it took."""
    print(f"{what} …", file=sys.stderr, flush=True)
    started = time.monotonic()
    yield
    print(f"{what}: {time.monotonic() - started:.0f} s", file=sys.stderr, flush=True)


def main(arguments: Sequence[str] | None = None) -> int:
    """Print all tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="Parquet file of chains")
    parser.add_argument("--chains", type=int, default=54, help="of the noise tables, in all")
    parser.add_argument("--checkpoint", help="also rebuild real predictions of this checkpoint")
    parser.add_argument(
        "--predict", type=Path, help="the chains for that, and more exact maps; default: --data"
    )
    parser.add_argument("--limit", type=int, help="so many chains to predict at most")
    parser.add_argument("--only", nargs="+", choices=TABLES, help="some of the tables")
    parser.add_argument("--readme", action="store_true", help="write them into README.md")
    options = parser.parse_args(arguments)
    dataset = read_dataset(options.data)
    more = read_dataset(options.predict) if options.predict else None
    wanted = set(options.only or TABLES)
    groups = chosen_chains(dataset, options.chains)
    chains = [chain for group in groups.values() for chain in group]
    report = Report()
    if "exact" in wanted:
        with said("exact maps"):
            exact_maps(report, chains, [*dataset.chains, *(more.chains if more else ())])
    if "noise" in wanted:
        noisy_maps(report, chains, dataset)
    if "missing" in wanted:
        with said("missing pairs"):
            missing_pairs(report, chains)
    if "speed" in wanted:
        with said("speed"):
            speed(report, dataset)
    if options.checkpoint and "predictions" in wanted:
        with said("predictions"):
            predictions(report, options.checkpoint, more or dataset, options.limit)
    lengths = [len(chain) for chain in chains]
    kinds = ", ".join(f"{len(group)} {fold}" for fold, group in groups.items())
    text = (
        f"Noise and missing pairs: {len(chains)} chains of {dataset.name} ({kinds}; "
        f"{min(lengths)}–{max(lengths)} residues).\n\n{report.markdown()}"
    )
    print(text)
    if options.readme:
        write_part("reconstruction", text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
