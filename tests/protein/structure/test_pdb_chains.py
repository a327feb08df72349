"""What is one chain in a PDB file: letters, segments, TER, numbers and bonds."""

import numpy as np
import pytest

from distmat.errors import StructureError
from distmat.protein.chain import describe_breaks
from distmat.protein.structure import read as reading
from distmat.protein.structure.read import read_structure_bytes
from tests.protein.structure.cases import LETTERS, NAMES
from tests.protein.structure.records import atom, chain_of, helix, lines, seqres


def read(*records):
    return read_structure_bytes(lines(*records), "mine.pdb")


def letters(*records) -> dict[str, str]:
    return {chain.chain_id: chain.sequence for chain in read(*records)}


def test_the_entry_and_line_of_old_files_in_the_segments_columns_name_no_chain():
    records = [
        f"{line[:66]}      1HPV{number:>4}" for number, line in enumerate(chain_of(NAMES), start=1)
    ]
    assert letters(records) == {"A": LETTERS}
    assert letters([line[:21] + " " + line[22:] for line in records]) == {"": LETTERS}


def test_other_things_in_the_segments_columns_name_no_chain():
    charges = [f"{line[:66]}    {at / 9:6.3f} C" for at, line in enumerate(chain_of(NAMES))]
    assert letters(charges) == {"A": LETTERS}
    serials = [f"{line[:72]}{at:<4} C" for at, line in enumerate(chain_of(NAMES))]
    assert letters(serials) == {"A": LETTERS}


def test_segments_that_a_bond_joins_are_one_chain():
    first, second = chain_of(NAMES, segment="P1")[:6], chain_of(NAMES, segment="P2")[6:]
    assert letters(first, second) == {"A": LETTERS}


def test_a_residue_that_lacks_its_neighbours_segment_is_of_their_chain():
    records = chain_of(NAMES, segment="P1")
    records[5] = atom(6, NAMES[5], 5)
    other = chain_of(NAMES, segment="P2", shift=60)
    assert letters(records, other) == {"P1": LETTERS, "P2": LETTERS}


def test_numbers_that_run_on_over_a_ter_are_of_another_chain_as_amber_writes_them():
    for chain in " A":
        first = chain_of(NAMES, chain=chain)
        second = chain_of(NAMES, chain=chain, first=13, shift=60)
        assert [chain.sequence for chain in read(first, "TER", second, "TER")] == [LETTERS] * 2


def test_a_ter_in_a_gap_that_the_numbers_leave_does_not_cut_a_chain_with_a_letter():
    records = chain_of(NAMES)
    (chain,) = read(records[:5], "TER", records[8:])
    assert chain.sequence == LETTERS[:5] + LETTERS[8:]
    assert [found.residue for found in chain.breaks] == [4]


def test_numbers_that_fall_within_a_letter_and_take_no_place_twice_are_one_chain():
    records = chain_of(NAMES[:6], first=201) + [
        atom(at - 5, NAMES[at], at, shift=30 if at > 6 else 0) for at in range(6, 12)
    ]
    assert letters(records) == {"A": LETTERS}


def test_frames_without_anything_between_them_are_one_chain_where_they_lie_on_each_other():
    (chain,) = read(chain_of(NAMES), chain_of(NAMES, shift=0.5))
    np.testing.assert_allclose(chain.ca, helix(12), atol=1e-3)


def test_two_proteins_in_one_place_under_one_letter_are_refused():
    with pytest.raises(StructureError, match=r"written twice in one place, with different"):
        read(chain_of(NAMES), chain_of(NAMES[::-1], shift=0.5))


def test_files_hung_on_one_another_are_refused():
    with pytest.raises(StructureError, match=r"another protein follow its END record"):
        read(chain_of(NAMES), "END", chain_of(NAMES[::-1], chain="B", shift=60), "END")


def test_residues_whose_insertion_codes_are_lost_stay_apart():
    numbers = [52, 52, 52, 53]
    names = ["GLY", "ALA", "SER", "THR"]
    records = [
        atom(number, name, at) for at, (number, name) in enumerate(zip(numbers, names, strict=True))
    ]
    assert letters(records) == {"A": "GAST"}


def test_two_far_atoms_of_one_residue_are_refused_by_its_number():
    with pytest.raises(StructureError, match=r"residue '3' of chain 'A' has two Cα atoms 103\.9 Å"):
        read(chain_of(NAMES[:3]), atom(3, "ILE", 2, shift=60))


def test_free_amino_acids_and_ligands_after_the_end_are_no_residues_of_the_chain():
    ligand = atom(13, "GLU", 30, record="HETATM")
    other = chain_of(NAMES, chain="B", shift=60)
    assert letters(chain_of(NAMES), "TER", ligand, other) == {"A": LETTERS, "B": LETTERS}
    # Nor of what goes on under the same letter.
    assert letters(chain_of(NAMES), "TER", ligand, chain_of(NAMES, shift=60)) == {
        "A": LETTERS,
        "A.2": LETTERS,
    }


def test_hydrogens_at_the_end_of_a_file_add_nothing():
    hydrogens = [atom(at + 1, name, at, "H", element="H") for at, name in enumerate(NAMES)]
    assert letters(chain_of(NAMES), hydrogens) == {"A": LETTERS}
    assert letters(chain_of(NAMES), "TER", hydrogens) == {"A": LETTERS}


def test_alternatives_in_blocks_are_alternatives():
    other = [atom(at + 1, NAMES[at], at, altloc="B", occupancy="0.30", shift=1) for at in (4, 5, 6)]
    (chain,) = read(chain_of(NAMES), other)
    assert chain.sequence == LETTERS
    np.testing.assert_allclose(chain.ca, helix(12), atol=1e-3)


def test_a_fourth_letter_is_the_residues_where_no_chain_can_have_it():
    # HISD is a name of GROMACS; behind ALA a D can only be a chain's.
    assert letters(chain_of(["HISD", "ALA", "GLY"])) == {"A": "HAG"}
    assert letters(chain_of(["HIS", "ALA", "GLY"], chain="DA")) == {"DA": "HAG"}


def test_both_copies_of_a_chain_have_what_seqres_says():
    names = ["GLY", *NAMES]
    copies = chain_of(NAMES, first=2), chain_of(NAMES, first=2, shift=60)
    found = read(seqres(names), copies[0], "TER", copies[1], "TER")
    assert [chain.sequence for chain in found] == ["G" + LETTERS] * 2


def test_where_a_chain_breaks_is_told_by_its_numbers():
    records = chain_of(NAMES[:6]) + [atom(at + 1, NAMES[at], at, shift=60) for at in range(6, 12)]
    (chain,) = read(records)
    assert len(chain.breaks) == 1
    assert describe_breaks(chain).startswith("The chain breaks between residues 6 and 7 (10")
    assert describe_breaks(read(chain_of(NAMES))[0]) == ""


@pytest.mark.parametrize("fault", [RuntimeError("ours"), ImportError("No module named 'biotite'")])
def test_a_fault_of_ours_is_never_called_damage(monkeypatch, fault):
    def fail(data):
        raise fault

    monkeypatch.setitem(reading._READERS, "PDB", fail)
    with pytest.raises(type(fault), match=str(fault)):
        read(chain_of(NAMES))
