"""Datasets on disk: one Parquet file, one row per protein chain.

Written are Cα coordinates alone: the distance matrix follows from them, and takes a hundred
times their room.
"""

import hashlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import compress
from pathlib import Path
from typing import IO, Any

import numpy as np

from distmat.dataset.schema import check_batches, known_columns, schema
from distmat.errors import DatasetError
from distmat.protein.chain import Chain
from distmat.protein.entry_id import normal_id
from distmat.protein.sequence import quote

REQUIRED_COLUMNS = ("id", "sequence", "ca")
_OPTIONAL_COLUMNS = ("cluster", "rep", "split", "homologues")

ROWS_IN_MEMORY = 256
"""Rows of a group in a file that is written here, and of a batch that is read in a stream."""

ROWS_OF_FACTS = 2**14
"""Rows of a batch that is read without coordinates."""


@dataclass(frozen=True)
class Dataset:
    """Chains in the order of the file.

    Parameters
    ----------
    name : str
        The file's name without its suffix.
    chains : tuple of Chain
    clusters : ndarray, shape=(chains,), dtype=int
        Chains of one sequence cluster share a number; each its own where the file has none.
    representative : ndarray, shape=(chains,), dtype=bool
        The best chain of each cluster; all of them where the file doesn't say.
    splits : ndarray, shape=(chains,), dtype=str, optional
        ``"train"``, ``"val"`` or ``"test"`` for each chain; None where the file doesn't say.
    homologues : tuple of tuple of str, optional
        For each chain sequences of relatives, residue for residue on its own; None where the
        file has none.
    """

    name: str
    chains: tuple[Chain, ...]
    clusters: np.ndarray
    representative: np.ndarray
    splits: np.ndarray | None = None
    homologues: tuple[tuple[str, ...], ...] | None = None

    def __len__(self) -> int:
        return len(self.chains)

    def where(self, keep: np.ndarray) -> "Dataset":
        """The chains for which `keep`, shape=(chains,), dtype=bool, is true."""
        return Dataset(
            self.name,
            tuple(compress(self.chains, keep)),
            self.clusters[keep],
            self.representative[keep],
            None if self.splits is None else self.splits[keep],
            None if self.homologues is None else tuple(compress(self.homologues, keep)),
        )

    def of_split(self, split: str) -> "Dataset":
        """The chains of ``"train"``, ``"val"`` or ``"test"``; all of a file without splits."""
        return self if self.splits is None else self.where(self.splits == split)

    def no_longer_than(self, residues: int) -> "Dataset":
        """The chains of at most so many residues."""
        return self.where(np.array([len(chain) <= residues for chain in self.chains], dtype=bool))

    def no_shorter_than(self, residues: int) -> "Dataset":
        """The chains of at least so many residues."""
        return self.where(np.array([len(chain) >= residues for chain in self.chains], dtype=bool))

    def representatives(self) -> "Dataset":
        """One chain of each cluster."""
        return self.where(self.representative)

    def of_names(self, names: set[str]) -> "Dataset":
        """The chains with one of these names, which are compared in their normal form."""
        wanted = {normal_id(name) for name in names}
        keep = [normal_id(chain.name) in wanted for chain in self.chains]
        return self.where(np.array(keep, dtype=bool))


def read_dataset(path: Path) -> Dataset:
    """Read a dataset.

    Parameters
    ----------
    path : Path
        Parquet with the columns ``id``, ``sequence`` and ``ca`` (x, y, z of every residue in
        chain order, Å, NaN where not observed; flat, or three by three), and, if there,
        ``cluster``, ``rep``, ``split`` and ``homologues`` (a list of sequences).

    Raises
    ------
    DatasetError
        If the file is missing, is no Parquet, lacks a column, or a row contradicts itself.
    """
    path = Path(path)
    rows = list(stream_rows(path, (*REQUIRED_COLUMNS, *_OPTIONAL_COLUMNS)))
    if not rows:
        raise DatasetError(f"{path.name} holds no chain; give a dataset with at least one row.")
    return Dataset(
        path.stem,
        tuple(row["chain"] for row in rows),
        _column(path.name, rows, "cluster", np.arange(len(rows))),
        _column(path.name, rows, "rep", np.ones(len(rows), dtype=bool)),
        _splits(rows),
        _homologues(path.name, rows) if "homologues" in rows[0] else None,
    )


def stream_rows(path: Path, columns: Iterable[str] | None = None) -> Iterator[dict[str, Any]]:
    """The rows of a dataset one after the other, a few hundred of them in memory at a time.

    Parameters
    ----------
    path : Path
    columns : iterable of str, optional
        Those wanted; what the file lacks is left out, except what a dataset needs. All of them
        if not given.

    Yields
    ------
    dict
        A value for each column; the sequence and the coordinates come as ``"chain"``, a `Chain`.

    Raises
    ------
    DatasetError
        As `read_dataset`.
    """
    path = Path(path)
    with open_parquet(path) as file:
        present = _present(path.name, file)
        wanted = present if columns is None else [name for name in columns if name in present]
        before = 0
        for batch in check_batches(file, path.name, _add_required(wanted), ROWS_IN_MEMORY):
            yield from _rows(path.name, before, batch)
            before += len(batch)


