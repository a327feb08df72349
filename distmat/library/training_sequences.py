"""What a checkpoint was trained on, and whether a query or a relative of it was among that.

A score on a chain that a model learned from says how well it remembers. So the sequences travel
with the checkpoint, as one Parquet file with the columns ``id`` and ``sequence``.
"""

import hashlib
import math
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from distmat.dataset.clustering import (
    RELATED,
    mmseqs_program,
    relatives,
    sensitive_search,
    write_database,
)
from distmat.dataset.store import parquet_faults
from distmat.errors import CheckpointError, DatasetError, one_line
from distmat.library.cache import write_once
from distmat.protein.entry_id import normal_id
from distmat.workspace import replace_file

TRAINING_SEQUENCES = "training_sequences.parquet"
"""In a checkpoint's folder."""

MOST_E_VALUE = 1e-3
"""Splits are kept clean of E ≤ 0.1, too, which would alarm one of ten unrelated queries."""

_LEAST_PIECE = 15
"""Residues that two chains don't have in common by chance."""


@dataclass(frozen=True)
class Overlap:
    """What a checkpoint's training has to do with one query.

    Parameters
    ----------
    searched : int
        Chains that it was trained on.
    relatives : int
        How many of them are relatives of the query, or the query itself.
    name : str
        Of the nearest relative; empty if there is none.
    identity, coverage : float
        Shares, of the alignment with the nearest relative and of the shorter chain.
    thorough : bool
        Whether relatives were searched; without MMseqs2 only chains that hold one another are
        found.
    """

    searched: int
    relatives: int = 0
    name: str = ""
    identity: float = 0.0
    coverage: float = 0.0
    thorough: bool = True

    def sentence(self, checkpoint: str) -> str:
        """What there is to know before any score is read."""
        if self.relatives:
            nearest = (
                f"{_likeness(self.identity)} to {self.name}, which {checkpoint} was trained on"
            )
            others = self.relatives - 1
            more = f", as on {others:,} more relative{'s' * (others != 1)}" if others else ""
            return f"{nearest}{more}: scores here say what it remembers, not what it can predict."
        if not self.thorough:
            return (
                f"Not one of the {self.searched:,} chains that {checkpoint} was trained on. "
                "Whether a relative is isn't known: MMseqs2, which would find it, isn't installed."
            )
        return (
            f"No relative among the {self.searched:,} chains that {checkpoint} was trained on "
            f"(≥ {100 * RELATED:g} % identical over half of the shorter chain)."
        )

    def as_dict(self) -> dict:
        """For JSON."""
        nearest = {
            "id": self.name,
            "identity": round(self.identity, 4),
            "coverage": round(self.coverage, 4),
        }
        return {
            "chains": self.searched,
            "relatives": self.relatives,
            "nearest": nearest if self.relatives else None,
            "thorough": self.thorough,
        }

    @classmethod
    def from_dict(cls, content: Mapping[str, Any]) -> "Overlap":
        """What `as_dict` gave."""
        near = content["nearest"] or {"id": "", "identity": 0.0, "coverage": 0.0}
        numbers = content["chains"], content["relatives"]
        return cls(*numbers, near["id"], near["identity"], near["coverage"], content["thorough"])


def describe_overlap(overlap: Overlap | None, checkpoint: str) -> str:
    """The sentence for a query, also where the checkpoint doesn't tell what it was trained on."""
    if overlap is not None:
        return overlap.sentence(checkpoint)
    return (
        f"{checkpoint} doesn't tell which chains it was trained on: this one or a relative may be "
        "among them, and then scores say what it remembers, not what it can predict."
    )


