"""Libraries made of datasets."""

import numpy as np
import pytest

from distmat.dataset.store import DatasetWriter
from distmat.errors import DatasetError
from distmat.library.build import build_library
from distmat.library.profiles import LETTERS, unpack_frequencies
from distmat.library.store import Library
from distmat.workspace import replace_file


def write_dataset(path, chains):
    with replace_file(path) as file, DatasetWriter(file) as writer:
        for number, chain in enumerate(chains):
            writer.add(chain, cluster=number, rep=True)


def test_profiles_are_made_of_natural_relatives(tmp_path, known_chains, relative):
    chain = known_chains[0]
    write_dataset(tmp_path / "data.parquet", known_chains[:3])
    natural = [relative(chain.sequence, share) for share in (0.2, 0.3, 0.4)]
    relatives = [f">{n}\n{text[:20]}W{text[21:]}\n" for n, text in enumerate(natural)]
    (tmp_path / "natural.fasta").write_text("".join(relatives))
    built = build_library(
        [tmp_path / "data.parquet"],
        tmp_path / "lib.parquet",
        tmp_path / "natural.fasta",
        threads=1,
    )
    assert (built.chains, built.with_profile, built.excluded) == (3, 3, 0)
    frequency = unpack_frequencies(Library(tmp_path / "lib.parquet").profile(0))
    assert frequency[20, LETTERS.index("W")] > 0.2
    assert not list(tmp_path.glob(".lib*"))


def test_relatives_of_an_excluded_dataset_are_left_out(tmp_path, known_chains):
    write_dataset(tmp_path / "data.parquet", known_chains)
    write_dataset(tmp_path / "held.parquet", known_chains[:1])
    built = build_library(
        [tmp_path / "data.parquet"],
        tmp_path / "lib.parquet",
        exclude=[tmp_path / "held.parquet"],
        threads=1,
    )
    assert built.excluded >= 1
    assert known_chains[0].name not in Library(tmp_path / "lib.parquet").names


def test_nothing_left_is_said(tmp_path, known_chains):
    write_dataset(tmp_path / "data.parquet", known_chains[:1])
    with pytest.raises(DatasetError, match="No chain is left for the library lib"):
        build_library(
            [tmp_path / "data.parquet"],
            tmp_path / "lib.parquet",
            exclude=[tmp_path / "data.parquet"],
            threads=1,
        )
    assert not (tmp_path / "lib.parquet").exists()


def test_a_chain_of_two_datasets_comes_once(tmp_path, known_chains):
    for name in ("one", "two"):
        write_dataset(tmp_path / f"{name}.parquet", known_chains[:2])
    built = build_library(
        [tmp_path / "one.parquet", tmp_path / "two.parquet"], tmp_path / "lib.parquet", threads=1
    )
    assert built.chains == 2
    assert np.isfinite(Library(tmp_path / "lib.parquet").chain(0).ca).any()
