"""Which chains of a library are relatives of a query: its profiles against the query, by MMseqs2.

A profile of one chain's relatives recognises relations that two single sequences don't show. The
library's profiles are MMseqs2's queries here and the person's sequences its database, for a few
sequences are aligned with every profile in a second or two, with none overlooked. A query that
comes with an alignment of its own relatives searches the library with that one's profile, too.
"""

import itertools
import re
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np

from distmat.dataset.clustering import MMseqsWorkspace, write_database
from distmat.errors import ConfigError
from distmat.library.cache import write_once
from distmat.library.profiles import write_alignment_database, write_profile_database
from distmat.library.realign import lay_hit
from distmat.library.store import Library
from distmat.library.templates import MOST_TEMPLATES, Hit, Template
from distmat.protein.alignment import Alignment
from distmat.protein.entry_id import normal_id

MOST_E_VALUE = 0.1
"""Of less sure ones, up to 1, the 134 validation chains without any better were a little worse off
than without templates (MAE 4.66 against 4.62 Å)."""
LEAST_COVERAGE = 0.2
"""Share of the query that an alignment covers at least."""
MOST_HITS = 20
"""Kept for a query, the surest."""

_ALIGN_ALL = 1_000
"""Queries up to which each profile is laid on each of them; more are filtered by words first."""
_LEAST_UNGAPPED = 25
"""Score that a stretch without gaps must reach before an alignment is tried."""


def search(
    library: Library,
    sequences: Sequence[str],
    threads: int = 2,
    allowed: Callable[[int], np.ndarray] | None = None,
    alignments: Sequence[Alignment | None] = (),
) -> list[list[Hit]]:
    """Look up sequences in a library.

    Parameters
    ----------
    library : Library
    sequences : sequence of str
        The queries.
    threads : int
    allowed : callable, optional
        Given a query's place, which of the library's chains may be found for it; shape=(chains,),
        dtype=bool.
    alignments : sequence of Alignment or None
        Of each query, where there are any: their profiles search the library, too.

    Returns
    -------
    list of list of Hit
        For each query, the surest first.

    Raises
    ------
    DatasetError
        If MMseqs2 is missing or fails.
    """
    if not sequences:
        return []
    with tempfile.TemporaryDirectory(prefix="distmat-search-") as name:
        rows = [
            *_find_by_known_profiles(library, sequences, Path(name) / "search", threads),
            *_find_by_alignments(library, alignments, Path(name) / "search", threads),
        ]
    places = [None if allowed is None else allowed(number) for number in range(len(sequences))]
    surest: list[dict[int, Hit]] = [{} for _ in sequences]
    for row in rows:
        may = places[row.query]
        if may is not None and not may[row.known]:
            continue
        # MMseqs2's own E-value counts the finds of a profile, whoever's it is; this one a query's.
        chance = row.length * library.residues * 2.0**-row.bits
        if chance > MOST_E_VALUE or row.end - row.start + 1 < LEAST_COVERAGE * row.length:
            continue
        before = surest[row.query].get(row.known)
        if before is None or chance < before.e_value:
            hit = Hit(row.known, chance, row.start - 1, row.known_start - 1, row.path)
            surest[row.query][row.known] = hit
    return [
        sorted(hits.values(), key=lambda hit: (hit.e_value, hit.target))[:MOST_HITS]
        for hits in surest
    ]


class _Row(NamedTuple):
    """An alignment as MMseqs2 tells it; residues are counted from 1."""

    query: int
    known: int
    bits: float
    start: int
    end: int
    length: int
    known_start: int
    path: str


def _find_by_known_profiles(
    library: Library, sequences: Sequence[str], folder: Path, threads: int
) -> Iterator[_Row]:
    """The library's profiles laid on the queries."""
    few = len(sequences) <= _ALIGN_ALL
    finding = ["--prefilter-mode", "1"] if few else ["-k", "5", "-s", "7.5"]
    most = str(max(300, len(sequences))) if few else "300"
    limits = ["--max-seqs", most, *_LIMITS, "-e", _weakest(library, sequences)]
    profiles = str(profile_database(library))
    with MMseqsWorkspace(folder, threads) as place:
        place.write("queries", enumerate(sequences))
        place.run(["createdb", "queries.fasta", "queries"], threads=False)
        place.run(["search", profiles, "queries", "found", "tmp", "-a", *finding, *limits])
        columns = "target,query,bits,tstart,tend,tlen,qstart,cigar"
        place.run(["convertalis", profiles, "queries", "found", "found.tsv", *_AS, columns])
        for row in _read_rows(folder / "found.tsv"):
            yield row._replace(path=row.path.translate(_OTHER_WAY_ROUND))


