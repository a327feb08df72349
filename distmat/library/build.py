"""A library made of datasets: their chains, and a profile of each from natural sequences."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from distmat.dataset.clustering import RELATED, MMseqsWorkspace, relatives, sensitive_search
from distmat.dataset.sequence_bank import check_sequences
from distmat.dataset.store import read_dataset, stream_rows
from distmat.errors import ConfigError, DatasetError
from distmat.library.align import search_relatives
from distmat.library.profiles import read_profile_database
from distmat.library.store import KnownChain, write_library
from distmat.protein.chain import Chain

Report = Callable[[str], None]


@dataclass(frozen=True)
class Built:
    """What `build_library` has done.

    Parameters
    ----------
    chains : int
        In the library.
    with_profile : int
        Of those, how many have a profile of natural sequences.
    excluded : int
        Chains left out, for they are relatives of excluded ones.
    """

    chains: int
    with_profile: int
    excluded: int


def build_library(
    datasets: Sequence[Path],
    output: Path,
    sequences: Path | None = None,
    exclude: Sequence[Path] = (),
    threads: int = 2,
    report: Report = lambda _text: None,
) -> Built:
    """Write a library of the chains of some datasets.

    Parameters
    ----------
    datasets : sequence of Path
        A chain whose id came before is left out.
    output : Path
        Parquet; see `distmat.library.store`.
    sequences : Path, optional
        FASTA, or Parquet with a column ``sequence``, that profiles are made from; without it a
        profile knows the chain's own residues alone.
    exclude : sequence of Path
        Datasets of whose chains no relative (≥ 30 % identity over half of the shorter) is taken.
    threads : int
    report : callable
        Told what is being done, a sentence at a time.

    Raises
    ------
    DatasetError
        If a file can't be read, no chain is left, or MMseqs2 is missing or fails.
    ConfigError
        If `threads` is below 1.
    """
    if threads < 1:
        raise ConfigError(f"workers is {threads}; it must be 1 or more.")
    if sequences is not None:
        check_sequences(sequences)
    report("Reading the datasets")
    known = list(_known_chains(datasets))
    held_out = [chain.sequence for path in exclude for chain in read_dataset(path).chains]
    work = output.with_name(f".{output.stem}.library")
    if held_out:
        report("Looking for relatives of the excluded chains")
    related = _find_related([row.chain.sequence for row in known], held_out, work, threads)
    kept = [row for number, row in enumerate(known) if number not in related]
    if not kept:
        raise DatasetError(f"No chain is left for the library {output.stem}; exclude fewer.")
    profiles: dict[int, np.ndarray] = {}
    if sequences is not None:
        report(f"Searching {sequences.name} for the relatives of {len(kept):,} chains")
        profiles = make_profiles([row.chain.sequence for row in kept], sequences, work, threads)
    report("Writing the library")
    write_library(
        output,
        (
            KnownChain(row.chain, profiles.get(number), row.cluster, row.released)
            for number, row in enumerate(kept)
        ),
    )
    return Built(len(kept), len(profiles), len(related))


def make_profiles(
    chains: Sequence[str], sequences: Path, folder: Path, threads: int
) -> dict[int, np.ndarray]:
    """Profiles of chains from a file of natural sequences.

    Parameters
    ----------
    chains : sequence of str
    sequences : Path
        FASTA, or Parquet with a column ``sequence``.
    folder : Path
        For MMseqs2's files; is emptied first and removed in the end.
    threads : int

    Returns
    -------
    dict of int to ndarray, shape=(N, 20), dtype=uint8
        By the chain's place, and by `pack_frequencies`.
    """
    with MMseqsWorkspace(folder, threads) as place:
        search_relatives(place, chains, sequences)
        place.run(["result2profile", "chains", "natural", "found", "profiles"])
        return dict(read_profile_database(place.folder / "profiles"))


def _known_chains(datasets: Sequence[Path]) -> Iterator[KnownChain]:
    taken: set[str] = set()
    for path in datasets:
        for row in stream_rows(path, ("id", "sequence", "ca", "cluster", "release_date")):
            chain: Chain = row["chain"]
            if chain.name in taken or not chain.observed.any():
                continue
            taken.add(chain.name)
            cluster = row.get("cluster")
            released = str(row.get("release_date") or "")[:10]
            yield KnownChain(chain, None, -1 if cluster is None else int(cluster), released)


def _find_related(chains: list[str], held_out: list[str], folder: Path, threads: int) -> set[int]:
    hits = sensitive_search(held_out, chains, folder, threads)
    return {int(place) for place in relatives(hits, RELATED).target}
