import numpy as np
import pytest

from distmat.errors import StructureError
from distmat.protein.examples import examples
from distmat.protein.structure_fit import lay_structure


@pytest.fixture(scope="module")
def chain():
    return examples()[7].read()


def test_a_mutant_with_more_at_the_ends_gets_each_residue_s_place(chain):
    letters = list(chain.sequence)
    letters[20] = "W" if letters[20] != "W" else "A"
    sequence = "MGS" + "".join(letters[:50]) + "".join(letters[55:]) + "HHHHHH"
    laid = lay_structure(sequence, chain)
    n = len(chain)
    # Five residues were cut out, three and six added at the ends.
    assert len(laid.chain) == n - 5 + 9 and laid.aligned >= n - 5
    assert laid.identity == pytest.approx((n - 6) / (n - 5), abs=0.01)
    np.testing.assert_array_equal(laid.chain.ca[3:40], chain.ca[:37])
    np.testing.assert_array_equal(laid.chain.ca[60:-6], chain.ca[62:])
    assert np.isnan(laid.chain.ca[:3]).all() and np.isnan(laid.chain.ca[-6:]).all()
    assert laid.chain.residue_numbers[3:40] == chain.residue_numbers[:37]
    assert "have one of the structure's" in laid.sentence() and "unsure" not in laid.sentence()


def test_another_protein_is_refused_or_called_unsure(chain):
    with pytest.raises(StructureError, match="Fewer than 10 residues"):
        lay_structure("GGGG", chain)
    other = examples()[0].read()
    laid = lay_structure(other.sequence, chain)
    assert laid.is_unsure and "is unsure" in laid.sentence()