def _find_by_alignments(
    library: Library, alignments: Sequence[Alignment | None], folder: Path, threads: int
) -> Iterator[_Row]:
    """The profiles of the queries' own alignments laid on the library's chains."""
    texts = {
        number: alignment.a3m()
        for number, alignment in enumerate(alignments)
        if alignment is not None and len(alignment) > 1
    }
    if not texts:
        return
    known = str(_sequence_database(library))
    with MMseqsWorkspace(folder, threads) as place:
        write_alignment_database(folder / "alignments", texts)
        # As FASTA: no row has insertions any more.
        place.run(["msa2profile", "alignments", "profiles", "--match-mode", "0"])
        search = ["search", "profiles", known, "found", "tmp", "-a", "--prefilter-mode", "1"]
        # Here MMseqs2's E-value is the query's own.
        place.run([*search, "--max-seqs", "300", *_LIMITS, "-e", str(_MARGIN * MOST_E_VALUE)])
        columns = "query,target,bits,qstart,qend,qlen,tstart,cigar"
        place.run(["convertalis", "profiles", known, "found", "found.tsv", *_AS, columns])
        yield from _read_rows(folder / "found.tsv")


_LIMITS = ("--min-ungapped-score", str(_LEAST_UNGAPPED))
_MARGIN = 10
"""By how much more than needed MMseqs2 tells: its E-values heed that alignments end somewhere."""


def _weakest(library: Library, sequences: Sequence[str]) -> str:
    """MMseqs2's E-value up to which a profile's finds are told; weaker ones would be dropped.

    It is residues of the profile × those of all queries × 2^-bits; what counts in the end is
    residues of the one query × those of the library × 2^-bits, up to `MOST_E_VALUE`.
    """
    profile, queries = max(map(len, library.sequences)), sum(map(len, sequences))
    one = min(map(len, sequences)) * library.residues
    return f"{_MARGIN * MOST_E_VALUE * profile * queries / one:g}"


_AS = ("--format-output",)
_OTHER_WAY_ROUND = str.maketrans("ID", "DI")


def _read_rows(path: Path) -> Iterator[_Row]:
    for line in path.read_text(encoding="ascii").splitlines():
        query, known, bits, start, end, length, known_start, cigar = line.split("\t")
        yield _Row(
            int(query),
            int(known),
            float(bits),
            int(start),
            int(end),
            int(length),
            int(known_start),
            cigar,
        )


def profile_database(library: Library) -> Path:
    """The library's profiles as MMseqs2 reads them, written once for each library."""

    def write(folder: Path) -> None:
        profiles = [library.profile(number) for number in range(len(library))]
        write_profile_database(folder / "profiles", library.sequences, profiles)

    return write_once(library.fingerprint(), write) / "profiles"


def _sequence_database(library: Library) -> Path:
    """The library's sequences as MMseqs2 reads them, written once for each library."""

    def write(folder: Path) -> None:
        write_database(library.sequences, folder)

    return write_once(f"{library.fingerprint()}-sequences", write) / "sequences"


@dataclass(frozen=True)
class Exclusion:
    """Which known chains may not serve as templates, so that a benchmark stays honest.

    Parameters
    ----------
    entries : frozenset of str
        Ids of PDB entries or of chains, in any form.
    identity : float
        Templates whose aligned residues are as identical as this, 0 to 1, or more; above 1: none.
    released_from : str
        Structures published on this day or later, as 2021-05-26, and those whose day is unknown;
        empty: none.
    """

    entries: frozenset[str] = frozenset()
    identity: float = 2.0
    released_from: str = ""

    def __post_init__(self) -> None:
        if self.released_from and not re.fullmatch(r"\d{4}-\d\d-\d\d", self.released_from):
            raise ConfigError(f"The date is '{self.released_from[:40]}'; write it as 2021-05-26.")

    def find_allowed(self, library: Library, entries: Iterable[str] = ()) -> np.ndarray:
        """Which chains may be found; shape=(chains,), dtype=bool.

        Parameters
        ----------
        library : Library
        entries : iterable of str
            Further ids that are excluded.
        """
        unwanted = {normal_id(text) for text in (*self.entries, *entries)}
        return np.array(
            [
                name not in unwanted
                and name.partition("_")[0] not in unwanted
                and not (self.released_from and (released or "9999") >= self.released_from)
                for name, released in zip(library.normal_names, library.released, strict=True)
            ]
        )


def find_templates(
    library: Library,
    sequences: Sequence[str],
    exclude: Exclusion | None = None,
    own_entries: Sequence[str] | None = None,
    threads: int = 2,
    alignments: Sequence[Alignment | None] = (),
) -> list[list[Template]]:
    """Templates of each of some queries, the surest first.

    Parameters
    ----------
    library : Library
    sequences : sequence of str
    exclude : Exclusion, optional
    own_entries : sequence of str, optional
        For each query an id whose PDB entry may not serve as its template: its own.
    threads : int
    alignments : sequence of Alignment or None
        As for `search`.

    Raises
    ------
    DatasetError
        If MMseqs2 is missing or fails.
    """
    exclude = exclude or Exclusion()

    def allowed(number: int) -> np.ndarray:
        own = [] if own_entries is None else [normal_id(own_entries[number]).partition("_")[0]]
        return exclude.find_allowed(library, own)

    found = search(library, sequences, threads, allowed, alignments)
    answer = []
    for sequence, hits in zip(sequences, found, strict=True):
        laid = (
            lay_hit(sequence, library.chain(hit.target), library.profile(hit.target), hit)
            for hit in hits
            if hit.find_identity(sequence, library.sequences[hit.target]) < exclude.identity
        )
        # An alignment may have become another one.
        kept = (template for template in laid if template.identity < exclude.identity)
        answer.append(list(itertools.islice(kept, MOST_TEMPLATES)))
    return answer
