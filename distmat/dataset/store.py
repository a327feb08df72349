"""Datasets on disk: one Parquet file, one row per protein chain."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from distmat.errors import DatasetError
from distmat.protein.chain import Chain

REQUIRED_COLUMNS = ("id", "sequence", "ca")


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
    """

    name: str
    chains: tuple[Chain, ...]
    clusters: np.ndarray
    representative: np.ndarray

    def __len__(self) -> int:
        return len(self.chains)

    def where(self, keep: np.ndarray) -> "Dataset":
        """The chains for which `keep`, shape=(chains,), dtype=bool, is true."""
        return Dataset(
            self.name,
            tuple(chain for chain, kept in zip(self.chains, keep, strict=True) if kept),
            self.clusters[keep],
            self.representative[keep],
        )

    def no_longer_than(self, residues: int) -> "Dataset":
        """The chains of at most so many residues."""
        return self.where(np.array([len(chain) <= residues for chain in self.chains], dtype=bool))

    def representatives(self) -> "Dataset":
        """One chain of each cluster."""
        return self.where(self.representative)

    def named(self, names: set[str]) -> "Dataset":
        """The chains with one of these names."""
        return self.where(np.array([chain.name in names for chain in self.chains], dtype=bool))


def read_dataset(path: Path) -> Dataset:
    """Read a dataset.

    Parameters
    ----------
    path : Path
        Parquet with the columns ``id``, ``sequence`` and ``ca`` (x, y, z of every residue in
        chain order, Å, NaN where not observed), and, if there, ``cluster`` and ``rep``.

    Raises
    ------
    DatasetError
        If the file is missing, is no Parquet, lacks a column, or a row contradicts itself.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    path = Path(path)
    try:
        table = pq.ParquetFile(path)
        present = set(table.schema_arrow.names)
        wanted = [*REQUIRED_COLUMNS, *({"cluster", "rep"} & present)]
        missing = [column for column in REQUIRED_COLUMNS if column not in present]
        if missing:
            raise DatasetError(
                f"{path.name} has no column '{missing[0]}'; a dataset needs the columns "
                f"{', '.join(REQUIRED_COLUMNS)}."
            )
        columns = table.read(columns=wanted).combine_chunks()
    except FileNotFoundError:
        raise DatasetError(f"There is no dataset at {path}; check the path.") from None
    except (pa.ArrowException, OSError) as error:
        raise DatasetError(
            f"{path.name} can't be read as Parquet ({str(error).splitlines()[0]}); "
            "give a file written as Parquet."
        ) from None
    chains = tuple(
        _chain(path.name, row, name, sequence, ca)
        for row, (name, sequence, ca) in enumerate(
            zip(
                columns["id"].to_pylist(),
                columns["sequence"].to_pylist(),
                columns["ca"].combine_chunks(),
                strict=True,
            ),
            start=1,
        )
    )
    if not chains:
        raise DatasetError(f"{path.name} holds no chain; give a dataset with at least one row.")
    return Dataset(
        path.stem,
        chains,
        _column(columns, "cluster", np.arange(len(chains))),
        _column(columns, "rep", np.ones(len(chains), dtype=bool)),
    )


def _column(columns, name: str, otherwise: np.ndarray) -> np.ndarray:
    if name not in columns.column_names:
        return otherwise
    return columns[name].to_numpy(zero_copy_only=False).astype(otherwise.dtype)


def _chain(file: str, row: int, name: str, sequence: str, ca) -> Chain:
    coords = ca.values.to_numpy(zero_copy_only=False).astype(np.float32)
    if coords.size != 3 * len(sequence):
        raise DatasetError(
            f"{file}, row {row} ('{name}') has {len(sequence)} residues but {coords.size} "
            "coordinates; it needs three for each residue."
        )
    return Chain(name, sequence, coords.reshape(-1, 3))
