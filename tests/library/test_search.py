"""Relatives of a query are found in a library."""

import numpy as np
import pytest

from distmat.errors import ConfigError
from distmat.library.search import Exclusion, find_templates, search


def test_a_mutated_chain_finds_what_it_came_from(library, known_chains, relative):
    queries = [relative(chain.sequence) for chain in known_chains]
    found = search(library, queries, threads=1)
    assert [hits[0].target for hits in found if hits] == list(range(len(queries)))
    assert all(hits[0].e_value < 1e-5 for hits in found)


def test_the_residues_that_belong_together_are_laid_together(library, known_chains, relative):
    chain = known_chains[0]
    query = f"GSHMASGSHM{relative(chain.sequence)}"
    template = find_templates(library, [query], threads=1)[0][0]
    aligned = np.flatnonzero(template.place >= 0)
    assert (template.place[aligned] == aligned - 10).mean() > 0.95


def test_a_made_up_sequence_finds_nothing_sure(library):
    rng = np.random.default_rng(3)
    query = "".join(rng.choice(list("ACDEFGHIKLMNPQRSTVWY"), 120))
    assert all(hit.e_value > 1e-3 for hit in search(library, [query], threads=1)[0])


def test_order_and_company_of_queries_change_nothing(library, known_chains, relative):
    queries = [relative(chain.sequence) for chain in known_chains[:3]]
    alone = [search(library, [query], threads=1)[0][0] for query in queries]
    together = [hits[0] for hits in search(library, queries[::-1], threads=1)][::-1]
    for one, other in zip(alone, together, strict=True):
        assert one == other


def test_an_entry_can_be_excluded_in_any_form_of_its_id(library, known_chains, relative):
    chain = known_chains[0]
    entry = chain.name.partition("_")[0]
    for text in (entry.upper(), f"pdb_0000{entry.lower()}", chain.name):
        exclude = Exclusion(frozenset([text]))
        (templates,) = find_templates(library, [relative(chain.sequence)], exclude, threads=1)
        assert chain.name not in [template.name for template in templates]


def test_identity_and_date_exclude(library, known_chains, relative):
    queries = [relative(chain.sequence) for chain in known_chains[:2]]
    by_identity = find_templates(library, queries, Exclusion(identity=0.5), threads=1)
    assert not any(template.identity >= 0.5 for found in by_identity for template in found)
    # The first chain's day is known, the second one's isn't.
    by_date = find_templates(library, queries, Exclusion(released_from="2010-01-01"), threads=1)
    assert [len(found) > 0 for found in by_date] == [True, False]


def test_a_date_in_another_form_is_refused():
    with pytest.raises(ConfigError, match="write it as 2021-05-26"):
        Exclusion(released_from="26.5.2021")


def test_a_querys_own_entry_is_no_template(library, known_chains):
    chain = known_chains[0]
    (templates,) = find_templates(
        library, [chain.sequence], own_entries=[chain.name.upper()], threads=1
    )
    assert chain.name not in [template.name for template in templates]
