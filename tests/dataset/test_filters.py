"""Filters: each refuses what it names, by a number computed otherwise here."""

from dataclasses import replace

import numpy as np
import pytest

from distmat.dataset.filters import _RULES, KEPT, NO_FILTERS, Filters, measure, refusal
from distmat.errors import ConfigError
from distmat.geometry.secondary_structure import structure_content
from distmat.protein.chain import Chain
from distmat.settings import describe


def line(n, step=3.8, letters="ACDEFGHIKLMNPQRSTVWY"):
    ca = np.zeros((n, 3))
    ca[:, 0] = step * np.arange(n)
    return Chain("line", (letters * n)[:n], ca)


def reason(chain, filters=None, resolution=None, method=""):
    found = refusal(chain, measure(chain), resolution, method, filters or Filters())
    return found and found[0]


def test_ordinary_proteins_pass_all_of_them(proteins):
    assert [reason(chain) for chain in proteins] == [None] * len(proteins)


def test_each_fault_is_refused_by_its_name(proteins):
    good = proteins[0]
    n = len(good)
    gone = good.ca.copy()
    gone[: n // 2] = np.nan
    torn = good.ca.copy()
    torn[n // 4 :] += 50
    torn[n // 2 :] += 50
    torn[3 * n // 4 :] += 50
    crowded = good.ca.copy()
    crowded[10:14] = crowded[50:54] + 0.5
    assert reason(replace(good, sequence="X" * 10 + good.sequence[10:])) == "unknown residues"
    assert reason(Chain("gone", good.sequence, gone)) == "missing residues"
    assert reason(Chain("torn", good.sequence, torn)) == "chain breaks"
    assert reason(Chain("crowded", good.sequence, crowded), Filters(max_breaks=99)) == "clashes"
    assert reason(replace(good, sequence=("AG" * n)[:n])) == "low complexity"
    assert reason(line(200)) == "elongated"
    assert reason(line(29)) == "too short"
    assert reason(line(513)) == "too long"
    assert reason(good, resolution=3.6) == "resolution"
    assert reason(good, method="THEORETICAL MODEL") == "method"
    assert reason(good, Filters(methods="x-ray, nmr"), method="ELECTRON MICROSCOPY") == "method"
    assert reason(good, Filters(methods="x-ray, nmr"), method="SOLUTION NMR") is None


def test_without_filters_everything_is_kept():
    assert reason(line(600, letters="A"), NO_FILTERS, resolution=9.0) is None


def test_measures_of_a_straight_chain_are_known():
    chain = line(101)
    found = measure(chain)
    # The mean square of 3.8 Å times −50 … 50.
    assert found.gyration == pytest.approx(3.8 * np.sqrt(50 * 51 / 3))
    assert (found.missing, found.breaks, found.unknown, found.clashes) == (0, 0, 0, 0)
    assert measure(line(20)).complexity == pytest.approx(np.log2(20))
    assert measure(line(20, step=5)).breaks == 19


def test_a_gap_that_was_not_observed_is_no_break():
    chain = line(50)
    ca = chain.ca.copy()
    ca[20:25] = np.nan
    found = measure(Chain("gap", chain.sequence, ca))
    assert (found.missing, found.breaks) == (5, 0)


def test_helix_and_strand_are_told_apart_on_chains_made_of_one(made_up):
    contents = [structure_content(chain) for chain in made_up]
    assert max(helix for helix, _ in contents) > 0.5 and max(b for _, b in contents) > 0.4
    assert all(helix + strand <= 1 for helix, strand in contents)
    assert structure_content(line(4)) == (0.0, 0.0)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"max_length": 0}, "max_length is 0; it must lie between 2"),
        ({"max_missing": "much"}, "max_missing is 'much'; it must be a number"),
        ({"max_lenght": 1}, "no filter 'max_lenght'; did you mean 'max_length'?"),
        ({"nothing": 1}, "no filter 'nothing'; 'distmat data build --help' lists them."),
        ({"min_length": 100, "max_length": 50}, "more than max_length 50"),
    ],
)
def test_a_filter_that_can_not_be_is_refused_in_a_sentence(settings, words):
    with pytest.raises(ConfigError) as error:
        Filters().with_settings(settings)
    assert words in str(error.value)
    assert Filters().with_settings({"max_length": "300"}).max_length == 300


def test_a_filter_is_declared_with_its_words_range_and_rule():
    for name, one in describe(Filters).items():
        assert one.label and one.help and one.group == KEPT and name in _RULES
        assert one.kind is str or (one.low is not None and one.high is not None)
    assert set(_RULES) == set(describe(Filters))
