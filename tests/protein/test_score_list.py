"""Scores of pairs, in files written by their formats' descriptions: ranked, never probabilities."""

import numpy as np
import pytest

from distmat.errors import DistanceMapError
from distmat.given_map import compare_given, fit_structure, numbers, open_map, pair_columns
from distmat.protein.examples import examples
from distmat.protein.foreign_map import read_foreign_map
from distmat.protein.score_list import is_score_table, rank_pairs
from distmat.protein.structure.write import write_pdb

N = 20
LETTERS = "ACDEFGHIKLMNPQRSTVWY"


@pytest.fixture(scope="module")
def scores():
    table = np.abs(np.random.default_rng(0).normal(0, 0.4, (N, N)))
    table = np.triu(table, 1)
    return table + table.T


def pairs(scores, line):
    rows = [line(i + 1, j + 1, f"{scores[i, j]:.6f}") for i in range(N) for j in range(i + 1, N)]
    return "\n".join(rows) + "\n"


GREMLIN = "i\tj\ti_id\tj_id\tr_sco\ts_sco\tprob\n"
PCONS = "PconsC3\nSequence:\nACDEF\nPredicted contacts:\nRes1 Res2 Score\n"
FILES = {
    "CCMpred": lambda s: "\n".join("\t".join(f"{v:.18e}" for v in row) for row in s),
    "plmDCA": lambda s: pairs(s, lambda i, j, v: f"{i},{j},{v}"),
    "EVfold": lambda s: pairs(
        s, lambda i, j, v: f"{i} {LETTERS[i - 1]} {j} {LETTERS[j - 1]} 0 {v}"
    ),
    "FreeContact": lambda s: pairs(
        s, lambda i, j, v: f"{i} {LETTERS[i - 1]} {j} {LETTERS[j - 1]} {v} 0"
    ),
    "PconsC": lambda s: PCONS + pairs(s, lambda i, j, v: f" {i} {j} {v}"),
    "a list": lambda s: pairs(9 * s, lambda i, j, v: f"{i} {j} 0 8 {v}"),
}


@pytest.mark.parametrize("program", FILES)
def test_scores_are_ranks_and_no_probabilities(program, scores):
    found = read_foreign_map(FILES[program](scores).encode(), "scores.txt")
    assert found.contacts is None and found.distances is None and found.residues == N
    assert program in found.kind
    upper = np.triu_indices(N, 1)
    factor = 9 if program == "a list" else 1
    np.testing.assert_allclose(found.scores[upper], factor * scores[upper], atol=1e-5)
    if program in ("EVfold", "FreeContact"):
        assert found.sequence == LETTERS


def test_gremlin_s_last_column_is_a_probability(scores):
    likely = scores / scores.max()
    text = GREMLIN + pairs(likely, lambda i, j, v: f"{i}\t{j}\t{i}_A\t{j}_C\t0.2\t4.7\t{v}")
    found = read_foreign_map(text.encode(), "gremlin.txt")
    assert found.scores is None
    assert found.contacts[0, 9] == pytest.approx(likely[0, 9], abs=1e-5)
    with pytest.raises(DistanceMapError, match="where a probability"):
        read_foreign_map(text.replace("0.2\t4.7\t", "0.2\t4.7\t1").encode(), "gremlin.txt")


def test_ranks_begin_with_the_best_of_the_pairs_far_in_the_chain(scores):
    ranks = rank_pairs(scores)
    far = np.triu(np.ones((N, N), dtype=bool), 6)
    assert np.isnan(ranks[np.triu(~far)]).all()
    best = np.unravel_index(np.argmax(np.where(far, scores, -1)), scores.shape)
    assert ranks[best] == ranks[best[::-1]] == 1
    assert sorted(ranks[far]) == list(range(1, int(far.sum()) + 1))


def test_distances_in_any_unit_are_no_scores():
    for example in examples()[:3]:
        table = np.nan_to_num(example.read().distances, nan=5.0)
        np.fill_diagonal(table, 0)
        for unit in (1.0, 0.1, 100.0):
            assert not is_score_table(table * unit)


def test_a_map_of_scores_is_measured_by_its_ranks_beside_a_structure():
    chain = examples()[7].read()
    near = np.nan_to_num(chain.distances, nan=50.0)
    rows = [
        f"{i + 1},{j + 1},{1 / near[i, j] - 0.5:.6f}"
        for i in range(len(chain))
        for j in range(i + 1, len(chain))
    ]
    given = open_map("\n".join(rows).encode(), "plm.txt")
    assert (
        "no probabilities" in given.notes()[0] and "no probabilities" in numbers(given)["notes"][0]
    )
    pdb = write_pdb(chain.sequence, chain.ca).encode()
    given = type(given)(given.name, _between(given.content, "Cα"), given.key)
    fit = fit_structure(given, pdb, "x.pdb")
    assert fit.comparison.model.values["contact_auc"] == pytest.approx(1.0)
    assert fit.comparison.model.values["r_precision"] == pytest.approx(1.0)
    columns = pair_columns(given, fit)
    assert "score" in columns and "contact_probability" not in columns
    difference = compare_given(given, given)
    assert difference.both == len(chain) and difference.only_first == 0


def _between(content, atom):
    from dataclasses import replace

    return replace(content, atom=atom)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("1,9,0.5\n2,99999,0.4\n", "names residue 99,999"),
        (GREMLIN, "without a line of a pair"),
    ],
)
def test_a_list_of_nothing_or_of_too_much_is_refused(text, words):
    with pytest.raises(DistanceMapError, match=words):
        read_foreign_map(text.encode(), "x.txt")
