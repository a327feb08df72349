"""The built-in examples."""

import gzip
import io
import re
import warnings

import numpy as np
import pytest
from biotite.structure.io.pdb import PDBFile

from distmat.protein.examples import examples
from distmat.protein.structure.read import read_structure

EACH = pytest.mark.parametrize("example", examples(), ids=lambda example: example.key)


def test_there_are_eight_or_more_of_different_folds():
    assert len(examples()) >= 8
    assert len({example.fold for example in examples()}) >= 4
    assert len({example.read().sequence for example in examples()}) == len(examples())


def test_some_have_residues_that_were_never_observed():
    assert any(not example.read().observed.all() for example in examples())


@EACH
def test_an_example_is_a_whole_chain_of_40_to_250_residues(example):
    chain = example.read()
    assert chain.name == example.key
    assert 40 <= len(chain) <= 250
    assert chain.observed.mean() > 0.9
    assert "X" not in chain.sequence
    bonds = np.linalg.norm(np.diff(chain.ca, axis=0), axis=1)
    bonds = bonds[np.isfinite(bonds)]
    # 3.8 Å, or 2.9 Å across a cis bond: where two were observed side by side, nothing is missing.
    assert ((bonds > 2.8) & (bonds < 4.0)).all()


@EACH
def test_an_example_has_the_coordinates_that_biotite_reads(example):
    text = gzip.decompress(example.path.read_bytes()).decode()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        atoms = PDBFile.read(io.StringIO(text)).get_structure(model=1, altloc="occupancy")
    chain_id = example.chain.partition("_")[2]
    atoms = atoms[(atoms.chain_id == chain_id) & (atoms.atom_name == "CA") & ~atoms.hetero]
    chain = example.read()
    np.testing.assert_allclose(chain.ca[chain.observed], atoms.coord, atol=1e-4)


@EACH
def test_an_example_says_what_it_is_and_links_to_it(example):
    assert re.fullmatch("[a-z0-9-]+", example.key)
    assert example.title
    assert example.note
    assert not example.note.endswith(".")


def test_the_files_are_small_and_each_has_its_source():
    files = sorted({example.path for example in examples()})
    assert sum(path.stat().st_size for path in files) < 500_000
    sources = (files[0].parent / "README.md").read_text(encoding="utf-8")
    for path in files:
        assert f"`{path.name}`" in sources
        assert read_structure(path)
    assert {path.name for path in files[0].parent.iterdir()} == {
        "README.md",
        *(path.name for path in files),
    }
