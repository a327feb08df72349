r"""What templates add to predictions, and how far their distances are to be trusted.

Run by hand, from this folder's parent:

    python benchmarks/templates.py align --library LIBRARY
    python benchmarks/templates.py fit --library LIBRARY --data train.parquet
    python benchmarks/templates.py score --data val.parquet --library LIBRARY

`align` and `fit` find templates for chains of the library among its other clusters, below 30 %
identity. `align` fits the numbers in `distmat/library/realign.py`: the likelihood of the alignments
that TM-align makes of the two structures, among all local ones (a conditional random field), and
counts how many of its pairs search and realignment find among chains that weren't fitted to.
`fit` fits the numbers in `distmat/library/evidence.py` to pairs of residues, by maximum
likelihood, and heeds near relatives, too: those of a dataset's chains in the library. `score`
compares predictions from the sequence alone, with templates, and two nulls: the separation, and
copying the surest template. Chains of a query's own PDB entry and alignments of 30 % identity and
more are left out.
"""

import argparse
import os
from collections.abc import Iterator, Sequence

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import tmtools
import torch
from scipy.optimize import minimize
from scipy.stats import bootstrap

from distmat.dataset.clustering import RELATED
from distmat.dataset.store import read_dataset
from distmat.geometry.calibration import Calibration
from distmat.geometry.embedding import embed
from distmat.geometry.reconstruction import reconstruct
from distmat.library.evidence import FARTHEST, describe
from distmat.library.realign import (
    GAP_EXTEND,
    GAP_OPEN,
    WEIGHTS,
    choose_path,
    describe_pairs,
    find_counterparts,
    lay_hit,
    weigh_paths,
)
from distmat.library.search import Exclusion, find_templates, search
from distmat.library.store import Library
from distmat.library.templates import Hit, Template, copy_nearest
from distmat.model.predictor import load
from distmat.protein.chain import Chain
from distmat.protein.distance_map import DistanceMap, pairwise_distances
from distmat.protein.entry_id import normal_id
from distmat.scoring.deviations import coverage
from distmat.scoring.map_scores import score_map
from distmat.scoring.trace_scores import score_trace
from distmat.workspace import dataset_path, library_path

PAIRS = 150
"""Of a template; neighbouring pairs tell the same."""
HITS = 150
"""With E-values within the same two decades and identities within the same 15 %."""
SHOWN = ("mae", "rmse", "pearson", "lddt", "long_precision")
"""Of the map; beside them `_scored` gives MDS r, and TM and lDDT of the trace."""


def main() -> None:
    """Do what the command line says."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    commands = parser.add_subparsers(dest="command", required=True)
    aligning = commands.add_parser("align", help="fit what makes residues counterparts")
    aligning.add_argument("--chains", type=int, default=400, help="of the library, as queries")
    fitting = commands.add_parser("fit", help="fit the likelihood of a template's distances")
    fitting.add_argument("--chains", type=int, default=2_000, help="of the library, as queries")
    fitting.add_argument("--data", required=True, help="chains whose near relatives count, too")
    scoring = commands.add_parser("score", help="scores with and without templates")
    scoring.add_argument("--data", required=True)
    scoring.add_argument("--checkpoint", default="mini")
    scoring.add_argument("--shortest", type=int, default=0)
    scoring.add_argument("--longest", type=int, default=256)
    scoring.add_argument("--chains", type=int, default=100_000, help="spread over the file")
    for command in (aligning, fitting, scoring):
        command.add_argument("--library", required=True)
    options = parser.parse_args()
    library = Library(library_path(options.library))
    if options.command == "align":
        align(library, options.chains)
    elif options.command == "fit":
        fit(library, options.chains, options.data)
    else:
        score(library, options)


def fit(library: Library, queries: int, data: str) -> None:
    """Print the fitted numbers, and how well they describe pairs that weren't fitted to."""
    rng = np.random.default_rng(0)
    chosen = rng.choice(len(library), min(queries, len(library)), replace=False)
    remote = [(query, hit) for query, hits in _remote_hits(library, chosen) for hit in hits]
    near = _near_hits(library, data, rng)
    facts, known, true = _sampled_pairs(library, remote + near, rng)
    # Two templates of twenty, not some pairs of each.
    held_out = np.arange(len(true)) % (20 * PAIRS) < 2 * PAIRS
    scale = torch.zeros(facts.shape[1], requires_grad=True)
    outliers = torch.zeros(facts.shape[1], requires_grad=True)
    with torch.no_grad():
        scale[0], outliers[0] = 0.7, -1.0
    optimizer = torch.optim.LBFGS([scale, outliers], max_iter=150, line_search_fn="strong_wolfe")

    def loss(rows: np.ndarray) -> torch.Tensor:
        x = torch.from_numpy(facts[rows])
        error = torch.from_numpy(np.abs(true - known)[rows].astype(np.float32))
        s = torch.exp((x @ scale).clamp(-2, 3.5))
        share = torch.sigmoid(x @ outliers)
        density = (1 - share) * torch.exp(-error / s) / (2 * s) + share / FARTHEST
        return -density.log().mean()

    def closure() -> torch.Tensor:
        optimizer.zero_grad()
        value = loss(~held_out)
        value.backward()
        return value

    optimizer.step(closure)
    with torch.no_grad():
        print(f"{len(true):,} pairs; {float(loss(held_out)):.4f} nats on the tenth held out")
    for name, numbers in (("SCALE", scale), ("OUTLIERS", outliers)):
        print(name, "=", tuple(np.round(numbers.detach().numpy(), 3).tolist()))


