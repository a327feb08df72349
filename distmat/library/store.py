"""Libraries on disk: one Parquet file, one row per known chain, with its profile.

Columns: ``id`` and ``sequence``; ``x``, ``y`` and ``z`` of every residue in hundredths of an Å,
`UNOBSERVED` where not observed; ``profile``, 20 bytes for each residue by `pack_frequencies`;
``cluster``, the number of its sequence cluster; ``released``, when the structure was published,
as 2021-05-26, or empty.
"""

import functools
import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from distmat.dataset.store import parquet_faults
from distmat.errors import DatasetError
from distmat.library.blosum import likeness
from distmat.library.cache import write_once
from distmat.library.profiles import LETTERS, pack_frequencies, residue_codes
from distmat.protein.chain import Chain
from distmat.protein.entry_id import normal_id
from distmat.workspace import library_of, library_path, replace_file

UNOBSERVED = -32768
"""Stands for a coordinate that was not observed."""

_PACKED_FILE = "packed.npy"
_PER_ANGSTROM = 100
_FARTHEST = 300.0
"""Å from the chain's centre; no chain of a library is larger than a 16-bit number holds."""


@dataclass(frozen=True)
class KnownChain:
    """A chain of a library.

    Parameters
    ----------
    chain : Chain
    profile : ndarray, shape=(N, 20), dtype=uint8, or None
        By `pack_frequencies`.
    cluster : int
    released : str
        ``"2021-05-26"``; empty where unknown.
    """

    chain: Chain
    profile: np.ndarray | None = None
    cluster: int = -1
    released: str = ""


class Library:
    """Known chains in the order of their file; each is made when it is asked for.

    Parameters
    ----------
    path : Path
    """

    def __init__(self, path: Path) -> None:
        table = _read(path, _KINDS.keys() - {"profile"})
        self.path, self.name = path, path.stem
        self.names: list[str] = table["id"].to_pylist()
        self.sequences: list[str] = table["sequence"].to_pylist()
        self.clusters: np.ndarray = np.array(table["cluster"].to_pylist(), dtype=np.int64)
        self.released: list[str] = table["released"].to_pylist()
        self._ends = np.cumsum([0, *map(len, self.sequences)])
        self._xyz = np.stack(
            [_flat(table, axis, np.int16, self.residues, path) for axis in "xyz"], axis=1
        )

    def __len__(self) -> int:
        return len(self.names)

    @functools.cached_property
    def normal_names(self) -> list[str]:
        """The chains' ids in the form in which they are compared."""
        return [normal_id(name) for name in self.names]

    @functools.cached_property
    def _profile(self) -> np.ndarray:
        # Two seconds' work, for the few that a query needs: kept as a file that is mapped.
        folder = write_once(f"{self.fingerprint()}-packed", self._unpack_profiles)
        return np.asarray(np.load(folder / _PACKED_FILE, mmap_mode="r"))

    def _unpack_profiles(self, folder: Path) -> None:
        expected = len(LETTERS) * self.residues
        table = _read(self.path, {"profile"})
        packed = _flat(table, "profile", np.uint8, expected, self.path)
        np.save(folder / _PACKED_FILE, packed)

    def chain(self, number: int) -> Chain:
        """One of the known chains."""
        first, last = self._ends[number], self._ends[number + 1]
        numbers = self._xyz[first:last]
        ca = np.where(numbers == UNOBSERVED, np.nan, numbers / _PER_ANGSTROM)
        return Chain(self.names[number], self.sequences[number], ca.astype(np.float32))

    def profile(self, number: int) -> np.ndarray:
        """Its profile as bytes; shape=(N, 20), dtype=uint8.

        Raises
        ------
        DatasetError
            If the library's profiles can't be read.
        """
        first, last = self._ends[number], self._ends[number + 1]
        return self._profile[20 * first : 20 * last].reshape(-1, 20)

    @property
    def residues(self) -> int:
        """Of all chains together."""
        return int(self._ends[-1])

    def fingerprint(self) -> str:
        """Tells one library's content from another's; 16 hexadecimal digits."""
        with self.path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()[:16]


def single_sequence_profile(sequence: str) -> np.ndarray:
    """A profile for a chain whose relatives aren't known: its residues and what is like them.

    Returns
    -------
    ndarray, shape=(N, 20), dtype=uint8
    """
    weight = np.exp(2.0 * likeness()[residue_codes(sequence)][:, :20])
    weight[np.arange(len(sequence)), np.minimum(residue_codes(sequence), 19)] *= 3.0
    return pack_frequencies(weight / weight.sum(axis=1, keepdims=True))


