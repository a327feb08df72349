r"""Rebuild the benchmark from the Protein Data Bank, and check that it is the same.

Run by hand, from this folder's parent, with a network:

    python benchmark/rebuild.py
    distmat evaluate benchmark --rep-only --max-length 256

Every entry in `chains.csv` is downloaded, and each chain's observed residues are compared with
the list's digest of them. What differs, or isn't there any more, is named and left out: a score
of fewer chains is not the benchmark's. `python benchmark/rebuild.py --check DATASET` only compares.
"""

import argparse
import csv
import hashlib
import sys
from collections.abc import Iterator
from pathlib import Path

from distmat.dataset.build import build
from distmat.dataset.presets import preset
from distmat.dataset.store import DatasetWriter, read_dataset
from distmat.protein.chain import Chain
from distmat.protein.entry_id import normal_id
from distmat.workspace import dataset_path, replace_file, workspace

LIST = Path(__file__).with_name("chains.csv")
NAME = "benchmark"


def main() -> int:
    """Do what the command line says; 1 if a chain differs."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--check", metavar="DATASET", help="one that was built: only compare")
    options = parser.parse_args()
    listed = read_list(LIST)
    if options.check:
        built = dataset_path(options.check)
    else:
        known = preset(NAME)
        built = build(known.inputs, f"{NAME}-entries", known.settings, overwrite=True)
    chains = {normal_id(chain.name): chain for chain in read_dataset(built).chains}
    faults = list(differences(listed, chains))
    for name, fault in faults:
        print(f"{name}: {fault}")
    print(f"{len(listed) - len(faults):,} of {len(listed):,} chains are those of the benchmark")
    if not options.check:
        wrong = {name for name, _ in faults}
        write(listed, {name: chain for name, chain in chains.items() if name not in wrong})
    return 1 if faults else 0


def read_list(path: Path) -> dict[str, dict[str, str]]:
    """What the list says of each chain, by its id."""
    with path.open(newline="", encoding="ascii") as file:
        return {normal_id(row["id"]): row for row in csv.DictReader(file)}


def digest(chain: Chain) -> str:
    """SHA-256 of the letters of the residues whose Cα was observed."""
    letters = (letter for letter, seen in zip(chain.sequence, chain.observed, strict=True) if seen)
    return hashlib.sha256("".join(letters).encode("ascii")).hexdigest()


def differences(
    listed: dict[str, dict[str, str]], chains: dict[str, Chain]
) -> Iterator[tuple[str, str]]:
    """Chains that are missing or other than the list says, and in what."""
    for name, row in listed.items():
        if name not in chains:
            yield name, "not there"
        elif digest(chains[name]) != row["sha256"]:
            seen = int(chains[name].observed.sum())
            yield name, f"{seen} observed residues, not the {row['observed']} of the list"


def write(listed: dict[str, dict[str, str]], chains: dict[str, Chain]) -> None:
    """The benchmark's dataset, with the list's splits, clusters and representatives."""
    target = workspace() / "datasets" / f"{NAME}.parquet"
    with replace_file(target) as file, DatasetWriter(file) as writer:
        for name, chain in chains.items():
            row = listed[name]
            writer.add(
                chain, split=row["split"], cluster=int(row["cluster"]), rep=row["rep"] == "1"
            )
    print(f"Written to {target}")


if __name__ == "__main__":
    sys.exit(main())