def _sampled_pairs(
    library: Library, found: list[tuple[Chain, Hit]], rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Facts, the template's distance and the true one of pairs of some of the hits."""
    # Most are of large families and sure; a chain whose family is new has others.
    kinds = [
        (
            -np.log10(max(hit.e_value, 1e-30)) // 2,
            hit.find_identity(query.sequence, library.sequences[hit.target]) // 0.15,
        )
        for query, hit in found
    ]
    _, kind = np.unique(kinds, axis=0, return_inverse=True)
    drawn = [rng.permutation(np.flatnonzero(kind == each))[:HITS] for each in range(kind.max() + 1)]
    facts, known, true = [], [], []
    for query, hit in (found[place] for place in rng.permutation(np.concatenate(drawn))):
        chain, profile = library.chain(hit.target), library.profile(hit.target)
        rows, laid_out, i, j = describe(lay_hit(query.sequence, chain, profile, hit))
        distances = query.distances[i, j]
        usable = np.flatnonzero(np.isfinite(distances) & (j - i > 2))
        some = rng.choice(usable, min(PAIRS, len(usable)), replace=False)
        facts.append(rows[some])
        known.append(laid_out[some])
        true.append(distances[some])
    return np.concatenate(facts), np.concatenate(known), np.concatenate(true)


def _remote_hits(library: Library, chosen: np.ndarray) -> Iterator[tuple[Chain, list[Hit]]]:
    """Chains of a library with what is found for them among its other clusters, below 30 %."""
    entries = np.array([name.partition("_")[0] for name in library.normal_names])

    def allowed(place: int) -> np.ndarray:
        number = chosen[place]
        return (library.clusters != library.clusters[number]) & (entries != entries[number])

    sequences = [library.sequences[number] for number in chosen]
    for number, hits in zip(chosen, search(library, sequences, 2, allowed), strict=True):
        query = library.chain(int(number))
        known = library.sequences
        yield (
            query,
            [h for h in hits if h.find_identity(query.sequence, known[h.target]) < RELATED],
        )


def _near_hits(library: Library, data: str, rng: np.random.Generator) -> list[tuple[Chain, Hit]]:
    """Chains of a dataset with what is found for them in other entries, of 30 % and more."""
    chains = read_dataset(dataset_path(data)).chains
    chosen = [chains[place] for place in rng.choice(len(chains), 1_000, replace=False)]
    entries = np.array([name.partition("_")[0] for name in library.normal_names])
    own = [normal_id(chain.name).partition("_")[0] for chain in chosen]
    sequences = [chain.sequence for chain in chosen]
    found = search(library, sequences, 2, lambda place: entries != own[place])
    return [
        (chain, hit)
        for chain, hits in zip(chosen, found, strict=True)
        for hit in hits
        if hit.find_identity(chain.sequence, library.sequences[hit.target]) >= RELATED
    ]


def align(library: Library, queries: int) -> None:
    """Print the fitted numbers, and how many counterparts are found of a quarter held out."""
    rng = np.random.default_rng(0)
    lengths = np.array([len(sequence) for sequence in library.sequences])
    fit_for = np.flatnonzero((lengths >= 50) & (lengths <= 256))
    chosen = rng.choice(fit_for, min(queries, len(fit_for)), replace=False)
    cases = []
    for query, hits in _remote_hits(library, chosen):
        for hit in hits[:1]:
            chain, profile = library.chain(hit.target), library.profile(hit.target)
            if (truth := _align_structures(query, chain)) is not None:
                facts = describe_pairs(query.sequence, chain.sequence, profile)
                cases.append((facts, truth, hit.places(len(query))))
    held_out, fitted = cases[::4], [case for place, case in enumerate(cases) if place % 4]
    start = np.array([*WEIGHTS, GAP_OPEN, GAP_EXTEND])
    bounds = [(None, None)] * len(WEIGHTS) + [(-12, -0.5), (-3, -0.03)]
    found = minimize(
        _unlikelihood,
        start,
        args=(fitted,),
        jac=True,
        method="L-BFGS-B",
        bounds=bounds,
        options={"maxiter": 20},
    )
    *weights, gap_open, gap_extend = (round(float(number), 3) for number in found.x)
    print(f"{len(fitted)} pairs of chains; {found.fun:.4f} nats a counterpart")
    print(f"WEIGHTS = {tuple(weights)}; GAP_OPEN, GAP_EXTEND = {gap_open}, {gap_extend}")
    numbers = tuple(weights), gap_open, gap_extend
    again = [choose_path(find_counterparts(facts, *numbers)) for facts, _, _ in held_out]
    for name, places in (("search", [found for _, _, found in held_out]), ("realigned", again)):
        shares = []
        for (_, truth, _), place in zip(held_out, places, strict=True):
            right = (place == truth) & (truth >= 0)
            near = (np.abs(place - truth) <= 1) & (place >= 0) & (truth >= 0)
            shares.append([part.sum() / (truth >= 0).sum() for part in (right, near)])
        right, near = np.mean(shares, axis=0)
        print(f"{name:10} {right:.3f} of them right, {near:.3f} to a residue")


def _align_structures(query: Chain, known: Chain) -> np.ndarray | None:
    """Counterparts within 6 Å by TM-align; None where the two are too unlike to have any."""
    if not (query.observed.all() and known.observed.all()):
        return None
    told = tmtools.tm_align(
        query.ca.astype(float), known.ca.astype(float), query.sequence, known.sequence
    )
    if max(told.tm_norm_chain1, told.tm_norm_chain2) < 0.45:
        return None
    own = np.cumsum([letter != "-" for letter in told.seqxA]) - 1
    other = np.cumsum([letter != "-" for letter in told.seqyA]) - 1
    both = [a != "-" and b != "-" for a, b in zip(told.seqxA, told.seqyA, strict=True)]
    i, j = own[both], other[both]
    moved = query.ca[i] @ told.u.T + told.t
    near = np.linalg.norm(moved - known.ca[j], axis=1) < 6.0
    place = np.full(len(query), -1)
    place[i[near]] = j[near]
    return place if near.sum() >= 10 else None


def _unlikelihood(numbers: np.ndarray, cases: Sequence[tuple]) -> tuple[float, np.ndarray]:
    """Minus the log probability of the true alignments for each pair, and its gradient."""
    *weights, gap_open, gap_extend = numbers
    gaps = np.array([gap_open, gap_extend])
    value, slope = 0.0, np.zeros_like(numbers)
    for facts, truth, _ in cases:
        i = np.flatnonzero(truth >= 0)
        j = truth[i]
        skipped = np.concatenate([np.diff(i), np.diff(j)]) - 1
        counted = np.array([(skipped > 0).sum(), np.maximum(skipped - 1, 0).sum()])
        score = np.tensordot(weights, facts, 1)

        def total(gaps: np.ndarray, score: np.ndarray = score) -> float:
            return float(np.logaddexp.reduce(weigh_paths(score, *gaps), None))

        whole = total(gaps)
        probability = find_counterparts(facts, weights, *gaps)
        value -= (score[i, j].sum() + counted @ gaps - whole) / len(i)
        expected = np.tensordot(facts, probability, 2)
        # What is expected of gaps follows from a small step of their price.
        of_gaps = [(total(gaps + step) - whole) / 1e-4 for step in 1e-4 * np.eye(2)]
        slope[:-2] -= (facts[:, i, j].sum(axis=1) - expected) / len(i)
        slope[-2:] -= (counted - of_gaps) / len(i)
    return value / len(cases), slope / len(cases)


def score(library: Library, options: argparse.Namespace) -> None:
    """Print a table of mean scores with bootstrap intervals, for all chains and by stratum."""
    predictor = load(options.checkpoint)
    dataset = read_dataset(dataset_path(options.data)).representatives()
    chains = [c for c in dataset.chains if options.shortest <= len(c) <= options.longest]
    places = np.linspace(0, len(chains) - 1, min(options.chains, len(chains))).astype(int)
    chains = [chains[place] for place in places]
    found = find_templates(
        library,
        [chain.sequence for chain in chains],
        Exclusion(identity=RELATED),
        [normal_id(chain.name) for chain in chains],
    )
    rows = [_scored(predictor, *pair) for pair in zip(chains, found, strict=True)]
    table = np.array([values for values, _ in rows])
    has = np.array([bool(templates) for templates in found])
    for stratum, keep in (("all", has | True), ("has a template", has), ("has none", ~has)):
        print(f"\n{stratum}: {keep.sum()} chains")
        for k, name in enumerate(("separation", "copy nearest", "sequence alone", "library")):
            print(f"{name:16}", *(_interval(column) for column in table[keep, k].T))
    counted = [share for (_, share), hit in zip(rows, has, strict=True) if hit]
    print("\nσ of chains with a template:", sum(counted[1:], counted[0]).as_dict())


def _scored(predictor, chain: Chain, templates: Sequence[Template]):
    alone = predictor.predict(chain.sequence)
    heard = predictor.predict(chain.sequence, templates=templates) if templates else alone
    baseline = predictor.baseline.predict(len(chain))
    values = [
        _values(chain, baseline),
        _values(chain, copy_nearest(templates, baseline)),
        _values(chain, alone.distances, alone, predictor.calibration),
        # As `distmat.prediction` rebuilds them.
        _values(chain, heard.distances, heard, None if templates else predictor.calibration),
    ]
    return values, coverage(heard.distances, heard.std, chain.distances)


def _values(
    chain: Chain,
    distances: np.ndarray,
    predicted: DistanceMap | None = None,
    calibration: Calibration | None = None,
) -> list[float]:
    scores = score_map(distances, chain.ca, predicted and predicted.contacts)
    points = embed(distances).coords
    mds = score_map(pairwise_distances(points), chain.ca).pearson
    values = [*(getattr(scores, name) for name in SHOWN), mds]
    if predicted is None:
        return [*values, np.nan, np.nan]
    rebuilt = reconstruct(
        distances,
        std=predicted.std,
        calibration=calibration,
        unit="Å",
        zeros_are_missing=False,
    )
    trace = score_trace(rebuilt.coords, chain.ca)
    return [*values, trace.tm, trace.lddt]


def _interval(values: np.ndarray) -> str:
    defined = values[np.isfinite(values)]
    if len(defined) < 2:
        return "–"
    drawn = bootstrap((defined,), np.mean, method="percentile", n_resamples=2000, rng=0)
    low, high = drawn.confidence_interval
    return f"{defined.mean():7.3f} ({low:.3f}–{high:.3f})"


if __name__ == "__main__":
    main()
