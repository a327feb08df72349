"""How well the separation baseline, a table of Cα distances, serves for distances of Cβ.

    python benchmarks/beta_baseline.py FOLDER [FOLDER ...]

of structure files with all atoms; of each the first chain of 40 residues or more counts.
"""

import sys
from pathlib import Path

import numpy as np

from distmat.errors import StructureError
from distmat.protein.distance_map import pairwise_distances
from distmat.protein.structure.beta import read_beta
from distmat.protein.structure.read import read_structure_bytes
from distmat.scoring.baseline import reference_baseline


def main(folders: list[str]) -> None:
    rows = []
    for path in sorted(file for folder in folders for file in Path(folder).rglob("*.pdb*")):
        data = path.read_bytes()
        try:
            chain = read_structure_bytes(data, path.name)[0]
            beta = read_beta(data, path.name, chain, "Cα")
        except StructureError:
            continue
        i, j = np.triu_indices(len(chain), 1)
        alpha, others = chain.distances[i, j], pairwise_distances(beta)[i, j]
        seen = np.isfinite(alpha) & np.isfinite(others)
        if len(chain) < 40 or not seen.any():
            continue
        table = reference_baseline().predict(len(chain))[i, j]
        pairs = ((table, alpha), (table, others), (alpha, others))
        rows.append([np.abs(a - b)[seen].mean() for a, b in pairs])
    by_alpha, by_beta, apart = np.mean(rows, axis=0)
    print(f"{len(rows)} chains; the table is off by {by_alpha:.2f} Å from distances of Cα and by")
    print(f"{by_beta:.2f} Å from those of Cβ, which differ from each other by {apart:.2f} Å.")


if __name__ == "__main__":
    main(sys.argv[1:])
