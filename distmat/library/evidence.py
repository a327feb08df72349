"""What a template's distance tells of the query's: how likely each distance makes it.

A pair's distance in a template, δ, is near the query's own, d, or has nothing to do with it:

    p(δ | d) = (1 − ε) · Laplace(δ; d, s) + ε / `FARTHEST`

with a scale s and a share of outliers ε that follow from the alignment: its E-value, how surely
each of the two residues is aligned, insertions between them, the distance itself. Their numbers
were fitted by maximum likelihood on pairs of known chains, remote and near relatives, by
`benchmarks/templates.py`; no network has a part in it, so it serves every distogram.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from distmat.library.templates import MOST_TEMPLATES, Template

FARTHEST = 60.0
"""Å: an outlier's distance may be anything up to here."""

SCALE = (-0.266, 0.0, 0.001, -0.9, 0.029, 0.574, 0.101, 0.039, -1.621)
"""log s, in Å, for each of the facts that `describe` gives."""

OUTLIERS = (-3.477, -0.651, 0.119, 2.842, -0.77, 0.152, 1.667, 0.195, -2.132)
"""log ε / (1 − ε) for each of the facts that `describe` gives."""

_SUREST = 20.0
"""Decades of an E-value beyond which an alignment is no surer."""
_MANY = 16.0
"""Residues of insertions beyond which it is just many."""


Cut = slice | np.ndarray
"""Which residues of a chain."""


@dataclass(frozen=True)
class Evidence:
    """What some templates say together of the distances of a stretch of a chain.

    Parameters
    ----------
    log_likelihood : ndarray, shape=(N, N, K), dtype=float32
        Of each distance bin; zero where no template covers both residues. Several templates are
        no independent witnesses: n of them count for √n.
    witnesses : ndarray, shape=(N, N), dtype=float32
        How many templates cover both residues.
    """

    log_likelihood: np.ndarray
    witnesses: np.ndarray


def gather_evidence(
    templates: Sequence[Template], bounds: np.ndarray, cut: Cut = slice(None)
) -> Evidence:
    """What templates say of the distances of a chain, or of a stretch of it.

    Parameters
    ----------
    templates : sequence of Template
        At least one; the surest first, of which `MOST_TEMPLATES` are heard.
    bounds : ndarray, shape=(K + 1,)
        Å: between which the bins lie.
    cut : slice, or ndarray, dtype=int
        The residues of the stretch, or of several, in their order.
    """
    residues = len(templates[0].place[cut])
    evidence = np.zeros((residues, residues, len(bounds) - 1), dtype=np.float32)
    witnesses = np.zeros((residues, residues), dtype=np.float32)
    for template in templates[:MOST_TEMPLATES]:
        log_likelihood, i, j = _log_likelihood(template, bounds, cut)
        evidence[i, j] += log_likelihood
        witnesses[i, j] += 1
    i, j = np.nonzero(witnesses)
    evidence[i, j] /= np.sqrt(witnesses[i, j])[:, None]
    # A pair's distance knows no direction.
    evidence[j, i] = evidence[i, j]
    return Evidence(evidence, witnesses + witnesses.T)


def describe(
    template: Template, cut: Cut = slice(None)
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """The facts that decide how much a template's distances count.

    Parameters
    ----------
    template : Template
    cut : slice, or ndarray, dtype=int
        Residues of the chain, in their order.

    Returns
    -------
    ndarray, shape=(P, 9), dtype=float32
        For each pair i < j that the template covers: 1; decades of the E-value over ten, and their
        square; identity; coverage; the logarithm of the template's distance in Å; residues of
        insertions between the two over 16; the logarithm of the separation; and the probability
        that both residues are aligned right.
    ndarray, shape=(P,), dtype=float32
        The template's distances in Å.
    ndarray, ndarray, shape=(P,), dtype=int
        i and j, as places among the residues of `cut`.
    """
    ca, place, confidence = (
        each[cut] for each in (template.ca, template.place, template.confidence)
    )
    covered = np.flatnonzero(np.isfinite(ca).all(axis=1))
    first, second = np.triu_indices(len(covered), 1)
    i, j = covered[first], covered[second]
    distances = np.linalg.norm(ca[i] - ca[j], axis=1)
    residue = np.arange(len(template.place))[cut]
    apart = residue[j] - residue[i]
    decades = min(-np.log10(max(template.e_value, 10**-_SUREST)), _SUREST) / 10
    one = np.ones(len(i))
    facts = [
        one,
        decades * one,
        decades**2 * one,
        template.identity * one,
        template.coverage * one,
        np.log(np.maximum(distances, 3.0)),
        np.minimum(np.abs(place[j] - place[i] - apart), _MANY) / _MANY,
        np.log(apart),
        confidence[i] * confidence[j],
    ]
    return np.stack(facts, axis=1).astype(np.float32), distances.astype(np.float32), i, j


def _log_likelihood(
    template: Template, bounds: np.ndarray, cut: Cut
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Of each bin for each covered pair, shape=(P, K), and the residues of the pairs."""
    facts, distances, i, j = describe(template, cut)
    scale = np.exp(np.clip(facts @ np.array(SCALE, np.float32), -2.0, 3.5))[:, None]
    outliers = 1 / (1 + np.exp(-(facts @ np.array(OUTLIERS, np.float32))))[:, None]
    edges = bounds.astype(np.float32)
    offset = (edges - distances[:, None]) / scale
    # Of a Laplace distribution below each edge.
    below = 0.5 + np.copysign(0.5 * (1 - np.exp(-np.abs(offset))), offset)
    density = np.diff(below, axis=1) / np.diff(edges)
    return np.log((1 - outliers) * density + outliers / FARTHEST), i, j
