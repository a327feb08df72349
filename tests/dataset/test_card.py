"""A card is checked whole before anything is read from it."""

import json

import pytest

from distmat.dataset.card.files import read_card
from distmat.dataset.card.words import FEW, markdown, small_split_sentences
from distmat.dataset.synthetic import write_synthetic
from distmat.errors import DatasetError


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    path = tmp_path_factory.mktemp("data") / "mine.parquet"
    write_synthetic(path, 40)
    return path


def test_a_card_with_scores_that_came_later_is_read_and_shown(path):
    card = read_card(path)
    assert {"mae", "r_precision"} <= set(next(iter(card["baselines"]["scores"].values())))
    assert "P@L" in markdown(card)


def test_a_held_out_split_of_few_chains_is_warned_of(path):
    card = read_card(path)
    val = card["splits"]["val"]
    assert 0 < val["chains"] < FEW
    said = [one for one in small_split_sentences(card) if "The split val" in one]
    assert len(said) == 1 and f"has {val['chains']} chains" in said[0]
    assert said[0] in markdown(card)
    val["chains"] = FEW
    assert not [one for one in small_split_sentences(card) if "The split val" in one]
    card["splits"]["train"]["chains"] = 1
    assert "train" not in " ".join(small_split_sentences(card))


@pytest.mark.parametrize(
    ("place", "value", "words"),
    [
        (("baselines", "scores", "knowing only the separation", "r_precision"), [], "r_precision"),
        (("observed", "broken_chains"), 0.5, "observed.broken_chains"),
        (("observed", "broken_chains"), {"1abc_A": 7}, "observed.broken_chains.1abc_A"),
    ],
    ids=["a later score", "no list of breaks", "a break that is no sentence"],
)
def test_anything_of_another_kind_is_refused_by_its_place(path, tmp_path, place, value, words):
    card = json.loads(path.with_suffix(".json").read_text())
    part = card
    for name in place[:-1]:
        part = part[name] if name in part else next(iter(part.values()))
    part[place[-1]] = value
    (tmp_path / "mine.json").write_text(json.dumps(card))
    with pytest.raises(DatasetError, match=rf"mine.json is no dataset's card \(.*{words}"):
        read_card(tmp_path / "mine.parquet")
