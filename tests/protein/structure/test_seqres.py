"""Placing observed residues in their polymer."""

import time

import numpy as np
import pytest

from distmat.protein.structure.seqres import align_to_seqres

POLYMER = "GSHMKTAYIAKQRQISFVKSHFSRQLEERLGLIEVQ"


def place_numbered(observed: list[int], polymer: str, first: int = 1) -> list[int] | None:
    """Place residues that kept their numbers; bonded where the positions are consecutive."""
    return align_to_seqres(
        "".join(polymer[at] for at in observed),
        polymer,
        [first, *np.diff(observed).tolist()],
        [False, *(np.diff(observed) == 1).tolist()],
    )


@pytest.mark.parametrize(
    "observed",
    [
        list(range(len(POLYMER))),
        list(range(3, 30)),
        [*range(2, 10), *range(14, 36)],
        [0, 5, 9, 20, 35],
        [7],
    ],
)
def test_residues_return_to_where_they_were_taken_from(observed):
    assert place_numbered(observed, POLYMER) == observed


def test_random_gaps_are_found_again():
    rng = np.random.default_rng(1)
    for _ in range(200):
        # Three letters only: many repeats, so that letters alone could mislead.
        polymer = "".join(rng.choice(list("AGS"), size=40))
        observed = sorted(rng.choice(40, size=30, replace=False).tolist())
        placed = place_numbered(observed, polymer)
        # Numbers say nothing of where the first one stands, so all may be shifted.
        assert placed is not None
        assert np.diff(placed).tolist() == np.diff(observed).tolist()
        assert "".join(polymer[at] for at in placed) == "".join(polymer[at] for at in observed)


def test_residue_numbers_decide_on_which_side_of_a_gap_a_repeated_letter_stands():
    assert place_numbered([0, 1, 2, 7], "MGGGGGGK") == [0, 1, 2, 7]
    assert place_numbered([0, 5, 6, 7], "MGGGGGGK") == [0, 5, 6, 7]


def test_bonds_outweigh_numbers():
    # Numbers jump by 3 in the middle, as authors do; the residues are bonded all the same.
    polymer = "MAAAAAK"
    bonded = [False, True, True, True, True]
    assert align_to_seqres("MAAAK", "MAAAKAAK", [1, 1, 1, 3, 1], bonded) == [0, 1, 2, 3, 4]
    assert align_to_seqres(polymer, polymer, [1] * 7, [False] * 7) == list(range(7))


def test_insertion_codes_whose_numbers_stand_still_are_placed_by_their_bonds():
    steps = [1, 1, 0, 0, 1, 1]
    assert align_to_seqres("KTAYIA", POLYMER, steps, [False] + [True] * 5) == [4, 5, 6, 7, 8, 9]


def test_one_wrong_letter_in_twenty_is_a_mutation_and_a_half_is_another_chain():
    observed = list(POLYMER)
    observed[10] = "W"
    bonded = [False] + [True] * (len(observed) - 1)
    steps = [1] * len(observed)
    assert align_to_seqres("".join(observed), POLYMER, steps, bonded) == list(range(len(POLYMER)))
    assert align_to_seqres("W" * 10 + POLYMER[10:20], POLYMER, [1] * 20, bonded[:20]) is None


def test_x_agrees_with_any_letter():
    assert align_to_seqres("KXAX", "GSHMKTAYI", [1] * 4, [False, True, True, True]) == [4, 5, 6, 7]


@pytest.mark.parametrize(("observed", "polymer"), [("MKTA", "MKT"), ("", "MKT"), ("MK", "")])
def test_what_cannot_fit_is_not_placed(observed, polymer):
    assert align_to_seqres(observed, polymer, [1] * len(observed), [True] * len(observed)) is None


def test_a_chain_that_contradicts_itself_everywhere_is_given_up_at_once():
    rng = np.random.default_rng(2)
    observed, polymer = ("".join(rng.choice(list("AG"), size=n)) for n in (400, 800))
    start = time.perf_counter()
    align_to_seqres(observed, polymer, [1] * 400, [False] * 400)
    assert time.perf_counter() - start < 2
