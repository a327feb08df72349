"""Libraries on disk."""

import numpy as np
import pyarrow.parquet as pq
import pytest

from distmat.errors import DatasetError
from distmat.library.store import KnownChain, Library, write_library
from distmat.protein.chain import Chain


def test_chains_come_back_to_a_hundredth_of_an_angstrom(library, known_chains):
    for number, chain in enumerate(known_chains):
        again = library.chain(number)
        assert (again.name, again.sequence) == (chain.name, chain.sequence)
        difference = np.abs(again.distances - chain.distances)
        assert np.nanmax(difference) < 0.03
        assert (np.isnan(again.ca) == np.isnan(chain.ca)).all()


def test_fewer_levels_make_a_smaller_file(tmp_path, known_chains):
    rng = np.random.default_rng(0)
    rows = [
        KnownChain(chain, rng.integers(0, 256, (len(chain), 20)).astype(np.uint8))
        for chain in known_chains
    ]
    sizes = []
    for levels in (256, 6):
        write_library(tmp_path / "levels.parquet", rows, levels)
        sizes.append((tmp_path / "levels.parquet").stat().st_size)
    assert sizes[1] < 0.6 * sizes[0]
    assert set(np.unique(Library(tmp_path / "levels.parquet").profile(0))) <= set(range(0, 256, 51))


def test_a_chain_too_large_for_the_numbers_is_refused(tmp_path):
    far = Chain("far", "AA", np.array([[0, 0, 0], [1000, 0, 0]], dtype=np.float32))
    with pytest.raises(DatasetError, match="far reaches more than 300 Å"):
        write_library(tmp_path / "far.parquet", [KnownChain(far)])


def test_another_parquet_file_is_no_library(tmp_path, library):
    table = pq.read_table(library.path)
    pq.write_table(table.drop_columns(["profile"]), tmp_path / "other.parquet")
    with pytest.raises(DatasetError, match=r"other.parquet can't be read as a library"):
        Library(tmp_path / "other.parquet")


def test_a_library_that_contradicts_itself_is_refused(tmp_path, library):
    table = pq.read_table(library.path)
    sequences = [f"{text}A" for text in table["sequence"].to_pylist()]
    table = table.set_column(1, "sequence", [sequences])
    pq.write_table(table, tmp_path / "longer.parquet")
    with pytest.raises(DatasetError, match="where its sequences ask for"):
        Library(tmp_path / "longer.parquet")
