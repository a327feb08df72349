"""Traces as files that programs draw."""

import io

import numpy as np
import pytest
from biotite.structure.io.pdb import PDBFile
from biotite.structure.io.pdbx import CIFFile, get_sequence, get_structure

from distmat.errors import StructureError
from distmat.protein.structure.read import read_structure_bytes as read
from distmat.protein.structure.write import write_mmcif, write_pdb
from tests.protein.structure.records import helix

SEQUENCE = "MKTAYXIAKQRW"


@pytest.fixture
def gapped() -> np.ndarray:
    coords = helix(len(SEQUENCE))
    coords[[0, 5, 6]] = np.nan
    return coords


@pytest.mark.parametrize("write", [write_pdb, write_mmcif])
def test_what_is_written_reads_back_with_what_was_not_observed(write, gapped):
    (chain,) = read(write(SEQUENCE, gapped, chain_id="B").encode(), "trace")
    assert (chain.name, chain.sequence) == ("trace_B", SEQUENCE)
    np.testing.assert_allclose(chain.ca, gapped, atol=1e-3)


def test_biotite_reads_the_same_atoms_bonds_and_factors(gapped):
    factors = np.arange(len(SEQUENCE)) * 100.0
    file = PDBFile.read(io.StringIO(write_pdb(SEQUENCE, gapped, bfactors=factors)))
    atoms = file.get_structure(model=1, extra_fields=["b_factor"], include_bonds=True)
    seen = np.flatnonzero(np.isfinite(gapped).all(axis=1))
    assert atoms.res_id.tolist() == (seen + 1).tolist()
    np.testing.assert_allclose(atoms.coord, gapped[seen], atol=1e-3)
    np.testing.assert_allclose(atoms.b_factor, np.minimum(factors, 999)[seen])
    bonded = {tuple(sorted(bond[:2].tolist())) for bond in atoms.bonds.as_array()}
    assert bonded == {(k, k + 1) for k in range(len(seen) - 1) if seen[k + 1] == seen[k] + 1}


def test_a_pdb_trace_has_its_records_in_the_order_of_the_format(gapped):
    records = [line[:6].strip() for line in write_pdb(SEQUENCE, gapped).splitlines()]
    assert list(dict.fromkeys(records)) == ["SEQRES", "ATOM", "TER", "CONECT", "END"]
    assert all(len(line) <= 80 for line in write_pdb(SEQUENCE, gapped).splitlines())


def test_mmcif_says_that_the_atoms_are_a_protein(gapped):
    file = CIFFile.read(io.StringIO(write_mmcif(SEQUENCE, gapped, chain_id="AA")))
    assert str(get_sequence(file)["AA"]) == SEQUENCE
    assert len(get_structure(file, model=1)) == np.isfinite(gapped).all(axis=1).sum()


@pytest.mark.parametrize(
    ("sequence", "coords", "options", "expected"),
    [
        ("MK", np.full((2, 3), np.nan), {}, "No residue has coordinates"),
        ("MK", np.zeros((2, 3)), {"chain_id": "AA"}, "'AA', and a PDB file has room for one"),
        ("MK", np.full((2, 3), 12345.0), {}, "beyond -999 to 9,999"),
        ("A" * 10_000, np.zeros((10_000, 3)), {}, "10,000 residues, and a PDB file numbers 9,999"),
    ],
    ids=["nothing", "chain id", "far away", "too long"],
)
def test_what_a_pdb_file_has_no_room_for_is_refused(sequence, coords, options, expected):
    with pytest.raises(StructureError, match=expected):
        write_pdb(sequence, coords, **options)


def test_mmcif_has_room_for_it():
    coords = np.zeros((10_000, 3)) + 12345
    assert (
        len(read(write_mmcif("A" * 10_000, coords, chain_id="AA").encode(), "long.cif")[0])
        == 10_000
    )
