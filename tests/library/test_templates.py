"""Known chains laid on a query."""

import numpy as np
import pytest
from biotite.sequence import ProteinSequence
from biotite.sequence.align import SubstitutionMatrix, align_optimal

from distmat.library.blosum import BLOSUM62
from distmat.library.profiles import LETTERS
from distmat.library.templates import Hit, copy_nearest, lay


def test_a_path_says_which_residues_belong_together():
    hit = Hit(target=0, e_value=1e-9, query_start=2, target_start=5, path="3M2I2M1D1M")
    expected = [-1, -1, 5, 6, 7, -1, -1, 8, 9, 11, -1]
    assert hit.places(11).tolist() == expected


def test_a_chain_laid_on_itself_gives_its_own_distances(known_chains):
    chain = known_chains[0]
    template = lay(chain.sequence, chain, np.arange(len(chain)), 1e-30)
    assert np.allclose(template.distances, chain.distances, atol=1e-4, equal_nan=True)
    assert template.identity == 1 and template.coverage == 1
    assert template.span == (0, len(chain) - 1)


def test_identity_is_that_of_an_independent_alignment(known_chains, relative):
    chain = known_chains[1]
    query = relative(chain.sequence)
    template = lay(query, chain, np.arange(len(chain)), 1e-9)
    matrix = SubstitutionMatrix.std_protein_matrix()
    pair = ProteinSequence(query), ProteinSequence(chain.sequence)
    trace = align_optimal(*pair, matrix, gap_penalty=(-20, -5))[0].trace
    same = np.mean([query[i] == chain.sequence[j] for i, j in trace])
    assert template.identity == pytest.approx(same, abs=0.02)


def test_residues_are_as_alike_as_another_package_says():
    matrix = SubstitutionMatrix.std_protein_matrix()
    scores = [[matrix.get_score(one, other) for other in f"{LETTERS}X"] for one in f"{LETTERS}X"]
    assert (np.array(BLOSUM62.split(), dtype=int).reshape(21, 21) == scores).all()


def test_copying_keeps_the_other_map_where_nothing_is_aligned(known_chains):
    chain = known_chains[0]
    place = np.where(np.arange(len(chain)) < 30, np.arange(len(chain)), -1)
    copied = copy_nearest(
        [lay(chain.sequence, chain, place, 1e-9)], np.full((len(chain),) * 2, 9.0)
    )
    assert np.allclose(copied[:30, :30], chain.distances[:30, :30], atol=1e-4)
    assert (copied[30:] == 9).all()
