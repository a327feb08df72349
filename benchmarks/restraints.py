"""How often a restraint holds that a prediction gives: measured on known chains, for a checkpoint.

    python benchmarks/restraints.py CHECKPOINT DATASET.parquet [--library] [--write]
        [--min-length 1] [--max-length 256]

Of the representative chains of these lengths, every pair with |i − j| ≥ 6 whose σ is at most
a threshold makes a restraint, as `distmat.export.restraints` makes them. It holds if the true
distance is within its bounds. `--write` keeps the table in the checkpoint's folder, from where
restraints are given with it.
"""

import argparse
import json
from pathlib import Path

import numpy as np

from distmat.dataset.store import stream_rows
from distmat.export.restraints import MEASURED_FILE, THRESHOLDS, bounds_of, choose_pairs
from distmat.library.search import find_templates
from distmat.library.store import open_library
from distmat.model.predictor import load
from distmat.scoring.baseline import reference_baseline
from distmat.workspace import checkpoint_path, replace_file


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("checkpoint")
    parser.add_argument("dataset", type=Path)
    parser.add_argument("--library", action="store_true", help="templates below 30 %% identity")
    parser.add_argument("--write", action="store_true")
    parser.add_argument("--min-length", type=int, default=1)
    parser.add_argument("--max-length", type=int, default=256)
    options = parser.parse_args()
    predictor = load(options.checkpoint)
    library = open_library(None, options.checkpoint) if options.library else None
    rows = [row for row in stream_rows(options.dataset, ("rep",)) if row.get("rep", True)]
    lengths = range(options.min_length, options.max_length + 1)
    chains = [row["chain"] for row in rows if len(row["chain"]) in lengths]
    found = np.zeros((len(THRESHOLDS), 3), dtype=int)
    used = 0
    for number, chain in enumerate(chains, start=1):
        templates = ()
        if library is not None:
            templates = tuple(_templates(library, chain))
            if not templates:
                continue
        used += 1
        predicted = predictor.predict(chain.sequence, templates=templates)
        table, true = reference_baseline().predict(len(chain)), chain.distances
        for k, most in enumerate(THRESHOLDS):
            i, j = choose_pairs(predicted, most)
            i, j = (side[np.isfinite(true[i, j])] for side in (i, j))
            low, high = bounds_of(predicted.distances[i, j], predicted.std[i, j])
            half = (high - low) / 2
            holds = (low <= true[i, j]) & (true[i, j] <= high)
            found[k] += len(i), holds.sum(), (np.abs(table[i, j] - true[i, j]) <= half).sum()
        if number % 50 == 0:
            print(number, found.tolist(), flush=True)
    measured = [
        {
            "std": most,
            "pairs_per_chain": round(pairs / used, 1),
            "holds": round(holds / max(pairs, 1), 4),
            "baseline_holds": round(baseline / max(pairs, 1), 4),
        }
        for most, (pairs, holds, baseline) in zip(THRESHOLDS, found.tolist(), strict=True)
    ]
    print(used, "chains")
    for row in measured:
        print(row)
    if options.write:
        path = checkpoint_path(options.checkpoint) / MEASURED_FILE
        known = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
        key = "with templates" if options.library else "sequence alone"
        known[key] = {"chains": used, "dataset": options.dataset.name, "measured": measured}
        with replace_file(path, "w") as file:
            json.dump(known, file, indent=1)


def _templates(library, chain):
    from distmat.library.search import Exclusion

    return find_templates(library, [chain.sequence], Exclusion(identity=0.3), [chain.name], 1)[0]


if __name__ == "__main__":
    main()