def write_library(path: Path, chains: Iterable[KnownChain], levels: int = 256) -> int:
    """Write a library; how many chains it holds.

    Parameters
    ----------
    path : Path
    chains : iterable of KnownChain
    levels : int
        Values that a profile's numbers are rounded to, 2 to 256: with 8 the file has half the
        size.

    Raises
    ------
    DatasetError
        If there is no chain, or one is larger than `_FARTHEST`.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    rows = list(chains)
    if not rows:
        raise DatasetError(f"There is no chain for the library {path.stem}; give a dataset.")
    packed = [_pack_ca(row.chain) for row in rows]
    columns = {
        "id": pa.array([row.chain.name for row in rows], pa.string()),
        "sequence": pa.array([row.chain.sequence for row in rows], pa.string()),
        **{
            axis: _lists([coords[:, number] for coords in packed], pa.int16())
            for number, axis in enumerate("xyz")
        },
        "profile": _lists([_pack_profile(row, levels) for row in rows], pa.uint8()),
        "cluster": pa.array([row.cluster for row in rows], pa.int64()),
        "released": pa.array([row.released for row in rows], pa.string()),
    }
    with replace_file(path) as file:
        pq.write_table(
            pa.table(columns),
            file,
            compression="zstd",
            compression_level=9,
            use_dictionary=["released", "profile.list.element"],
            # Neighbours are 3.8 Å apart: their differences need ten bits, not sixteen.
            column_encoding={f"{axis}.list.element": "DELTA_BINARY_PACKED" for axis in "xyz"},
        )
    return len(rows)


def _pack_ca(chain: Chain) -> np.ndarray:
    observed = chain.observed
    centred = chain.ca - chain.ca[observed].mean(axis=0) if observed.any() else chain.ca
    if np.nanmax(np.abs(centred), initial=0.0) > _FARTHEST:
        raise DatasetError(
            f"{chain.name} reaches more than {_FARTHEST:.0f} Å from its centre; leave it out."
        )
    numbers = np.round(np.nan_to_num(centred) * _PER_ANGSTROM).astype(np.int16)
    numbers[~observed] = UNOBSERVED
    return numbers


def _pack_profile(row: KnownChain, levels: int) -> np.ndarray:
    profile = single_sequence_profile(row.chain.sequence) if row.profile is None else row.profile
    step = 255 / (levels - 1)
    return np.round(np.round(profile.ravel() / step) * step).astype(np.uint8)


def _lists(arrays: list[np.ndarray], kind: Any) -> Any:
    import pyarrow as pa

    ends = np.cumsum([0, *map(len, arrays)])
    flat = np.concatenate(arrays)
    return pa.LargeListArray.from_arrays(pa.array(ends, pa.int64()), pa.array(flat, kind))


_KINDS = {
    "id": "string",
    "sequence": "string",
    **dict.fromkeys("xyz", "int16"),
    "profile": "uint8",
    "cluster": "int64",
    "released": "string",
}
"""Of each column, or of what its lists hold."""


def _read(path: Path, columns: Iterable[str]) -> Any:
    import pyarrow as pa
    import pyarrow.parquet as pq

    kinds = {name: pa.type_for_alias(_KINDS[name]) for name in columns}
    wanted = {
        name: pa.large_list(kind) if name in (*"xyz", "profile") else kind
        for name, kind in kinds.items()
    }
    try:
        file = pq.ParquetFile(path)
        if lacking := sorted(_KINDS.keys() - file.schema_arrow.names):
            raise KeyError(f"it has no column {lacking[0]}")
        table = file.read(columns=list(wanted))
        table = table.select(list(wanted)).cast(pa.schema(wanted))
    except parquet_faults(KeyError) as error:
        raise DatasetError(
            f"{path.name} can't be read as a library ({' '.join(str(error).split())[:160]}); build "
            "it again with 'distmat library build'."
        ) from None
    if any(column.null_count for column in table.columns) or not len(table):
        raise DatasetError(f"{path.name} is an incomplete library; build it again.")
    return table


def _flat(table: Any, name: str, dtype: type, expected: int, path: Path) -> np.ndarray:
    # pyarrow's own way to an array imports pandas.
    values = np.from_dlpack(table[name].combine_chunks().flatten())
    if len(values) != expected:
        raise DatasetError(
            f"{path.name} holds {len(values):,} numbers in '{name}' where its sequences ask for "
            f"{expected:,}; build it again."
        )
    return values.astype(dtype)


def open_library(name: str | None, checkpoint: str | Path) -> Library | None:
    """The library that predictions use.

    Parameters
    ----------
    name : str or None
        As for `distmat.workspace.library_path`; ``"none"`` for none, nothing for the checkpoint's
        own.
    checkpoint : str or Path

    Raises
    ------
    DatasetError
        If there is no such library, or it can't be read.
    """
    if name == "none":
        return None
    path = library_path(name) if name else library_of(checkpoint)
    return None if path is None else Library(path)
