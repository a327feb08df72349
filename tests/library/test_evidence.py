"""What templates say of distances."""

import numpy as np
import pytest
from scipy.stats import laplace

from distmat.library.evidence import FARTHEST, OUTLIERS, SCALE, describe, gather_evidence
from distmat.library.templates import lay

BOUNDS = np.linspace(2, 60, 59)


def test_a_templates_distances_are_the_likeliest(known_chains):
    chain = known_chains[0]
    template = lay(chain.sequence, chain, np.arange(len(chain)), 1e-30)
    said = gather_evidence([template], BOUNDS)
    centres = (BOUNDS[1:] + BOUNDS[:-1]) / 2
    off = ~np.eye(len(chain), dtype=bool) & (chain.distances < 59)
    error = np.abs(centres[said.log_likelihood.argmax(axis=-1)] - chain.distances)[off]
    assert error.max() <= 0.5 + 1e-3


def test_a_weak_alignment_counts_for_less(known_chains):
    chain = known_chains[0]
    spread = []
    for e_value in (1e-20, 0.5):
        template = lay(chain.sequence, chain, np.arange(len(chain)), e_value)
        told = gather_evidence([template], BOUNDS).log_likelihood[0, 40]
        probability = np.exp(told - told.max())
        probability /= probability.sum()
        spread.append(-(probability * np.log(probability)).sum())
    assert spread[0] < spread[1]


def test_likelihoods_are_those_of_scipys_laplace_distribution(known_chains):
    chain = known_chains[0]
    template = lay(chain.sequence, chain, np.arange(len(chain)), 1e-6)
    facts, distances, i, j = describe(template)
    row = int(np.flatnonzero((i == 3) & (j == 50))[0])
    assert distances[row] == pytest.approx(template.distances[3, 50], abs=1e-4)
    scale = np.exp(np.clip(facts[row] @ np.array(SCALE), -2, 3.5))
    share = 1 / (1 + np.exp(-facts[row] @ np.array(OUTLIERS)))
    known = laplace(loc=template.distances[3, 50], scale=scale)
    density = np.diff(known.cdf(BOUNDS)) / np.diff(BOUNDS)
    expected = np.log((1 - share) * density + share / FARTHEST)
    said = gather_evidence([template], BOUNDS).log_likelihood
    assert said[3, 50] == pytest.approx(expected, abs=1e-3)
    assert (said == said.transpose(1, 0, 2)).all()


def test_two_like_witnesses_count_for_less_than_twice_one(known_chains):
    chain = known_chains[0]
    template = lay(chain.sequence, chain, np.arange(len(chain)), 1e-6)
    one, two = (gather_evidence([template] * n, BOUNDS) for n in (1, 2))
    assert two.witnesses[0, 40] == 2
    assert two.log_likelihood == pytest.approx(np.sqrt(2) * one.log_likelihood, rel=1e-5)


def test_of_a_stretch_it_is_what_it_is_of_the_whole_chain(known_chains):
    chain = known_chains[0]
    place = np.where(np.arange(len(chain)) % 7 > 0, np.arange(len(chain)), -1)
    templates = [lay(chain.sequence, chain, place, 1e-6)]
    whole, part = gather_evidence(templates, BOUNDS), slice(20, 60)
    cut = gather_evidence(templates, BOUNDS, part)
    assert cut.log_likelihood == pytest.approx(whole.log_likelihood[part, part], abs=1e-5)
    assert (cut.witnesses == whole.witnesses[part, part]).all()


def test_nothing_is_said_of_pairs_that_no_template_covers(known_chains):
    chain = known_chains[0]
    place = np.where(np.arange(len(chain)) < 30, np.arange(len(chain)), -1)
    said = gather_evidence([lay(chain.sequence, chain, place, 1e-9)], BOUNDS)
    assert not said.witnesses[30:].any()
    assert not said.log_likelihood[30:].any()
    assert said.log_likelihood[0, 1:30].any(axis=-1).all()
