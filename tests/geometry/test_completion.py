import numpy as np
import pytest
from scipy.sparse.csgraph import floyd_warshall

from distmat.errors import DistanceMapError, MapOptionError
from distmat.geometry.completion import LONGEST_CHAIN, check_map, complete
from distmat.protein.distance_map import pairwise_distances
from tests.geometry.ideal_chains import distances_of, disturbed, random_walk

TRUE = distances_of(random_walk(20))


def changed(*places, value):
    distances = TRUE.copy()
    for i, j in places:
        distances[i, j] = value
    return distances


REFUSED = {
    "text": ("a map", "array of real numbers"),
    "none": (None, "array of real numbers"),
    "letters": (np.full((3, 3), "x"), "array of real numbers"),
    "objects": (np.array([[0, None], [object(), 0]], dtype=object), "array of real numbers"),
    "complex": (TRUE.astype(complex), "array of real numbers"),
    "ragged": ([[0, 1], [1]], "array of real numbers"),
    "booleans": (TRUE < 8, "array of real numbers"),
    "a vector": (np.zeros(9), r"\(9,\)"),
    "three axes": (np.zeros((4, 4, 1)), r"\(4, 4, 1\)"),
    "not square": (np.zeros((20, 3)), r"\(20, 3\)"),
    "empty": (np.zeros((0, 0)), "empty"),
    "nothing known": (np.full((5, 5), np.nan), "None of the 10 distances"),
    "all infinite": (np.full((5, 5), np.inf), "None of the 10 distances"),
    "many negative": (-TRUE, "95% of the distances are negative"),
    "a sentinel": (np.where(TRUE > 12, -1.0, TRUE), "negative"),
    "huge": (changed((3, 7), (7, 3), value=1e30), "residues 4 and 8 is 1e.30 Å"),
    "asymmetric": (np.random.default_rng(0).uniform(0, 90, (20, 20)), "Å one way and"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_no_map_is_refused_in_one_sentence_that_says_why(name):
    given, reason = REFUSED[name]
    with pytest.raises(DistanceMapError, match=reason) as error:
        check_map(given)
    assert str(error.value).endswith(".") and "\n" not in str(error.value)


def test_a_map_too_long_for_memory_is_refused_with_its_length():
    with pytest.raises(DistanceMapError, match=str(LONGEST_CHAIN + 1)):
        check_map(np.broadcast_to(np.float32(5.0), (LONGEST_CHAIN + 1, LONGEST_CHAIN + 1)))


@pytest.mark.parametrize("kind", [np.float32, np.float16, int, list, object, np.asfortranarray])
def test_numbers_of_every_kind_are_taken(kind):
    given = kind(TRUE.tolist()) if kind is list else TRUE
    if kind in (np.float32, np.float16, int, object):
        given = TRUE.astype(kind)
    elif kind is np.asfortranarray:
        given = np.asfortranarray(TRUE)
    known = check_map(given)
    assert known.complete and known.distances.dtype == np.float64
    np.testing.assert_allclose(known.distances, TRUE, atol=1.0)


def test_what_was_given_is_not_changed():
    given = disturbed(TRUE)
    given[3, 3], given[2, 9] = 5.0, np.nan
    before = given.copy()
    check_map(given)
    np.testing.assert_array_equal(given, before)


def test_halves_that_differ_a_little_give_their_mean_and_a_note():
    known = check_map(TRUE + np.triu(np.ones_like(TRUE), 1))
    np.testing.assert_allclose(known.distances, TRUE + 0.5 * (1 - np.eye(20)))
    assert known.notes == (
        "The two halves of the map differed by up to 1.00 Å; their mean was taken.",
    )


@pytest.mark.parametrize("triangle", [np.triu, np.tril])
def test_one_triangle_alone_counts_for_both(triangle):
    known = check_map(triangle(TRUE))
    np.testing.assert_array_equal(known.distances, TRUE)
    assert "triangle" in known.notes[0]


def test_what_is_known_on_one_side_only_counts_for_both():
    known = check_map(changed((3, 7), (9, 2), value=np.nan))
    assert known.complete
    np.testing.assert_array_equal(known.distances, TRUE)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_what_is_not_finite_is_unknown(value):
    known = check_map(changed((3, 7), (7, 3), value=value))
    assert not known.complete
    assert np.argwhere(np.isnan(known.distances)).tolist() == [[3, 7], [7, 3]]


def test_the_mask_says_what_is_known():
    mask = TRUE < 10
    np.testing.assert_array_equal(np.isfinite(check_map(TRUE, mask=mask).distances), mask)
    numbers = check_map(TRUE, mask=mask.astype(int)).distances
    np.testing.assert_array_equal(np.isfinite(numbers), mask)


def test_a_few_negative_values_are_noise_and_a_note():
    known = check_map(changed((3, 7), (7, 3), value=-2.0))
    assert known.distances[3, 7] == 0.0
    assert "2 negative values" in known.notes[0] and "residues 4 and 8" in known.notes[0]


@pytest.mark.parametrize("value", [3.0, np.nan, -4.0])
def test_the_diagonal_is_zero_whatever_was_there(value):
    given = TRUE.copy()
    np.fill_diagonal(given, value)
    np.testing.assert_array_equal(check_map(given).distances, TRUE)


@pytest.mark.parametrize(
    ("std", "reason"),
    [
        (np.ones((4, 4)), "4 residues but the distance map for 20"),
        (-TRUE, "can't be negative"),
        ("x", "real numbers"),
    ],
)
def test_standard_deviations_are_checked(std, reason):
    with pytest.raises(DistanceMapError, match=reason):
        check_map(TRUE, std=std)


@pytest.mark.parametrize(
    ("mask", "reason"), [(np.ones((3, 3), bool), "3 residues"), (TRUE, "true where")]
)
def test_the_mask_is_checked(mask, reason):
    with pytest.raises(DistanceMapError, match=reason):
        check_map(TRUE, mask=mask)


def test_filled_in_distances_are_scipy_s_shortest_paths():
    partial = np.where((TRUE < 9) | (TRUE > 25), TRUE, np.nan)
    graph = np.nan_to_num(partial, nan=0.0)
    filled = complete(partial, np.arange(20))
    unknown = np.isnan(partial)
    np.testing.assert_allclose(filled[unknown], floyd_warshall(graph, directed=False)[unknown])
    np.testing.assert_array_equal(filled[~unknown], partial[~unknown])


def test_parts_without_a_known_pair_are_joined_by_the_chain():
    partial = TRUE.copy()
    partial[:8, 8:] = partial[8:, :8] = np.nan
    filled = complete(partial, np.array([*range(8), *range(10, 22)]))
    assert filled[7, 8] == pytest.approx(3 * 3.8)
    assert filled[0, 19] == pytest.approx(TRUE[0, 7] + 3 * 3.8 + TRUE[8, 19])


@pytest.fixture
def helix():
    """Distances of an α-helix of 20 residues, Å."""
    turn = np.radians(100) * np.arange(20)
    ca = np.stack([2.3 * np.cos(turn), 2.3 * np.sin(turn), 1.5 * np.arange(20)], axis=1)
    return pairwise_distances(ca)


@pytest.mark.parametrize(("unit", "factor"), [("nm", 10.0), ("pm", 0.01)])
def test_a_map_in_another_unit_is_refused_with_the_unit_that_fits_and_read_with_it(
    helix, unit, factor
):
    with pytest.raises(MapOptionError, match=f"if they are in {unit}, give unit='{unit}'") as error:
        check_map(helix / factor)
    assert (error.value.option, error.value.value) == ("unit", unit)
    known = check_map(helix / factor, std=np.full((20, 20), 0.5 / factor), unit=unit)
    np.testing.assert_allclose(known.distances, helix, atol=1e-9)
    np.testing.assert_allclose(known.std, 0.5)


def test_a_map_that_fits_no_unit_is_refused_unless_a_person_says_that_it_is_in_angstrom(helix):
    with pytest.raises(MapOptionError, match=r"none of Å, nm, pm.*give unit='Å'"):
        check_map(helix / helix.max())
    np.testing.assert_allclose(check_map(helix / 40, unit="Å").distances, helix / 40)
    with pytest.raises(DistanceMapError, match="The unit is 'ft'; it must be one of Å, nm, pm"):
        check_map(helix, unit="ft")


def test_a_map_with_odd_bonds_is_read_and_that_is_said(helix):
    (note,) = check_map(2 * helix).notes
    assert "7.66 apart in the median, where Cα atoms are 3.8 Å apart" in note


def test_zeros_between_residues_are_refused_until_a_person_says_what_they_mean(helix):
    holed = np.where(helix > 20, 0.0, helix)
    with pytest.raises(MapOptionError, match=r"residues 1 and 15 is zero.*zeros_are_missing=True"):
        check_map(holed)
    known = check_map(holed, zeros_are_missing=True)
    assert np.array_equal(np.isnan(known.distances), holed + np.eye(20) == 0)
    assert check_map(holed, zeros_are_missing=False).complete


@pytest.mark.parametrize("half", [np.triu, np.tril])
def test_an_empty_half_has_no_zeros_and_the_zeros_of_a_half_count(helix, half):
    np.testing.assert_allclose(check_map(half(helix)).distances, helix)
    holed = half(np.where(helix > 20, 0.0, helix))
    with pytest.raises(MapOptionError, match="is zero"):
        check_map(holed)
    known = check_map(holed, zeros_are_missing=True)
    np.testing.assert_allclose(known.distances, np.where(helix > 20, np.nan, helix))