class TrainingSequences:
    """The chains that a checkpoint was trained on.

    Parameters
    ----------
    names, sequences : sequence of str
        Of each chain; the latter in the 20 letters and X.
    """

    def __init__(self, names: Sequence[str], sequences: Sequence[str]) -> None:
        self.names, self.sequences = tuple(names), tuple(sequences)

    def __len__(self) -> int:
        return len(self.names)

    def join(self, other: "TrainingSequences") -> "TrainingSequences":
        """These and those of the checkpoint that a training began with."""
        names, sequences = self.names + other.names, self.sequences + other.sequences
        both = dict.fromkeys(zip(names, sequences, strict=True))
        return TrainingSequences(*zip(*both, strict=True))

    @cached_property
    def normal_names(self) -> frozenset[str]:
        """The chains' ids in the form in which they are compared."""
        return frozenset(map(normal_id, self.names))

    def overlaps(self, queries: Sequence[str], threads: int = 1) -> list[Overlap]:
        """What each query has to do with the training.

        Parameters
        ----------
        queries : sequence of str
            Sequences.
        threads : int

        Raises
        ------
        DatasetError
            If MMseqs2 fails.
        """
        try:
            mmseqs_program()
        except DatasetError:
            return [self._find_contained(query) for query in queries]
        database = write_once(self._fingerprint, self._write_database) / "sequences"
        with tempfile.TemporaryDirectory(prefix="distmat-search-") as folder:
            hits = sensitive_search(
                queries, self.sequences, Path(folder) / "search", threads, database
            )
        hits = relatives(hits.where(hits.e_value <= MOST_E_VALUE), RELATED)
        # The nearest comes first in each query's own.
        order = np.lexsort((hits.target, -hits.coverage, -hits.identity, hits.query))
        hits = hits.where(order)
        return [self._overlap(hits.where(hits.query == number)) for number in range(len(queries))]

    def _overlap(self, hits) -> Overlap:
        if not len(hits):
            return Overlap(len(self))
        nearest = self.names[hits.target[0]]
        found = len(np.unique(hits.target))
        return Overlap(len(self), found, nearest, float(hits.identity[0]), float(hits.coverage[0]))

    def _find_contained(self, query: str) -> Overlap:
        """Without MMseqs2: chains that hold the query, or that it holds."""
        found = [
            name
            for name, known in zip(self.names, self.sequences, strict=True)
            if min(len(known), len(query)) >= _LEAST_PIECE and (query in known or known in query)
        ]
        if not found:
            return Overlap(len(self), thorough=False)
        return Overlap(len(self), len(found), found[0], 1.0, 1.0, thorough=False)

    def _write_database(self, folder: Path) -> None:
        write_database(self.sequences, folder)

    @cached_property
    def _fingerprint(self) -> str:
        digest = hashlib.sha256("\n".join(self.sequences).encode())
        return f"training-{digest.hexdigest()[:16]}"

    def save(self, folder: Path) -> None:
        """Write them into a checkpoint's folder."""
        import pyarrow as pa
        import pyarrow.parquet as pq

        table = pa.table({"id": pa.array(self.names), "sequence": pa.array(self.sequences)})
        with replace_file(Path(folder) / TRAINING_SEQUENCES) as file:
            pq.write_table(
                table, file, compression="zstd", compression_level=15, use_dictionary=False
            )


def read_training_sequences(folder: Path) -> TrainingSequences | None:
    """Those of a checkpoint; None where it has none.

    Raises
    ------
    CheckpointError
        If the file is damaged or isn't what it is called.
    """
    path = Path(folder) / TRAINING_SEQUENCES
    if not path.is_file():
        return None
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        table = pq.ParquetFile(path).read(columns=["id", "sequence"])
        names, sequences = (
            table[column].cast(pa.string()).to_pylist() for column in ("id", "sequence")
        )
    except parquet_faults(KeyError) as error:
        raise _damaged(path, " ".join(str(error).split())[:160]) from None
    if not names:
        raise _damaged(path, "it holds no chain")
    for name, sequence in zip(names, sequences, strict=True):
        # They are given to another program, as lines of a file.
        if not (name and sequence and sequence.isascii() and sequence.isalpha()):
            raise _damaged(path, f"the sequence of {name!r:.60} is {sequence!r:.40}")
    return TrainingSequences([one_line(name) for name in names], sequences)


def _damaged(path: Path, why: str) -> CheckpointError:
    return CheckpointError(
        f"The checkpoint {path.parent} can't be loaded ({path.name}: {why}); train or copy it "
        "again."
    )


def _likeness(identity: float) -> str:
    return "Identical" if identity == 1.0 else f"{math.floor(100 * identity)} % identical"
