"""What templates say of a distogram."""

import numpy as np
import pytest
from scipy.stats import laplace

from distmat.library import evidence
from distmat.library.evidence import FARTHEST, OUTLIERS, SCALE, describe, weigh_templates
from distmat.library.templates import lay

BOUNDS = np.linspace(2, 60, 59)


def flat(n: int) -> np.ndarray:
    return np.full((n, n, 58), -np.log(58), dtype=np.float32)


def test_without_templates_nothing_changes():
    prior = flat(5)
    assert (weigh_templates(prior, [], BOUNDS) == prior).all()


def test_an_empty_opinion_takes_the_templates_distances(known_chains):
    chain = known_chains[0]
    template = lay(chain.sequence, chain, np.arange(len(chain)), 1e-30)
    posterior = weigh_templates(flat(len(chain)), [template], BOUNDS)
    centres = (BOUNDS[1:] + BOUNDS[:-1]) / 2
    off = ~np.eye(len(chain), dtype=bool) & (chain.distances < 59)
    error = np.abs(centres[posterior.argmax(axis=-1)] - chain.distances)[off]
    assert error.max() <= 0.5 + 1e-3


def test_a_weak_alignment_counts_for_less(known_chains):
    chain = known_chains[0]
    spread = []
    for e_value in (1e-20, 0.5):
        template = lay(chain.sequence, chain, np.arange(len(chain)), e_value)
        logits = weigh_templates(flat(len(chain)), [template], BOUNDS)
        probability = np.exp(logits - logits.max(axis=-1, keepdims=True))
        probability /= probability.sum(axis=-1, keepdims=True)
        spread.append(-(probability * np.log(probability)).sum(axis=-1)[0, 40])
    assert spread[0] < spread[1]


def test_likelihoods_are_those_of_scipys_laplace_distribution(known_chains, monkeypatch):
    monkeypatch.setattr(evidence, "PRIOR_POWER", 1.0)
    chain = known_chains[0]
    template = lay(chain.sequence, chain, np.arange(len(chain)), 1e-6)
    facts, covered = describe(template)
    row = int(np.flatnonzero((np.argwhere(covered) == (3, 50)).all(axis=1))[0])
    scale = np.exp(np.clip(facts[row] @ np.array(SCALE), -2, 3.5))
    share = 1 / (1 + np.exp(-facts[row] @ np.array(OUTLIERS)))
    known = laplace(loc=template.distances[3, 50], scale=scale)
    density = np.diff(known.cdf(BOUNDS)) / np.diff(BOUNDS)
    expected = np.log((1 - share) * density + share / FARTHEST)
    said = weigh_templates(np.zeros_like(flat(len(chain))), [template], BOUNDS)[3, 50]
    assert said == pytest.approx(expected, abs=1e-3)


def test_pairs_that_no_template_covers_keep_the_networks_opinion(known_chains):
    chain = known_chains[0]
    n = len(chain)
    prior = np.log(np.random.default_rng(0).dirichlet(np.ones(58), (n, n))).astype(np.float32)
    place = np.where(np.arange(n) < 30, np.arange(n), -1)
    posterior = weigh_templates(prior, [lay(chain.sequence, chain, place, 1e-9)], BOUNDS)
    assert (posterior[30:] == prior[30:]).all()
    assert (posterior[0, 1:30] != prior[0, 1:30]).any()
