"""Chains made by rule, for tests that need no file."""

import numpy as np
from scipy.spatial.distance import cdist


def helix(n):
    """A right-handed α helix: 100° and 1.5 Å a residue on a radius of 2.3 Å."""
    turn = np.radians(100.0) * np.arange(n)
    return np.stack([2.3 * np.cos(turn), 2.3 * np.sin(turn), 1.5 * np.arange(n)], axis=1)


def strand(n):
    """A β strand with the left-handed Cα twist of real ones (τ about −170°)."""
    turn = np.radians(-170.0) * np.arange(n)
    return np.stack([0.9 * np.cos(turn), 0.9 * np.sin(turn), 3.35 * np.arange(n)], axis=1)


def hairpin_sheet(strands=4, length=8):
    """Strands side by side, joined by loops of two residues."""
    rows, flat = [], strand(length)
    for place in range(strands):
        row = flat if place % 2 == 0 else flat[::-1]
        row = row + np.array([4.8 * place, 0.0, 0.0])
        if rows:
            last, first = rows[-1][-1], row[0]
            bulge = np.array([0.0, 0.0, 2.8 if place % 2 else -2.8])
            rows.append(np.array([last + bulge, first + bulge]))
        rows.append(row)
    return np.concatenate(rows)


def random_walk(n, seed=0, closest=4.0):
    """A self-avoiding chain with bonds of 3.8 Å, kept compact."""
    random = np.random.default_rng(seed)
    points = [np.zeros(3)]
    while len(points) < n:
        ca = np.array(points)
        steps = random.normal(size=(200, 3))
        new = ca[-1] + 3.8 * steps / np.linalg.norm(steps, axis=1, keepdims=True)
        free = (cdist(new, ca[:-1]) > closest).all(axis=1) if len(ca) > 1 else np.full(200, True)
        if len(ca) > 1:
            free &= np.abs(np.linalg.norm(new - ca[-2], axis=1) - 6.0) < 1.0
        if not free.any():
            del points[-min(10, len(points) - 1) :]
            continue
        inward = np.linalg.norm(new - ca.mean(axis=0), axis=1) + random.gumbel(scale=2.0, size=200)
        points.append(new[np.where(free, inward, np.inf).argmin()])
    return np.array(points)


def bundle(length=18, helices=3):
    """Helices side by side, joined straight; it has a hand."""
    parts = []
    for place in range(helices):
        rod = helix(length)
        if place % 2:
            rod = rod * [1.0, -1.0, -1.0] + [0.0, 0.0, rod[-1, 2]]
        angle = 2.0 * np.pi * place / helices
        parts.append(rod + 6.0 * np.array([np.cos(angle), np.sin(angle), 0.0]))
        if place < helices - 1:
            parts.append(None)
    chain = []
    for place, part in enumerate(parts):
        if part is not None:
            chain.append(part)
            continue
        first, last = parts[place - 1][-1], parts[place + 1][0]
        steps = max(int(np.linalg.norm(last - first) / 3.8), 1)
        way = np.linspace(0.0, 1.0, steps + 1)[1:-1, None]
        chain.append(first + way * (last - first))
    return np.concatenate(chain)


def disturbed(distances, share=0.1, seed=0):
    """Each distance off by a share of itself; none is zero."""
    upper = np.triu(np.random.default_rng(seed).normal(size=distances.shape), 1)
    off = np.maximum(distances * (1.0 + share * (upper + upper.T)), 0.01)
    return np.where(distances == 0, 0.0, off)


def distances_of(ca):
    """In float64, NaN where a coordinate is."""
    return cdist(ca, ca)
