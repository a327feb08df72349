"""Cβ atoms, against what gemmi reads of the same files, and against where they really are."""

import gzip
from pathlib import Path

import numpy as np
import pytest

from distmat.errors import StructureError
from distmat.protein.examples import examples
from distmat.protein.structure.beta import read_beta, virtual_beta
from distmat.protein.structure.read import read_structure_bytes
from distmat.protein.structure.write import write_mmcif, write_pdb

FILES = sorted((Path(__file__).parents[3] / "distmat/protein/example_files").glob("*.pdb.gz"))


def gemmi_atoms(data, chain):
    gemmi = pytest.importorskip("gemmi")
    # What stands behind the B-factors in old files, gemmi takes for charges.
    lines = [line[:66] for line in gzip.decompress(data).decode().splitlines()]
    model = gemmi.read_pdb_string("\n".join(lines))[0]
    found = {}
    for residue in model[chain.chain_id] if chain.chain_id else model[0]:
        key = f"{residue.seqid.num}{residue.seqid.icode}".strip()
        found.setdefault(key, residue)
    return found


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_cb_of_every_example_is_where_gemmi_reads_it(path):
    data = path.read_bytes()
    chain = read_structure_bytes(data, path.name)[0]
    found = read_beta(data, path.name, chain, "Cα")
    known, checked = gemmi_atoms(data, chain), 0
    for k, number in enumerate(chain.residue_numbers):
        if not number or number not in known:
            continue
        name = "CA" if chain.sequence[k] == "G" else "CB"
        atom = known[number].find_atom(name, "*")
        if atom is not None:
            checked += 1
            np.testing.assert_allclose(found[k], atom.pos.tolist(), atol=2e-3)
    assert checked > 0.9 * chain.observed.sum()


def test_a_virtual_cb_is_as_near_to_the_real_one_as_ideal_geometry_gets():
    data = FILES[0].read_bytes()
    chain = read_structure_bytes(data, "x.pdb.gz")[0]
    real = read_beta(data, "x.pdb.gz", chain, "Cα")
    known = gemmi_atoms(data, chain)
    off = []
    for k, number in enumerate(chain.residue_numbers):
        residue = known.get(number)
        if residue is None or chain.sequence[k] == "G" or not np.isfinite(real[k]).all():
            continue
        n, ca, c = (
            np.array(residue.find_atom(name, "*").pos.tolist()) for name in ("N", "CA", "C")
        )
        off.append(np.linalg.norm(virtual_beta(n[None], ca[None], c[None])[0] - real[k]))
    assert len(off) > 30 and np.mean(off) < 0.15


def test_glycine_has_its_ca_or_a_virtual_one():
    data = FILES[0].read_bytes()
    chain = read_structure_bytes(data, "x.pdb.gz")[0]
    glycine = np.array([letter == "G" for letter in chain.sequence]) & chain.observed
    assert glycine.any()
    np.testing.assert_allclose(read_beta(data, "x", chain, "Cα")[glycine], chain.ca[glycine])
    virtual = read_beta(data, "x", chain)[glycine]
    np.testing.assert_allclose(np.linalg.norm(virtual - chain.ca[glycine], axis=1), 1.53, atol=0.05)


@pytest.mark.parametrize("write", [write_pdb, write_mmcif])
def test_a_file_of_ca_alone_is_refused(write):
    chain = examples()[0].read()
    data = write(chain.sequence, chain.ca).encode()
    (read,) = read_structure_bytes(data, "trace")
    with pytest.raises(StructureError, match="trace has Cα atoms alone"):
        read_beta(data, "trace", read)