def _add_required(columns: Iterable[str]) -> list[str]:
    return list(dict.fromkeys([*columns, *REQUIRED_COLUMNS]))


def _present(name: str, file: Any) -> list[str]:
    """The columns of a file that anything here reads, if all that are needed are there."""
    there = file.schema_arrow.names
    for column in REQUIRED_COLUMNS:
        if column not in there:
            raise DatasetError(
                f"{name} has no column '{column}'; a dataset needs the columns "
                f"{', '.join(REQUIRED_COLUMNS)}."
            )
    present = [column for column in known_columns() if column in there]
    for column in present:
        if there.count(column) > 1:
            raise DatasetError(f"{name} has the column '{column}' twice; leave one out.")
    return present


def read_facts(path: Path, may_be_empty: bool = False) -> Any:
    """All that a dataset says of its chains but coordinates and homologues, as a pandas table.

    Only of `distmat.dataset.schema.known_columns`; ``length`` is counted.

    Parameters
    ----------
    path : Path
    may_be_empty : bool
        As a part of a build may, of whose files no chain was kept.

    Raises
    ------
    DatasetError
        As `read_dataset`.
    """
    import pyarrow as pa

    path = Path(path)
    with open_parquet(path) as file:
        present = _present(path.name, file)
        columns = [name for name in present if name not in ("ca", "homologues", "length")]
        batches = list(check_batches(file, path.name, columns, ROWS_OF_FACTS))
    if not batches and not may_be_empty:
        raise DatasetError(f"{path.name} holds no chain; give a dataset with at least one row.")
    kept = pa.Table.from_batches(batches) if batches else schema().empty_table().select(columns)
    facts = kept.to_pandas()
    facts["length"] = facts["sequence"].str.len()
    return facts


def read_chain(path: Path, row: int) -> Chain:
    """One chain of a dataset, of which only a small part is read.

    Parameters
    ----------
    path : Path
    row : int
        Counted from 0.

    Raises
    ------
    DatasetError
        As `read_dataset`, or if there is no such row.
    """
    path = Path(path)
    with open_parquet(path) as file:
        _present(path.name, file)
        start = 0
        for group in range(file.num_row_groups):
            rows = file.metadata.row_group(group).num_rows
            if start <= row < start + rows:
                return _chain_of_group(file, path.name, group, start, row)
            start += rows
    raise DatasetError(f"{path.name} has {start} chains, and no row {row}; open it again.")


def _chain_of_group(file: Any, name: str, group: int, start: int, row: int) -> Chain:
    columns = list(REQUIRED_COLUMNS)
    for batch in check_batches(file, name, columns, ROWS_IN_MEMORY, [group], start):
        if row < start + len(batch):
            return next(_rows(name, row, batch.slice(row - start, 1)))["chain"]
        start += len(batch)
    raise DatasetError(f"{name} ends before row {row}; copy it again.")


def parquet_faults(*others: type[Exception]) -> tuple[type[Exception], ...]:
    """What reading a damaged file as Parquet may raise, and others that a reader raises itself."""
    import pyarrow as pa

    # The last where a column's name is no text.
    return pa.ArrowException, OSError, UnicodeDecodeError, *others


@contextmanager
def open_parquet(path: Path) -> Iterator[Any]:
    """A Parquet file for reading, whose faults become sentences.

    Raises
    ------
    DatasetError
        If it is missing or can't be read.
    """
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(path) as file:
            yield file
    except FileNotFoundError:
        raise DatasetError(f"There is no dataset at {path}; check the path.") from None
    except parquet_faults() as error:
        reason = " ".join(str(error).split())[:200] or type(error).__name__
        raise DatasetError(
            f"{path.name} can't be read as Parquet ({reason}); give a file written as Parquet."
        ) from None


def _column(file: str, rows: list[dict], name: str, otherwise: np.ndarray) -> np.ndarray:
    if name not in rows[0]:
        return otherwise
    values = [row[name] for row in rows]
    if None in values:
        raise DatasetError(
            f"{file}, row {values.index(None) + 1} has no '{name}'; fill the column, or leave it "
            "out."
        )
    return np.array(values).astype(otherwise.dtype)


def _splits(rows: list[dict]) -> np.ndarray | None:
    """None where no row says one."""
    splits = [row.get("split") for row in rows]
    return np.array([split or "" for split in splits]) if any(splits) else None


def _homologues(file: str, rows: list[dict]) -> tuple[tuple[str, ...], ...]:
    for row in rows:
        length = len(row["chain"])
        for text in row["homologues"] or ():
            if len(text) != length:
                raise DatasetError(
                    f"{file} has a homologue of {len(text)} residues for '{row['id']}', which has "
                    f"{length}; both need the same."
                )
    return tuple(tuple(row["homologues"] or ()) for row in rows)


