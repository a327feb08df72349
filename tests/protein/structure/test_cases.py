"""Files as programs write them: read as what they are, by every way in."""

from pathlib import Path

import numpy as np
import pytest

from distmat.dataset.filters import NO_FILTERS
from distmat.dataset.reading import Row, read_item
from distmat.dataset.sources import Item
from distmat.protein.query import read_query_file
from distmat.protein.structure.read import read_structure, read_structure_bytes
from tests.protein.structure.cases import CASES, first_frame

REAL = Path(__file__).parents[3].parent / "shared" / "cases"
needs_real = pytest.mark.skipif(not REAL.exists(), reason=f"the collection isn't at {REAL}")


def letters(chains) -> dict[str, str]:
    return {chain.chain_id: chain.sequence for chain in chains}


@pytest.mark.parametrize("name", CASES)
def test_each_chain_is_found_with_its_letters(name):
    data, expected = CASES[name]
    chains = read_structure_bytes(data, name)
    assert letters(chains) == expected
    assert all(chain.observed.all() and not chain.breaks for chain in chains)


@pytest.mark.parametrize("name", CASES)
def test_the_page_and_the_command_ask_for_the_same_chains(name):
    data, expected = CASES[name]
    queries = read_query_file(data, name)
    assert [query.sequence for query in queries] == list(expected.values())
    assert all(query.structure is not None and not query.note for query in queries)


@pytest.mark.parametrize("name", CASES)
def test_a_build_takes_the_same_chains(name, tmp_path):
    data, expected = CASES[name]
    path = tmp_path / name
    path.write_bytes(data)
    found = list(read_item(Item("file", name, str(path)), NO_FILTERS))
    assert all(isinstance(row, Row) for row in found)
    assert [row.chain.sequence for row in found] == list(expected.values())


@needs_real
@pytest.mark.parametrize("name", CASES)
def test_the_collections_own_file_reads_so_too(name):
    assert letters(read_structure(REAL / name)) == CASES[name][1]


@needs_real
def test_a_ligand_whose_atom_is_named_ca_does_not_stand_in_the_way_of_a_complex():
    chains = read_structure(REAL / "7cfn.cif")
    assert {chain.chain_id: len(chain) for chain in chains} == {
        "A": 232, "B": 339, "G": 58, "N": 128, "R": 274,
    }  # fmt: skip


@pytest.mark.parametrize("name", ["openmm_appended_frames.pdb", "vmd_frames_occupancy.pdb"])
def test_of_appended_frames_the_first_is_read_from_its_own_atoms_alone(name):
    (chain,) = read_structure_bytes(CASES[name][0], name)
    np.testing.assert_allclose(chain.ca, first_frame(), atol=1e-3)


def test_a_structure_named_as_a_text_is_named_after_its_entry():
    (chain,) = read_structure_bytes(CASES["1hpv.pdb.txt"][0], "1hpv.pdb.txt")
    assert chain.name == "1hpv_A"
