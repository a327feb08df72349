"""What a training may show beside a chain."""

import numpy as np
import pytest

from distmat.dataset.store import Dataset
from distmat.library.profiles import unpack_frequencies
from distmat.library.training_relatives import TrainingRelatives
from distmat.protein.chain import Chain

pytestmark = pytest.mark.xdist_group("mmseqs")


def a_dataset(chains, clusters, homologues=None) -> Dataset:
    every = np.ones(len(chains), dtype=bool)
    return Dataset("d", tuple(chains), np.array(clusters), every, None, homologues)


@pytest.fixture
def dataset(known_chains, relative) -> Dataset:
    """Two chains of the library with their own clusters, and a relative of the first of another."""
    first, second = known_chains[:2]
    changed = Chain("8new_A", relative(first.sequence, 0.5), first.ca)
    return a_dataset([first, second, changed], [7, 8, 9])


def draws(relatives: TrainingRelatives, number: int, times: int = 40):
    rng = np.random.default_rng(0)
    return [relatives.draw_templates(number, rng) for _ in range(times)]


def test_a_chain_never_sees_itself_nor_its_cluster(dataset, library):
    relatives = TrainingRelatives(dataset, library, 1.0, 0.0)
    assert not any(draws(relatives, 0)) and not any(draws(relatives, 1))
    related = a_dataset(dataset.chains, [7, 8, 7])
    assert not any(draws(TrainingRelatives(related, library, 1.0, 0.0), 2))


def test_a_chain_of_another_cluster_sees_its_relative_now_and_then(dataset, library, known_chains):
    shown = draws(TrainingRelatives(dataset, library, 1.0, 0.0), 2)
    found = [template for templates in shown for template in templates]
    assert {template.name for template in found} == {known_chains[0].name}
    # As alike as this one it is shown in a quarter of the draws at most.
    assert 0.3 <= found[0].identity < 0.7
    assert 0 < len(found) < len(shown) / 2
    assert not any(draws(TrainingRelatives(dataset, library, 0.0, 0.0), 2))


def test_hits_are_looked_up_once(dataset, library, monkeypatch):
    said: list[str] = []
    first = TrainingRelatives(dataset, library, 1.0, 0.0, said.append)
    monkeypatch.setattr("distmat.library.training_relatives.search", None)
    again = TrainingRelatives(dataset, library, 1.0, 0.0, said.append)
    assert len(said) == 1 and "3 chains among" in said[0]
    names = [[[t.name for t in templates] for templates in draws(r, 2)] for r in (first, again)]
    assert names[0] == names[1]


def test_a_profile_is_the_librarys_or_that_of_homologues(dataset, library):
    rng = np.random.default_rng(0)
    relatives = TrainingRelatives(dataset, library, 0.0, 1.0)
    assert (relatives.draw_profile(0, rng) == unpack_frequencies(library.profile(0))).all()
    assert relatives.draw_profile(2, rng) is None
    sequence = dataset.chains[2].sequence
    gapped = "-" * 10 + sequence[10:]
    homologues = ((), (), (sequence.replace("L", "I"), gapped))
    with_some = a_dataset(dataset.chains, dataset.clusters, homologues)
    drawn = TrainingRelatives(with_some, library, 0.0, 1.0).draw_profile(2, rng)
    assert drawn.shape == (len(sequence), 20)
    assert drawn.sum(axis=1) == pytest.approx(1.0)
    assert TrainingRelatives(with_some, library, 0.0, 0.0).draw_profile(2, rng) is None