def _rows(file: str, before: int, batch: Any) -> Iterator[dict[str, Any]]:
    """The rows of a batch that `before` others come before."""
    facts = batch.drop_columns(["sequence", "ca"]).to_pylist()
    sequences, ca = batch["sequence"].to_pylist(), batch["ca"]
    values, offsets = ca.values.to_numpy(zero_copy_only=False), ca.offsets.to_numpy()
    for place, row in enumerate(facts):
        name, sequence = row["id"], sequences[place]
        coords = values[offsets[place] : offsets[place + 1]]
        if not ca[place].is_valid or coords.size != 3 * len(sequence):
            raise DatasetError(
                f"{file}, row {before + place + 1} ({quote(name)}) has {len(sequence)} residues "
                f"but {coords.size} coordinates; it needs three for each residue."
            )
        row["chain"] = Chain(name, sequence, coords.reshape(-1, 3))
        yield row


class DatasetWriter:
    """Writes rows as they come, a few hundred in memory at a time; use it in a ``with``.

    Parameters
    ----------
    file : binary file
        Open for writing, such as `distmat.workspace.replace_file` gives.
    columns : pyarrow Schema, optional
        Those of `schema` if not given. A row lacks a value where it has none.
    """

    def __init__(self, file: IO[bytes], columns: Any = None) -> None:
        import pyarrow.parquet as pq

        self._schema = schema() if columns is None else columns
        self._writer = pq.ParquetWriter(
            file,
            self._schema,
            compression="zstd",
            use_dictionary=["cluster", "group", "split", "method", "title"],
            # Coordinates take a fifth less room by it than by a dictionary.
            column_encoding={"ca.list.element.list.element": "BYTE_STREAM_SPLIT"},
        )
        self._rows: list[dict[str, Any]] = []

    def __enter__(self) -> "DatasetWriter":
        return self

    def __exit__(self, *error: object) -> None:
        if error[0] is None:
            self._flush()
        self._writer.close()

    def add(self, chain: Chain, **facts: Any) -> None:
        """A row: the chain, and values of further columns by name."""
        self._rows.append(
            {
                "id": chain.name,
                "length": len(chain),
                "sequence": chain.sequence,
                "ca": chain.ca,
                **facts,
            }
        )
        if len(self._rows) == ROWS_IN_MEMORY:
            self._flush()

    def _flush(self) -> None:
        import pyarrow as pa

        if not self._rows:
            return
        columns = []
        for field in self._schema:
            values = [row.get(field.name) for row in self._rows]
            columns.append(
                _nest([row["ca"] for row in self._rows])
                if field.name == "ca"
                else pa.array(values, type=field.type)
            )
        self._writer.write_table(pa.Table.from_arrays(columns, schema=self._schema))
        self._rows.clear()


def _nest(coords: list[np.ndarray]) -> Any:
    """Coordinates of several chains, each a list of threes."""
    import pyarrow as pa

    flat = np.concatenate([np.asarray(ca, dtype=np.float32) for ca in coords]).ravel()
    offsets = np.cumsum([0, *(len(ca) for ca in coords)])
    triples = pa.FixedSizeListArray.from_arrays(pa.array(flat, from_pandas=False), 3)
    return pa.ListArray.from_arrays(pa.array(offsets, type=pa.int32()), triples)


class Fingerprint:
    """A digest of chains that are added one after the other; see `fingerprint`."""

    def __init__(self) -> None:
        self._digest = hashlib.sha256()

    def add(self, chain: Chain, homologues: Iterable[str] = ()) -> None:
        """The next chain."""
        lines = (chain.name, chain.sequence, *homologues)
        self._digest.update("".join(f"{line}\n" for line in lines).encode())
        ca = np.asarray(chain.ca, dtype="<f4")
        # There are many NaN; here there is one.
        self._digest.update(np.where(np.isnan(ca), np.float32(np.nan), ca).tobytes())

    def hexdigest(self) -> str:
        """32 hexadecimal digits."""
        return self._digest.hexdigest()[:32]


def fingerprint(dataset: Dataset | Path | str) -> str:
    """A digest of the chains' names, sequences, homologues and coordinates, in their order.

    Parameters
    ----------
    dataset : Dataset, or Path or str of one
        What it is called and how it is split doesn't count.

    Returns
    -------
    str
        32 hexadecimal digits.
    """
    digest = Fingerprint()
    if isinstance(dataset, Dataset):
        homologues = dataset.homologues or [()] * len(dataset)
        for chain, texts in zip(dataset.chains, homologues, strict=True):
            digest.add(chain, texts)
    else:
        for row in stream_rows(Path(dataset), (*REQUIRED_COLUMNS, "homologues")):
            digest.add(row["chain"], row.get("homologues") or ())
    return digest.hexdigest()
