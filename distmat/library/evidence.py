"""What a template's distance tells of the query's: how likely each distance makes it.

A pair's distance in a template, δ, is near the query's own, d, or has nothing to do with it:

    p(δ | d) = (1 − ε) · Laplace(δ; d, s) + ε / `FARTHEST`

with a scale s and a share of outliers ε that follow from the alignment: its E-value, how alike
the residues around are, insertions between the two, the distance itself. Their numbers were fitted
by maximum likelihood on pairs of known chains of different clusters (< 30 % identity), by
`benchmarks/templates.py`; no network has a part in it, so it serves every distogram.
"""

from collections.abc import Sequence

import numpy as np

from distmat.library.templates import MOST_TEMPLATES, Template
from distmat.protein.distance_map import separation

FARTHEST = 60.0
"""Å: an outlier's distance may be anything up to here."""

SCALE = (-0.115, -0.282, 0.039, -2.316, 0.008, -0.219, 0.608, 0.384, 0.029)
"""log s, in Å, for each of the facts that `describe` gives."""

OUTLIERS = (-5.062, -2.767, 0.834, 1.689, 0.298, -0.207, 0.825, 1.304, 0.061)
"""log ε / (1 − ε) for each of the facts that `describe` gives."""

PRIOR_POWER = 0.7
"""Of the network's own probabilities where templates are: it is surer than right of far pairs."""

_SUREST = 20.0
"""Decades of an E-value beyond which an alignment is no surer."""
_MANY = 16.0
"""Residues of insertions beyond which it is just many."""


def weigh_templates(
    log_prior: np.ndarray, templates: Sequence[Template], bounds: np.ndarray
) -> np.ndarray:
    """A distogram's logits after what the templates say.

    Several templates are no independent witnesses: n of them count for √n.

    Parameters
    ----------
    log_prior : ndarray, shape=(N, N, K), dtype=float32
        Logarithms of the network's probabilities.
    templates : sequence of Template
        The surest first; `MOST_TEMPLATES` of them are heard.
    bounds : ndarray, shape=(K + 1,)
        Å: between which the bins lie.

    Returns
    -------
    ndarray, shape=(N, N, K), dtype=float32
        Not normalised; the prior's own where no template covers both residues.
    """
    witnesses = np.zeros(log_prior.shape[:2], dtype=np.float32)
    evidence = np.zeros_like(log_prior)
    for template in templates[:MOST_TEMPLATES]:
        log_likelihood, covered = _log_likelihood(template, bounds)
        evidence[covered] += log_likelihood
        witnesses[covered] += 1
    heard = witnesses > 0
    posterior = log_prior.copy()
    weight = 1 / np.sqrt(witnesses[heard])[:, None]
    posterior[heard] = PRIOR_POWER * log_prior[heard] + weight * evidence[heard]
    return posterior


def describe(template: Template) -> tuple[np.ndarray, np.ndarray]:
    """The facts that decide how much a template's distances count.

    Returns
    -------
    ndarray, shape=(P, 9)
        For each pair that the template covers: 1; decades of the E-value over ten, and their
        square; the less alike of the two residues' surroundings; identity; coverage; the logarithm
        of the template's distance in Å; residues of insertions between the two over 16; and the
        logarithm of the separation.
    ndarray, shape=(N, N), dtype=bool
        Which pairs these are; the diagonal isn't.
    """
    n = len(template.place)
    distances = template.distances
    covered = np.isfinite(distances) & ~np.eye(n, dtype=bool)
    decades = min(-np.log10(max(template.e_value, 10**-_SUREST)), _SUREST) / 10
    likeness = np.minimum(template.match[:, None], template.match[None, :])[covered]
    apart = template.place[None, :] - template.place[:, None]
    index = np.arange(n)
    inserted = np.abs(apart - (index[None, :] - index[:, None]))[covered]
    one = np.ones(len(likeness))
    facts = [
        one,
        decades * one,
        decades**2 * one,
        likeness,
        template.identity * one,
        template.coverage * one,
        np.log(np.maximum(distances[covered], 3.0)),
        np.minimum(inserted, _MANY) / _MANY,
        np.log(separation(n)[covered]),
    ]
    return np.stack(facts, axis=1).astype(np.float32), covered


def _log_likelihood(template: Template, bounds: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Of each bin for each covered pair, shape=(P, K), and which pairs are covered."""
    facts, covered = describe(template)
    scale = np.exp(np.clip(facts @ np.array(SCALE, np.float32), -2.0, 3.5))[:, None]
    outliers = 1 / (1 + np.exp(-(facts @ np.array(OUTLIERS, np.float32))))[:, None]
    edges = bounds.astype(np.float32)
    offset = (edges - template.distances[covered].astype(np.float32)[:, None]) / scale
    # Of a Laplace distribution below each edge.
    below = np.where(offset < 0, np.exp(np.minimum(offset, 0)) / 2, 1 - np.exp(-np.abs(offset)) / 2)
    density = np.diff(below, axis=1) / np.diff(edges)
    return np.log((1 - outliers) * density + outliers / FARTHEST), covered
