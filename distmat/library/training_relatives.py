"""What a training may show beside a chain: known structures of other families, and profiles.

Templates come from the library, never the chain itself, nor one of its own cluster or entry; a
profile is the library's own of the chain, or follows from the dataset's homologues of it, at any
depth from two sequences upwards.
"""

import hashlib
import json
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from distmat.dataset.clustering import RELATED
from distmat.dataset.store import Dataset
from distmat.jobs.hardware import usable_processors
from distmat.library.cache import write_once
from distmat.library.profiles import unpack_frequencies
from distmat.library.realign import lay_hit
from distmat.library.search import search
from distmat.library.store import Library
from distmat.library.templates import MOST_TEMPLATES, Hit, Template
from distmat.protein.alignment import align_rows
from distmat.protein.entry_id import normal_id

NEAR_SHARE = 0.25
"""Share of the draws in which alignments of `RELATED` identity or more are shown, too: what a
network is to make good use of are the remote ones."""

_HITS_FILE = "hits.json"


class TrainingRelatives:
    """Templates and profiles of a dataset's chains.

    Parameters
    ----------
    dataset : Dataset
    library : Library
    template_share, profile_share : float
        Shares of the draws, 0 to 1, in which templates and a profile are shown, where there are
        any.
    say : callable, optional
        Told what takes minutes.

    Raises
    ------
    DatasetError
        If MMseqs2 is missing or fails.
    """

    def __init__(
        self,
        dataset: Dataset,
        library: Library,
        template_share: float,
        profile_share: float,
        say: Callable[[str], None] = lambda text: None,
    ) -> None:
        self.dataset, self.library = dataset, library
        self.template_share, self.profile_share = template_share, profile_share
        self._places = {name: place for place, name in enumerate(library.normal_names)}
        self._names = [normal_id(chain.name) for chain in dataset.chains]
        self._hits = self._find_hits(say) if template_share else [[] for _ in dataset.chains]

    def draw_templates(self, number: int, rng: np.random.Generator) -> list[Template]:
        """Some of a chain's templates, the surest first; often none."""
        hits = self._hits[number]
        if not hits or rng.random() >= self.template_share:
            return []
        near = rng.random() < NEAR_SHARE
        fit = [hit for hit in hits if near or self._find_identity(number, hit) < RELATED]
        # The surest one is missing now and then, and what is left is what is found of others.
        most = int(rng.integers(1, MOST_TEMPLATES + 1))
        kept = np.flatnonzero(rng.random(len(fit)) < 0.7)[:most]
        return [self._lay(number, fit[place]) for place in kept]

    def draw_profile(self, number: int, rng: np.random.Generator) -> np.ndarray | None:
        """Frequencies of the amino acids among a chain's relatives; shape=(N, 20), or None."""
        if rng.random() >= self.profile_share:
            return None
        rows = self.dataset.homologues[number] if self.dataset.homologues else ()
        place = self._places.get(self._names[number])
        if place is not None and (not rows or rng.random() < 0.5):
            return unpack_frequencies(self.library.profile(place))
        if not rows:
            return None
        shown = rng.permutation(len(rows))[: int(rng.integers(1, len(rows) + 1))]
        own = self.dataset.chains[number].sequence
        return align_rows([own, *(rows[row] for row in shown)]).frequencies

    def _find_identity(self, number: int, hit: Hit) -> float:
        sequence = self.dataset.chains[number].sequence
        return hit.find_identity(sequence, self.library.sequences[hit.target])

    def _lay(self, number: int, hit: Hit) -> Template:
        library, sequence = self.library, self.dataset.chains[number].sequence
        return lay_hit(sequence, library.chain(hit.target), library.profile(hit.target), hit)

    def _find_hits(self, say: Callable[[str], None]) -> list[list[Hit]]:
        """Of each chain; looked up once for each dataset and library."""
        chains, library = self.dataset.chains, self.library

        def write(folder: Path) -> None:
            say(
                f"Looking for templates of {len(chains):,} chains among {len(library):,} known "
                "structures, which is done once"
            )
            found = self._search()
            rows = [[vars(hit) for hit in hits] for hits in found]
            (folder / _HITS_FILE).write_text(json.dumps(rows))

        digest = hashlib.sha256(library.fingerprint().encode())
        for chain, cluster in zip(chains, self.dataset.clusters, strict=True):
            digest.update(f"\n{chain.name}\t{chain.sequence}\t{cluster}".encode())
        folder = write_once(f"{digest.hexdigest()[:16]}-hits", write)
        content = json.loads((folder / _HITS_FILE).read_text())
        return [[Hit(**hit) for hit in hits] for hits in content]

    def _search(self) -> list[list[Hit]]:
        entries = _entries(self.library.normal_names)
        own_entries = _entries(self._names)
        families: dict[int, set[int]] = {}
        for name, cluster in zip(self._names, self.dataset.clusters, strict=True):
            if (place := self._places.get(name)) is not None:
                families.setdefault(int(cluster), set()).add(int(self.library.clusters[place]))

        def allowed(number: int) -> np.ndarray:
            own = list(families.get(int(self.dataset.clusters[number]), ()))
            allowed: np.ndarray = ~np.isin(self.library.clusters, own)
            return allowed & (entries != own_entries[number])

        sequences = [chain.sequence for chain in self.dataset.chains]
        return search(self.library, sequences, usable_processors(), allowed)


def _entries(names: Sequence[str]) -> np.ndarray:
    """The PDB entries that chains are of."""
    return np.array([name.partition("_")[0] for name in names])
