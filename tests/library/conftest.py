"""A small library: the built-in examples, known as if they had been learned from nature."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from distmat.library.store import KnownChain, Library, write_library
from distmat.protein.chain import Chain
from distmat.protein.examples import examples

LETTERS = "ACDEFGHIKLMNPQRSTVWY"


@pytest.fixture(scope="session")
def known_chains() -> list[Chain]:
    chains = sorted((example.read() for example in examples()), key=lambda c: c.observed.sum())
    chains.sort(key=lambda chain: np.mean(~chain.observed))
    return [replace(chain, name=f"{n}xyz_A") for n, chain in enumerate(chains, start=1)]


@pytest.fixture
def library(known_chains, tmp_path, monkeypatch) -> Library:
    monkeypatch.setenv("DISTMAT_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    path = tmp_path / "home" / "libraries" / "small.parquet"
    days = ["2001-05-26", *[""] * (len(known_chains) - 1)]
    rows = zip(range(len(known_chains)), known_chains, days, strict=True)
    write_library(path, (KnownChain(chain, None, n, day) for n, chain, day in rows))
    return Library(path)


@pytest.fixture
def relative() -> Callable[[str], str]:
    def mutate(sequence: str, share: float = 0.35) -> str:
        """The sequence with this share of its residues exchanged, the same ones each time."""
        rng = np.random.default_rng(round(100 * share))
        letters = np.array(list(sequence))
        hit = rng.random(len(letters)) < share
        letters[hit] = rng.choice(list(LETTERS), size=hit.sum())
        return "".join(letters)

    return mutate
